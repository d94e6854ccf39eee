//! Compares what came with what was expected, and says the difference.

use std::path::Path;

use airssys_wasm_host::CallError;
use serde_json::Value;

use super::case::{Call, ExpectedError};

/// What a call gave back.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) content_type: Option<String>,
    /// HTTP headers, or the output's metadata.
    pub(super) headers: Vec<(String, String)>,
    /// Of an HTTP answer.
    pub(super) status: Option<u16>,
}

/// So many characters of an output are shown.
const SHOWN_CHARS: usize = 300;

/// What is wrong with the answer, if something is.
pub(super) fn judge(
    expected: &Call,
    came: Result<Answer, CallError>,
    project: &Path,
) -> Result<(), String> {
    match (&expected.error, came) {
        (None, Ok(answer)) => judge_answer(expected, &answer, project),
        (None, Err(error)) => Err(format!("it failed ({}): {error}", kind(&error))),
        (Some(_), Ok(answer)) => {
            Err(format!("an error was expected and it answered {}", shown(&answer.body)))
        }
        (Some(expected), Err(error)) => judge_error(expected, &error),
    }
}

/// What is wrong with the error, if something is.
pub(super) fn judge_error(expected: &ExpectedError, error: &CallError) -> Result<(), String> {
    let (kind, message) = (kind(error), error.to_string());
    if let Some(wanted) = &expected.kind
        && wanted != kind
    {
        return Err(format!("the error is `{kind}` and not `{wanted}`: {message}"));
    }
    match &expected.message {
        Some(part) if !message.contains(part) => {
            Err(format!("the error says `{message}` and not `{part}`"))
        }
        _ => Ok(()),
    }
}

fn kind(error: &CallError) -> &'static str {
    match error {
        CallError::Fault(fault) | CallError::Init(fault) | CallError::Restore { fault, .. } => {
            fault.kind.as_str()
        }
        CallError::Trapped { .. } => "trap",
        CallError::Exited(_) => "exit",
        CallError::Limit(_) | CallError::Claim(_) => "limit",
        _ => "failed",
    }
}

fn judge_answer(expected: &Call, answer: &Answer, project: &Path) -> Result<(), String> {
    if let Some(status) = answer.status {
        let fits = expected.status.map_or((200..400).contains(&status), |wanted| wanted == status);
        if !fits {
            return Err(format!("the status is {status}, the body {}", shown(&answer.body)));
        }
    }
    judge_body(expected, &answer.body, project)?;
    if let Some(wanted) = &expected.content_type
        && answer.content_type.as_ref() != Some(wanted)
    {
        return Err(format!("the content type is {:?} and not {wanted:?}", answer.content_type));
    }
    for (name, wanted) in &expected.headers {
        let found = answer.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name));
        if found.map(|(_, value)| value) != Some(wanted) {
            return Err(format!(
                "`{name}` is {:?} and not {wanted:?}",
                found.map(|(_, value)| value)
            ));
        }
    }
    Ok(())
}

fn judge_body(expected: &Call, body: &[u8], project: &Path) -> Result<(), String> {
    if let Some(wanted) = &expected.output
        && body != wanted.as_bytes()
    {
        return Err(format!("the output is {} and not {}", shown(body), shown(wanted.as_bytes())));
    }
    if let Some(wanted) = &expected.output_json {
        let came: Value = serde_json::from_slice(body)
            .map_err(|error| format!("the output is no JSON ({error}): {}", shown(body)))?;
        if came != *wanted {
            return Err(format!("the output is {came} and not {wanted}"));
        }
    }
    if let Some(part) = &expected.output_contains
        && !body.windows(part.len().max(1)).any(|window| window == part.as_bytes())
        && !part.is_empty()
    {
        return Err(format!(
            "the output does not hold {}: {}",
            shown(part.as_bytes()),
            shown(body)
        ));
    }
    if let Some(path) = &expected.output_file {
        let wanted = std::fs::read(project.join(path))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        if body != wanted {
            return Err(format!("the output differs from {}: {}", path.display(), shown(body)));
        }
    }
    Ok(())
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let count = text.chars().count();
    if count <= SHOWN_CHARS {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(SHOWN_CHARS).collect();
    format!("{head:?} (and {} characters more)", count - SHOWN_CHARS)
}

#[cfg(test)]
mod tests {
    use airssys_wasm_host::{Fault, Kind};

    use super::*;

    fn answer(body: &str) -> Answer {
        Answer { body: body.into(), content_type: None, headers: Vec::new(), status: None }
    }

    fn judged(expected: Call, came: Result<Answer, CallError>) -> Result<(), String> {
        judge(&expected, came, Path::new("."))
    }

    fn fault() -> Result<Answer, CallError> {
        Err(CallError::Fault(Fault { kind: Kind::InvalidInput, message: "no name".into() }))
    }

    #[test]
    fn another_output_is_shown_beside_the_expected_one() {
        let expected = || Call { output: Some("b".into()), ..Call::default() };
        assert_eq!(judged(expected(), Ok(answer("b"))), Ok(()));
        let why = judged(expected(), Ok(answer("a"))).unwrap_err();
        assert_eq!(why, "the output is \"a\" and not \"b\"");
        assert!(judged(expected(), fault()).is_err());
    }

    #[test]
    fn json_is_compared_as_values() {
        let expected = Call { output_json: Some(serde_json::json!({"a": 1})), ..Call::default() };
        assert_eq!(judged(expected, Ok(answer("{ \"a\" : 1 }"))), Ok(()));
    }

    #[test]
    fn an_expected_error_is_one_of_its_kind_and_words() {
        let expected = |kind: &str, message: &str| Call {
            error: Some(ExpectedError { kind: Some(kind.into()), message: Some(message.into()) }),
            ..Call::default()
        };
        assert_eq!(judged(expected("invalid-input", "name"), fault()), Ok(()));
        assert!(judged(expected("denied", "name"), fault()).is_err());
        assert!(judged(expected("invalid-input", "other"), fault()).is_err());
        assert!(judged(expected("invalid-input", "name"), Ok(answer("fine"))).is_err());
    }

    #[test]
    fn without_an_expected_status_a_failure_fails() {
        let request = || Call { request: None, ..Call::default() };
        let came = |status| Ok(Answer { status: Some(status), ..answer("") });
        assert_eq!(judged(request(), came(204)), Ok(()));
        assert!(judged(request(), came(500)).is_err());
        assert_eq!(judged(Call { status: Some(500), ..request() }, came(500)), Ok(()));
    }
}
