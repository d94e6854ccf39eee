//! Renders Markdown as HTML: the Markdown is a call's input, the HTML its output.

mod links;
mod outline;
mod page;
mod render;
mod safe;
mod settings;

use airssys_wasm_sdk::prelude::*;

use crate::render::{Rendered, render};
use crate::settings::Settings;

/// What a caller sends whose bytes are Markdown. The last two are what clients say that know no better: curl's
/// `--data` is one.
const MARKDOWN: [&str; 5] = [
    "text/markdown",
    "text/x-markdown",
    "text/plain",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
];

#[component]
pub struct Markdown {
    settings: Settings,
}

#[component_impl]
impl Markdown {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { settings: config.parse()? })
    }

    #[component_execute]
    pub fn answer(&mut self, input: ComponentInput) -> ComponentResult {
        let settings = self.settings.of_call(&input)?;
        let markdown = markdown(&input, settings.max_bytes)?;
        let mut rendered = render(markdown, &settings);
        if settings.document {
            rendered.html = page::around(&rendered);
        }
        answer(rendered, wants_json(&input))
    }
}

/// The input as Markdown; the caller's error where it is none.
fn markdown(input: &ComponentInput, max_bytes: usize) -> Result<&str, ComponentError> {
    if let Some(content_type) = input.content_type() {
        check(content_type)?;
    }
    let bytes = input.bytes().len();
    if bytes > max_bytes {
        let why = format!("{bytes} bytes are more than the {max_bytes} that one call may bring");
        return Err(ComponentError::invalid_input(why));
    }
    input.text()
}

fn check(content_type: &str) -> Result<(), ComponentError> {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if !MARKDOWN.iter().any(|known| known.eq_ignore_ascii_case(essence)) {
        let why = format!("{essence} is no Markdown: send text/markdown");
        return Err(ComponentError::invalid_input(why));
    }
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match charset {
        Some(other) if !["utf-8", "utf8", "us-ascii"].contains(&&*other.to_ascii_lowercase()) => {
            let why = format!("the charset {other} is not read: send UTF-8");
            Err(ComponentError::invalid_input(why))
        }
        _ => Ok(()),
    }
}

/// Whether the caller asks for the outline too, and not for HTML alone.
fn wants_json(input: &ComponentInput) -> bool {
    let accepted = input.metadata("accept").unwrap_or_default();
    accepted.split(',').any(|one| {
        one.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"))
    })
}

fn answer(rendered: Rendered, as_json: bool) -> ComponentResult {
    if as_json {
        return ComponentOutput::json(&rendered);
    }
    let output = ComponentOutput::new(rendered.html).with_content_type("text/html; charset=utf-8");
    Ok(match rendered.title {
        Some(title) => output.with_metadata("markdown-title", title),
        None => output,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renderer(config: &str) -> Markdown {
        Markdown::new(ComponentConfig::from_json(config).unwrap()).unwrap()
    }

    fn answered(input: ComponentInput) -> ComponentResult {
        renderer("").answer(input)
    }

    #[test]
    fn markdown_comes_back_as_html_with_its_title() {
        let output = answered(ComponentInput::from_text("# Tea & *cake*\n")).unwrap();
        assert_eq!(
            output.as_text(),
            Some("<h1 id=\"section-tea-cake\">Tea &amp; <em>cake</em></h1>\n")
        );
        assert_eq!(output.content_type(), Some("text/html; charset=utf-8"));
        assert_eq!(output.all_metadata(), [("markdown-title".into(), "Tea & cake".into())]);
    }

    #[test]
    fn a_caller_who_accepts_json_gets_the_outline_too() {
        let input = ComponentInput::from_text("# One\n\n## Two\n\n## Two\n")
            .with_metadata("Accept", "text/html;q=0.5, application/json");
        let output = answered(input).unwrap();
        let text = output.as_text().unwrap();
        assert!(text.starts_with(r#"{"title":"One","#), "{text}");
        assert!(text.contains(r#"{"level":2,"text":"Two","id":"section-two-1"}"#), "{text}");
    }

    #[test]
    fn what_is_no_markdown_is_the_callers_mistake() {
        for input in [
            ComponentInput::from_text("{}").with_content_type("application/json"),
            ComponentInput::from_text("x").with_content_type("text/markdown; charset=latin1"),
            ComponentInput::new([0xff]),
            ComponentInput::from_text("x").with_metadata("markdown-tables", "maybe"),
            ComponentInput::new(vec![b'x'; (256 << 10) + 1]),
        ] {
            assert_eq!(answered(input).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        let fine = ComponentInput::from_text("x").with_content_type("text/markdown;charset=UTF-8");
        assert_eq!(answered(fine).unwrap().as_text(), Some("<p>x</p>\n"));
    }

    #[test]
    fn a_call_may_set_what_is_harmless_and_nothing_else() {
        let input = || ComponentInput::from_text("~~a~~ <b>c</b>");
        let plain = answered(input().with_metadata("markdown-strikethrough", "off")).unwrap();
        assert_eq!(plain.as_text(), Some("<p>~~a~~ &lt;b&gt;c&lt;/b&gt;</p>\n"));
        let kept = answered(input().with_metadata("markdown-raw_html", "keep")).unwrap();
        assert_eq!(kept.as_text(), Some("<p><del>a</del> &lt;b&gt;c&lt;/b&gt;</p>\n"));
    }

    #[test]
    fn a_configuration_with_a_misspelt_name_is_refused() {
        for config in [r#"{ "raw_htm": "keep" }"#, r#"{ "raw_html": "perhaps" }"#] {
            let refused = Markdown::new(ComponentConfig::from_json(config).unwrap()).err();
            assert_eq!(refused.unwrap().kind(), ErrorKind::InvalidConfig);
        }
    }
}
