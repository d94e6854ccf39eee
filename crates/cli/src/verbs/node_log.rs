//! The node's own log, on stderr. One record is one line that begins with its time, or one object of JSON; what else
//! a record's text holds stands indented below.

use std::io::{self, IsTerminal as _, Write};

use airssys_wasm_api::{Code, Failure};
use tracing_subscriber::EnvFilter;

use crate::place::variable;
use crate::ui::{Format, Ui};

/// Begins the log.
pub(super) fn start(ui: &Ui) -> Result<(), Failure> {
    let filter = filter(variable("AIRSSYS_WASM_LOG").as_deref())?;
    let colours = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Records(io::stderr()))
        .with_ansi(colours);
    match ui.format() {
        Format::Json => log.json().init(),
        Format::Text => log.init(),
    }
    Ok(())
}

/// What others' code warns of is what a guest or a client did, as often as these like and without their names. Who does
/// it is told; the log has it where it is asked for by the module.
const QUIET: &str = "wasmtime_wasi_http=error,hyper=error";

fn filter(said: Option<&str>) -> Result<EnvFilter, Failure> {
    let said = said.unwrap_or("info");
    EnvFilter::try_new(format!("{QUIET},{said}")).map_err(|error| {
        Failure::new(Code::Usage, format!("AIRSSYS_WASM_LOG: {error}")).help(
            "a level such as `debug`, or one a module such as `info,airssys_wasm::guest=debug`",
        )
    })
}

/// Is given a whole record at a time, as the subscriber writes them.
///
/// A record may repeat what a guest said, or the names of its functions. If these could begin a line they could pass for
/// the node's own words.
struct Records<W>(W);

/// What a line that goes on begins with.
const INDENT: &[u8] = b"    ";

impl<W: Write> Write for Records<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = record.strip_suffix(b"\n").unwrap_or(record);
        if !text.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            self.0.write_all(record)?;
            return Ok(record.len());
        }
        let mut lines = Vec::with_capacity(record.len() + 256);
        for byte in text {
            match byte {
                b'\n' => lines.extend([b"\n", INDENT].concat()),
                // In a terminal it would lead back to the beginning of the line.
                b'\r' => lines.push(b' '),
                byte => lines.push(*byte),
            }
        }
        lines.extend(&record[text.len()..]);
        self.0.write_all(&lines)?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_level_that_is_none_is_a_usage_error() {
        assert!(filter(None).is_ok() && filter(Some("warn,airssys_wasm::guest=debug")).is_ok());
        assert_eq!(filter(Some("info,=bogus")).unwrap_err().code, Code::Usage);
        let asked = filter(Some("hyper=debug")).unwrap().to_string();
        assert!(asked.contains("hyper=debug") && !asked.contains("hyper=error"), "{asked}");
    }

    #[test]
    fn only_a_record_begins_a_line() {
        let mut log = Records(Vec::new());
        for record in ["one\n", "two\nERROR forged\rERROR\n\n", "three\n"] {
            log.write_all(record.as_bytes()).unwrap();
        }
        let said = String::from_utf8(log.0).unwrap();
        assert_eq!(said, "one\ntwo\n    ERROR forged ERROR\n    \nthree\n");
    }
}
