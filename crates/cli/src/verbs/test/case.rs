//! A case file: its fields and what they may hold.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// A case: the calls of one service, in their order.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Case {
    /// Laid over the manifest's `[config]`.
    pub(super) config: serde_json::Map<String, serde_json::Value>,
    /// What the operator of this test grants; a host directory may be relative to the project.
    pub(super) grants: Vec<String>,
    /// Init refuses the configuration: the error that is expected in the place of any call.
    pub(super) refused: Option<ExpectedError>,
    #[serde(rename = "call")]
    pub(super) calls: Vec<Call>,
}

/// One call and what is expected of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Call {
    /// The input as text.
    pub(super) input: Option<String>,
    /// The input as JSON.
    pub(super) input_json: Option<serde_json::Value>,
    /// The input in a file of the project.
    pub(super) input_file: Option<PathBuf>,
    /// The input's media type.
    #[serde(rename = "input_type")]
    pub(super) input_type: Option<String>,
    /// What else comes with the input.
    pub(super) metadata: BTreeMap<String, String>,
    /// Send this HTTP request, with the input as its body.
    pub(super) request: Option<Request>,
    /// Call this function, instead of the handler.
    pub(super) function: Option<String>,
    /// The function's arguments, in WAVE.
    pub(super) args: Vec<String>,

    /// The whole output as text; of a function, its result in WAVE.
    pub(super) output: Option<String>,
    /// The whole output as JSON, compared as values.
    pub(super) output_json: Option<serde_json::Value>,
    /// The whole output, in a file of the project.
    pub(super) output_file: Option<PathBuf>,
    /// A part of the output.
    pub(super) output_contains: Option<String>,
    /// The output's media type.
    pub(super) content_type: Option<String>,
    /// The HTTP status; without one, any of 200 to 399.
    pub(super) status: Option<u16>,
    /// HTTP headers, or the output's metadata.
    pub(super) headers: BTreeMap<String, String>,
    /// The error, in the place of an output.
    pub(super) error: Option<ExpectedError>,
}

/// An HTTP request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    #[serde(default = "get")]
    pub(super) method: String,
    #[serde(default = "root")]
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
}

fn get() -> String {
    "GET".into()
}

fn root() -> String {
    "/".into()
}

/// An error that is expected: its kind, a part of its message, or both.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ExpectedError {
    /// `invalid-input`, `invalid-config`, `denied`, `unavailable`, `failed`, or `trap`, `exit`, `limit`.
    pub(super) kind: Option<String>,
    /// A part of the message.
    pub(super) message: Option<String>,
}

/// The kinds of [`ExpectedError`].
const KINDS: &[&str] = &[
    "invalid-input",
    "invalid-config",
    "denied",
    "unavailable",
    "failed",
    "trap",
    "exit",
    "limit",
];

impl Case {
    /// Reads a case file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let case: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if case.calls.is_empty() && case.refused.is_none() {
            return Err("a case has at least one [[call]], or `refused`".into());
        }
        for (at, call) in case.calls.iter().enumerate() {
            call.check().map_err(|why| format!("call {}: {why}", at + 1))?;
        }
        Ok(case)
    }
}

impl Call {
    fn check(&self) -> Result<(), String> {
        let inputs = [self.input.is_some(), self.input_json.is_some(), self.input_file.is_some()];
        if inputs.into_iter().filter(|given| *given).count() > 1 {
            return Err("one of `input`, `input_json` and `input_file` is enough".into());
        }
        if self.request.is_some() && self.function.is_some() {
            return Err("a call has a `request` or a `function`".into());
        }
        if self.status.is_some() && self.request.is_none() {
            return Err("a `status` needs a `request`".into());
        }
        if !self.args.is_empty() && self.function.is_none() {
            return Err("`args` need a `function`".into());
        }
        match self.error.as_ref().and_then(|error| error.kind.as_deref()) {
            Some(kind) if !KINDS.contains(&kind) => {
                Err(format!("an error's kind is one of {}", KINDS.join(", ")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_field_is_told_with_its_place() {
        let error = Case::parse("[[call]]\ninput = \"a\"\noutptu = \"b\"\n").unwrap_err();
        assert!(error.contains("outptu") && error.contains("line 3"), "{error}");
    }

    #[test]
    fn contradictions_are_told_with_the_number_of_the_call() {
        let error = Case::parse("[[call]]\n[[call]]\nstatus = 200\n").unwrap_err();
        assert!(error.starts_with("call 2: "), "{error}");
        assert!(Case::parse("").is_err());
        assert!(Case::parse("[[call]]\nerror = { kind = \"invlid\" }").is_err());
    }
}
