//! How the process ends: what is printed of an error, and which exit code it has.
//!
//! The codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict, 6 rolled back or aborted,
//! 7 node unreachable, 8 invalid component or manifest, 9 a limit was reached.

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use airssys_wasm_api::{Code, Failure};
use serde_json::json;

use crate::ui::{Format, Ui, harmless};

/// Ends with this code and prints nothing more: the verb has said it all.
#[derive(Debug, thiserror::Error)]
#[error("exit code {0}")]
pub(crate) struct Exit(pub(crate) u8);

/// Prints an error, once, where the format wants it, and gives its exit code.
pub(crate) fn report(error: &anyhow::Error, ui: &Ui) -> ExitCode {
    if let Some(Exit(code)) = error.downcast_ref() {
        return ExitCode::from(*code);
    }
    if is_closed_pipe(error) {
        // Whoever read our output has read enough.
        return ExitCode::SUCCESS;
    }
    let failure = as_failure(error);
    print(&failure, ui.format());
    ExitCode::from(failure.code.exit_code())
}

/// Prints what clap says of a command line it can't read, or the help that was asked for.
pub(crate) fn usage(error: &clap::Error, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    if !error.use_stderr() || !wants_json(args) {
        // A closed pipe is not worth a second error.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { Code::Usage.exit_code() } else { 0 });
    }
    print(&as_usage(&error.render().to_string()), Format::Json);
    ExitCode::from(Code::Usage.exit_code())
}

/// What clap says, as one message: it names the arguments on lines of their own, then gives tips, then
/// repeats how the verb is used.
fn as_usage(said: &str) -> Failure {
    let said = said.trim_start_matches("error: ").lines().map(str::trim);
    let about = said
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty());
    let (tips, message): (Vec<_>, Vec<_>) = about.partition(|line| line.starts_with("tip: "));
    let tips = tips.iter().map(|tip| tip.trim_start_matches("tip: "));
    let help: Vec<_> = tips.chain(["see --help"]).collect();
    Failure::new(Code::Usage, message.join(" ")).help(help.join("; "))
}

/// clap has no result to ask when it refuses a command line, so the words are looked at.
fn wants_json(args: impl IntoIterator<Item = OsString>) -> bool {
    let mut before = OsString::new();
    args.into_iter().any(|arg| {
        let found = arg == "--output=json" || (before == "--output" && arg == "json");
        before = arg;
        found
    })
}

fn print(failure: &Failure, format: Format) {
    match format {
        Format::Json => {
            let line = json!({ "error": failure }).to_string();
            let _ = writeln!(std::io::stdout(), "{line}");
        }
        Format::Text => {
            let mut stderr = std::io::stderr().lock();
            let _ = writeln!(stderr, "error: {}", harmless(&failure.message));
            for line in failure.help.iter().flat_map(|help| help.lines()) {
                let _ = writeln!(stderr, "  help: {}", harmless(line));
            }
            if let Some(id) = failure.request_id.as_ref().filter(|_| failure.code == Code::Failed) {
                let _ = writeln!(stderr, "  request: {id} (in the node's log)");
            }
        }
    }
}

/// The failure within an error, with what was said around it in front.
fn as_failure(error: &anyhow::Error) -> Failure {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            said.push(failure.message.clone());
            return Failure { message: said.join(": "), ..failure.clone() };
        }
        let text = cause.to_string();
        if !said.last().is_some_and(|before| before.contains(&text)) {
            said.push(text);
        }
    }
    Failure::new(Code::Failed, said.join(": "))
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_failure_keeps_its_code_under_what_is_said_around_it() {
        let error: anyhow::Error =
            Err::<(), _>(Failure::new(Code::Conflict, "version 1.0.0 exists"))
                .context("cannot deploy greeter.wasm")
                .unwrap_err();
        let failure = as_failure(&error);
        assert_eq!(failure.code.exit_code(), 5);
        assert_eq!(failure.message, "cannot deploy greeter.wasm: version 1.0.0 exists");
    }

    #[test]
    fn a_usage_error_names_the_argument_it_is_about() {
        let missing = "error: the following required arguments were not provided:\n  <FILE>\n\n\
            Usage: airssys-wasm deploy <FILE>\n\nFor more information, try '--help'.\n";
        let failure = as_usage(missing);
        assert_eq!(failure.message, "the following required arguments were not provided: <FILE>");
        assert_eq!(failure.help.as_deref(), Some("see --help"));
        let wrong = "error: unexpected argument '--nam' found\n\n  tip: a similar argument exists: \
            '--name'\n\nUsage: x\n";
        let failure = as_usage(wrong);
        assert_eq!(failure.message, "unexpected argument '--nam' found");
        assert_eq!(failure.help.unwrap(), "a similar argument exists: '--name'; see --help");
    }

    #[test]
    fn a_closed_pipe_is_found_below_its_context() {
        let broken = std::io::Error::from(ErrorKind::BrokenPipe);
        assert!(is_closed_pipe(&anyhow::Error::from(broken).context("while printing")));
        assert!(!is_closed_pipe(&anyhow::anyhow!("broken pipe")));
    }

    #[test]
    fn a_refused_command_line_still_says_whether_json_is_wanted() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(wants_json(words("airssys-wasm --output json teleport")));
        assert!(wants_json(words("airssys-wasm teleport --output=json")));
        assert!(!wants_json(words("airssys-wasm json --output text")));
    }
}
