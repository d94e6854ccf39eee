//! What the operator sets, and what of it a call may set otherwise.

use airssys_wasm_sdk::prelude::*;
use serde::Deserialize;

/// The `[config]` of Component.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Of Markdown in one call. The worst takes 120 times as much memory, and 4 µs a byte.
    pub(crate) max_bytes: usize,
    pub(crate) raw_html: RawHtml,
    /// Where links and images may lead, in lower case, besides addresses without a scheme.
    pub(crate) schemes: Vec<String>,
    pub(crate) tables: bool,
    pub(crate) footnotes: bool,
    pub(crate) strikethrough: bool,
    pub(crate) tasklists: bool,
    pub(crate) document: bool,
}

/// What becomes of what an author writes as HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawHtml {
    /// It is shown as the text that it is.
    Escape,
    /// It is left out.
    Drop,
    /// It is HTML: for authors who may run scripts on the page that shows it.
    Keep,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 10,
            raw_html: RawHtml::Escape,
            schemes: ["http", "https", "mailto"].map(str::to_owned).into(),
            tables: true,
            footnotes: true,
            strikethrough: true,
            tasklists: true,
            document: false,
        }
    }
}

impl Settings {
    /// The settings of this call: its metadata may name what does no harm (`markdown-tables: off`). What keeps the
    /// HTML safe is the operator's alone.
    pub(crate) fn of_call(&self, input: &ComponentInput) -> Result<Self, ComponentError> {
        let mut own = self.clone();
        let switches = [
            ("markdown-tables", &mut own.tables),
            ("markdown-footnotes", &mut own.footnotes),
            ("markdown-strikethrough", &mut own.strikethrough),
            ("markdown-tasklists", &mut own.tasklists),
            ("markdown-document", &mut own.document),
        ];
        for (name, switch) in switches {
            match input.metadata(name) {
                None => {}
                Some("on" | "true") => *switch = true,
                Some("off" | "false") => *switch = false,
                Some(other) => {
                    let why = format!("`{name}` is on or off, and not `{other}`");
                    return Err(ComponentError::invalid_input(why));
                }
            }
        }
        Ok(own)
    }
}
