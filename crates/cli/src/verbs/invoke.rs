//! `invoke`: call a component's handler, or one of its functions.

use std::io::{IsTerminal as _, Read as _};

use airssys_wasm_api::reply::Invoked;
use airssys_wasm_api::{Code, Command, Failure, MAX_INPUT_BYTES, Payload, command};
use airssys_wasm_model::Name;

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

    /// The handler's input: text, @FILE, or - for stdin.
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
            function: self.function.clone(),
        });
        let invoked: Invoked = self.node.client()?.ask(command).await?;
        match ui.format() {
            Format::Json => ui.answer(&invoked, |_| String::new()),
            Format::Text => {
                ui.write(&invoked.output.0)?;
                // A pipe gets the handler's bytes and no other; a terminal or a value needs its line's end.
                let line = self.function.is_some() || std::io::stdout().is_terminal();
                if line && !invoked.output.0.ends_with(b"\n") { ui.write(b"\n") } else { Ok(()) }
            }
        }
    }
}

fn read_input(said: &str) -> Result<Vec<u8>, Failure> {
    if said == "-" {
        return bounded("stdin", std::io::stdin().lock());
    }
    let Some(path) = said.strip_prefix('@') else { return Ok(said.as_bytes().to_vec()) };
    let file = std::fs::File::open(path).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => Code::NotFound,
            _ => Code::Failed,
        };
        Failure::new(code, format!("{path} cannot be read: {error}"))
    })?;
    bounded(path, file)
}

fn bounded(name: &str, from: impl std::io::Read) -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    let read = from.take(MAX_INPUT_BYTES as u64 + 1).read_to_end(&mut input);
    read.map_err(|error| Failure::new(Code::Failed, format!("{name} cannot be read: {error}")))?;
    if input.len() > MAX_INPUT_BYTES {
        return Err(Failure::new(
            Code::TooLarge,
            format!("{name} has more than {MAX_INPUT_BYTES} bytes"),
        )
        .help("send it to the HTTP ingress, which streams"));
    }
    Ok(input)
}

/// What the input looks like: most handlers take JSON or text, and asking for it each time would tire.
fn content_type_of(input: &[u8]) -> &'static str {
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
    use super::*;

    #[test]
    fn input_is_text_or_a_file() {
        assert_eq!(read_input("hello").unwrap(), b"hello");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in");
        std::fs::write(&path, [0, 255]).unwrap();
        assert_eq!(read_input(&format!("@{}", path.display())).unwrap(), [0, 255]);
        assert_eq!(read_input("@/nowhere/at/all").unwrap_err().code, Code::NotFound);
        assert_eq!(bounded("x", std::io::repeat(0)).unwrap_err().code, Code::TooLarge);
    }

    #[test]
    fn the_content_type_is_what_the_input_looks_like() {
        assert_eq!(content_type_of(b" {\"a\": 1}"), "application/json");
        assert_eq!(content_type_of(b"{a}"), "text/plain; charset=utf-8");
        assert_eq!(content_type_of(&[0xff]), "application/octet-stream");
    }
}
