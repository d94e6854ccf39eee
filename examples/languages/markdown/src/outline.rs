//! A text's headings, each with a name of its own that a link can lead to.

use std::collections::HashMap;

use serde::Serialize;

/// A heading.
#[derive(Debug, Serialize)]
pub(crate) struct Heading {
    /// 1 for the highest, to 6.
    pub(crate) level: u8,
    pub(crate) text: String,
    /// The `id` of its element.
    pub(crate) id: String,
}

/// The headings so far.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    headings: Vec<Heading>,
    /// How often each name was given.
    given: HashMap<String, u32>,
}

impl Outline {
    /// Takes a heading down, and gives its name.
    pub(crate) fn add(&mut self, level: u8, text: &str) -> String {
        let id = self.name(text);
        // One line: the title goes into an HTTP header.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.headings.push(Heading { level, text, id: id.clone() });
        id
    }

    pub(crate) fn into_headings(self) -> Vec<Heading> {
        self.headings
    }

    /// `Tea & cake` → `section-tea-cake`, and where that was given, `section-tea-cake-1`. What it begins with keeps it
    /// apart from the names that the page around it has.
    fn name(&mut self, text: &str) -> String {
        let mut name = "section".to_owned();
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            name.push('-');
            name.extend(word.chars().flat_map(char::to_lowercase));
        }
        loop {
            let times = self.given.entry(name.clone()).or_default();
            *times += 1;
            match *times {
                1 => return name,
                again => name = format!("{name}-{}", again - 1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_given_once() {
        let mut outline = Outline::default();
        let names = ["Tea & cake", "tea-cake", "Tea cake 1", "Über", "?!", "?!"]
            .map(|text| outline.add(1, text));
        assert_eq!(
            names,
            [
                "section-tea-cake",
                "section-tea-cake-1",
                "section-tea-cake-1-1",
                "section-über",
                "section",
                "section-1"
            ]
        );
    }
}
