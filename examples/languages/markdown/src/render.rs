//! From Markdown to HTML, in one pass over the text.

use pulldown_cmark::{Options, Parser, html};
use serde::Serialize;

use crate::outline::Heading;
use crate::safe::Safe;
use crate::settings::Settings;

/// A text that was rendered.
#[derive(Debug, Serialize)]
pub(crate) struct Rendered {
    /// What its first heading says, of the highest level that it has.
    pub(crate) title: Option<String>,
    /// Its headings in their order.
    pub(crate) outline: Vec<Heading>,
    pub(crate) html: String,
}

/// Renders a text. Any text is Markdown.
pub(crate) fn render(markdown: &str, settings: &Settings) -> Rendered {
    let mut events = Safe::new(Parser::new_ext(markdown, options(settings)), settings);
    // Most HTML is a little longer than what it was made from.
    let mut html = String::with_capacity(markdown.len() + markdown.len() / 2);
    html::push_html(&mut html, events.by_ref());
    let outline = events.into_outline();
    // The first of those with the highest level: `min_by_key` returns the first of equals.
    let title = outline.iter().min_by_key(|heading| heading.level);
    Rendered { title: title.map(|heading| heading.text.clone()), outline, html }
}

fn options(settings: &Settings) -> Options {
    let mut options = Options::empty();
    options.set(Options::ENABLE_TABLES, settings.tables);
    options.set(Options::ENABLE_FOOTNOTES, settings.footnotes);
    options.set(Options::ENABLE_STRIKETHROUGH, settings.strikethrough);
    options.set(Options::ENABLE_TASKLISTS, settings.tasklists);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::RawHtml;

    fn html(markdown: &str) -> String {
        render(markdown, &Settings::default()).html
    }

    #[test]
    fn tables_footnotes_and_lists_of_tasks_are_rendered() {
        assert!(html("a|b\n-|-\n1|2\n").contains("<td>1</td>"));
        assert!(html("- [x] done\n").contains("checkbox"));
        let notes = html("a[^1]\n\n[^1]: note\n");
        assert!(notes.contains("href=\"#note-1\"") && notes.contains("id=\"note-1\""), "{notes}");
    }

    #[test]
    fn the_title_is_the_first_heading_of_the_highest_level() {
        let title = |text| render(text, &Settings::default()).title;
        assert_eq!(title("### c\n# a `b`\n# d\n").as_deref(), Some("a b"));
        assert_eq!(title("Tea\n===\n").as_deref(), Some("Tea"));
        assert_eq!(title("text").as_deref(), None);
        assert_eq!(title("# a\\\nb <b>c</b>\n").as_deref(), Some("a\\"));
    }

    #[test]
    fn html_is_shown_left_out_or_kept() {
        let with =
            |raw_html, text| render(text, &Settings { raw_html, ..Settings::default() }).html;
        let inline = "a <b onclick=x>c</b>";
        assert_eq!(with(RawHtml::Escape, inline), "<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>\n");
        assert_eq!(with(RawHtml::Drop, inline), "<p>a c</p>\n");
        assert_eq!(with(RawHtml::Keep, inline), "<p>a <b onclick=x>c</b></p>\n");
        let block = "<script>\nalert(1)\n</script>\n\nafter\n";
        assert_eq!(with(RawHtml::Drop, block), "<p>after</p>\n");
        assert!(!with(RawHtml::Escape, block).contains("<script"));
        assert!(with(RawHtml::Keep, block).contains("<script>"));
    }

    /// What has been tried on renderers before: none of it may leave an address that runs, or an element of the author's.
    #[test]
    fn nothing_that_runs_comes_through() {
        for attack in [
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](java&#10;script:alert(1))",
            "[a](&#1;javascript:alert(1))",
            "[a](javascript&colon;alert(1))",
            "[a]( javascript:alert(1) )",
            "[a](vbscript:x) ![b](data:text/html;base64,PHM+)",
            "<javascript:alert(1)>",
            "[a]: javascript:alert(1)\n\n[a]",
            "![a](javascript:alert(1))",
            "[![a](javascript:x)](javascript:y)",
            "<img src=x onerror=alert(1)>",
            "<svg/onload=alert(1)>",
            "a\n<details open ontoggle=alert(1)>\n",
            "```\"><script>\nx\n```",
            "[a](http://x \"\\\"><script>\")",
            "# <script>x</script>",
            "[^<script>]\n\n[^<script>]: x",
            "![<script>](x)",
        ] {
            let html = html(attack).to_lowercase();
            let runs = [
                "<script",
                "<svg",
                "onerror=alert(1)>",
                "<details",
                "=\"javascript",
                "=\"data",
                "=\"vbscript",
            ];
            // Shown as text it is harmless, so only what stands in a tag or begins one counts.
            assert!(!runs.iter().any(|it| html.contains(it)), "{attack} became {html}");
        }
    }
}
