//! A whole page around what was rendered.

use std::iter;

use pulldown_cmark::{Event, html};

use crate::render::Rendered;

/// What a page has whose text has no heading.
const UNTITLED: &str = "Untitled";

pub(crate) fn around(rendered: &Rendered) -> String {
    let mut title = String::new();
    let text = rendered.title.as_deref().unwrap_or(UNTITLED);
    html::push_html(&mut title, iter::once(Event::Text(text.into())));
    format!(
        "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n\
         <body>\n{}</body>\n</html>\n",
        rendered.html
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::render;
    use crate::settings::Settings;

    #[test]
    fn a_title_is_text_on_its_page_too() {
        let page = |text| around(&render(text, &Settings::default()));
        assert!(page("# a < b & `c`\n").contains("<title>a &lt; b &amp; c</title>"));
        assert!(page("text").contains("<title>Untitled</title>"));
    }
}
