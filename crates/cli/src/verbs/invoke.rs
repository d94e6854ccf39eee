//! `invoke`: call a component's handler, or one of its functions.

use std::io::IsTerminal as _;

use airssys_wasm_api::reply::Invoked;
use airssys_wasm_api::{Command, Failure, MAX_INPUT_BYTES, Payload, command};
use airssys_wasm_model::Name;

use crate::files::{read_bytes, read_from};
use crate::place::NodeFlags;
use crate::ui::{Format, Ui};

/// Call a service's handler (bytes in, bytes out), or one of its functions
///
/// A function's arguments and its result are written in WAVE, WebAssembly's value notation: 7, "text",
/// [1, 2], {name: "x", age: some(3)}.
#[derive(clap::Args)]
pub(crate) struct Invoke {
    /// Which service.
    name: Name,

    /// The function; the handler unless given.
    function: Option<String>,

    /// The function's arguments, each in WAVE.
    #[arg(value_name = "WAVE", allow_negative_numbers = true)]
    args: Vec<String>,

    /// The handler's input: text, @FILE, or - for stdin (text that begins with @ goes through it).
    #[arg(
        long,
        value_name = "TEXT|@FILE|-",
        conflicts_with = "function",
        allow_hyphen_values = true
    )]
    input: Option<String>,

    /// The input's content type; found from the input unless given.
    #[arg(long, value_name = "TYPE", conflicts_with = "function")]
    content_type: Option<String>,

    /// What else is said of the input, as a request's headers do: an actor's key, for one.
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "function", value_parser = entry)]
    metadata: Vec<(String, String)>,

    #[command(flatten)]
    node: NodeFlags,
}

impl Invoke {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let input = self.input.as_deref().map(read_input).transpose()?.unwrap_or_default();
        let content_type = match (&self.function, self.content_type) {
            (Some(_), _) => None,
            (None, Some(said)) => Some(said),
            (None, None) => Some(content_type_of(&input).to_owned()),
        };
        let command = Command::Invoke(command::Invoke {
            service: self.name,
            args: self.args,
            input: Payload(input.into()),
            content_type,
            metadata: self.metadata.into_iter().collect(),
            function: self.function.clone(),
        });
        let invoked: Invoked = self.node.client()?.ask(command).await?;
        match ui.format() {
            Format::Json => ui.answer(&invoked, |_| String::new()),
            Format::Text => {
                // A pipe gets the handler's bytes and no other; a terminal gets text that can't act on it.
                if self.function.is_some() || std::io::stdout().is_terminal() {
                    return ui.answer(&invoked, |invoked| {
                        String::from_utf8_lossy(&invoked.output.0).into_owned()
                    });
                }
                ui.write(&invoked.output.0)
            }
        }
    }
}

fn entry(said: &str) -> Result<(String, String), String> {
    match said.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn read_input(said: &str) -> Result<Vec<u8>, Failure> {
    if said == "-" {
        return read_stdin();
    }
    match said.strip_prefix('@') {
        Some(path) => read_bytes(path.as_ref(), MAX_INPUT_BYTES),
        None => Ok(said.as_bytes().to_vec()),
    }
}

/// A handler's input from stdin, no larger than a node takes it.
pub(super) fn read_stdin() -> Result<Vec<u8>, Failure> {
    read_from(&"stdin", std::io::stdin().lock(), MAX_INPUT_BYTES)
}

/// What the input looks like: most handlers take JSON or text, and asking for it each time would tire.
pub(super) fn content_type_of(input: &[u8]) -> &'static str {
    let is_json = matches!(input.trim_ascii_start().first(), Some(b'{' | b'['))
        && serde_json::from_slice::<serde::de::IgnoredAny>(input).is_ok();
    match std::str::from_utf8(input) {
        Ok(_) if is_json => "application/json",
        Ok(_) => "text/plain; charset=utf-8",
        Err(_) => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use airssys_wasm_api::Code;

    use super::*;

    #[test]
    fn input_is_text_or_a_file() {
        assert_eq!(read_input("hello").unwrap(), b"hello");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in");
        std::fs::write(&path, [0, 255]).unwrap();
        assert_eq!(read_input(&format!("@{}", path.display())).unwrap(), [0, 255]);
        assert_eq!(read_input("@/nowhere/at/all").unwrap_err().code, Code::NotFound);
    }

    #[test]
    fn the_content_type_is_what_the_input_looks_like() {
        assert_eq!(content_type_of(b" {\"a\": 1}"), "application/json");
        assert_eq!(content_type_of(b"{a}"), "text/plain; charset=utf-8");
        assert_eq!(content_type_of(&[0xff]), "application/octet-stream");
    }
}
