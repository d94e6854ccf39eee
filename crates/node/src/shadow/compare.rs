//! Two answers to one call, and where they differ.

use airssys_wasm_deploy::Mirror;
use airssys_wasm_model::CompareBy;
use bytes::Bytes;
use serde_json::Value;

use super::json;
use super::path::{Path, PathError};

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Its guest answered.
    Given {
        /// HTTP's status; else `ok`, or the kind of error that the guest answered with.
        status: String,
        /// The bytes, or those of the error's words.
        body: Bytes,
    },
    /// Its guest did not, and why: a trap, a limit.
    None(String),
    /// It is more than is kept or read of an answer.
    TooLong,
}

/// Where two answers differ, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Differing {
    pub(crate) what: String,
    pub(crate) active: String,
    pub(crate) candidate: String,
}

/// How answers are compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Comparing {
    by: CompareBy,
    ignored: Vec<Path>,
}

impl Comparing {
    pub(crate) fn new(mirror: &Mirror) -> Result<Self, PathError> {
        Ok(Self { by: mirror.compare, ignored: paths(&mirror.ignore)? })
    }

    /// Where a candidate's answer differs from the caller's, if it does. Two calls without an answer are the
    /// same: the words of two traps differ with the code.
    pub(crate) fn difference(&self, active: &Answer, candidate: &Answer) -> Option<Differing> {
        match (active, candidate) {
            (Answer::None(_), Answer::None(_)) => None,
            (
                Answer::Given { status, body },
                Answer::Given { status: other_status, body: other_body },
            ) => {
                if status != other_status {
                    let (active, candidate) = (status.clone(), other_status.clone());
                    return Some(Differing { what: "status".to_owned(), active, candidate });
                }
                self.body(body, other_body)
            }
            (active, candidate) => Some(Differing {
                what: "answer".to_owned(),
                active: active.said(),
                candidate: candidate.said(),
            }),
        }
    }

    fn body(&self, active: &[u8], candidate: &[u8]) -> Option<Differing> {
        if active == candidate {
            return None;
        }
        let read = |body| serde_json::from_slice::<Value>(body).ok();
        if self.by == CompareBy::Json
            && let (Some(active), Some(candidate)) = (read(active), read(candidate))
        {
            return json::difference(&active, &candidate, &self.ignored);
        }
        let (active, candidate) = excerpts(active, candidate);
        Some(Differing { what: "body".to_owned(), active, candidate })
    }
}

/// Reads the paths of what may differ.
pub(crate) fn paths(ignore: &[String]) -> Result<Vec<Path>, PathError> {
    ignore.iter().map(|path| Path::parse(path)).collect()
}

impl Answer {
    fn said(&self) -> String {
        match self {
            Self::Given { status, .. } => status.clone(),
            Self::None(why) => why.clone(),
            Self::TooLong => "an answer that is too long to be compared".to_owned(),
        }
    }
}

/// How much of a body is shown before the first byte that differs.
const SHOWN_BEFORE: usize = 40;

/// Two bodies as text, from a little before where they begin to differ.
fn excerpts(active: &[u8], candidate: &[u8]) -> (String, String) {
    let common = active.iter().zip(candidate).take_while(|(one, other)| one == other).count();
    let from = common.saturating_sub(SHOWN_BEFORE);
    let said = |body: &[u8]| {
        let text = String::from_utf8_lossy(&body[from..]).into_owned();
        if from > 0 { format!("… {text}") } else { text }
    };
    (said(active), said(candidate))
}

#[cfg(test)]
mod tests {
    use airssys_wasm_deploy::Weight;
    use airssys_wasm_model::RevisionNumber;

    use super::*;

    fn given(status: &str, body: &str) -> Answer {
        Answer::Given { status: status.to_owned(), body: body.to_owned().into() }
    }

    fn found(
        compare: CompareBy,
        active: &Answer,
        candidate: &Answer,
    ) -> Option<(String, String, String)> {
        let mirror = Mirror {
            revision: RevisionNumber(2),
            weight: Weight::ALL,
            compare,
            ignore: vec!["$.time".to_owned()],
        };
        let found = Comparing::new(&mirror).unwrap().difference(active, candidate)?;
        Some((found.what, found.active, found.candidate))
    }

    fn at(what: &str, active: &str, candidate: &str) -> Option<(String, String, String)> {
        Some((what.to_owned(), active.to_owned(), candidate.to_owned()))
    }

    #[test]
    fn a_status_is_compared_before_the_body() {
        let (one, other) = (given("200", "a"), given("500", "b"));
        assert_eq!(found(CompareBy::Json, &one, &other), at("status", "200", "500"));
        assert_eq!(found(CompareBy::Json, &one, &one), None);
    }

    #[test]
    fn bodies_are_compared_byte_for_byte_or_as_json() {
        let one = given("200", r#"{"a": 1, "time": 5}"#);
        let spaced = given("200", r#"{"time":6,"a":1}"#);
        assert_eq!(found(CompareBy::Json, &one, &spaced), None);
        assert_eq!(found(CompareBy::Exact, &one, &spaced).unwrap().0, "body");
        let other = given("200", r#"{"a": 2}"#);
        assert_eq!(found(CompareBy::Json, &one, &other), at("$.a", "1", "2"));
        // One that is not JSON is compared as it is.
        let text = given("200", "hello");
        assert_eq!(found(CompareBy::Json, &text, &other), at("body", "hello", r#"{"a": 2}"#));
    }

    #[test]
    fn an_answer_that_did_not_come_is_a_difference_unless_neither_did() {
        let (given, none) = (given("200", "a"), Answer::None("it trapped".to_owned()));
        assert_eq!(found(CompareBy::Json, &given, &none), at("answer", "200", "it trapped"));
        assert_eq!(found(CompareBy::Json, &none, &given), at("answer", "it trapped", "200"));
        assert_eq!(found(CompareBy::Json, &none, &Answer::None("a limit".to_owned())), None);
    }

    #[test]
    fn long_bodies_are_shown_from_where_they_differ() {
        let long = "x".repeat(10_000);
        let (one, other) = (given("200", &format!("{long}1")), given("200", &format!("{long}2")));
        let (_, active, candidate) = found(CompareBy::Exact, &one, &other).unwrap();
        assert_eq!((active.len(), &active[active.len() - 2..]), (45, "x1"));
        assert!(candidate.ends_with("x2"), "{candidate}");
    }
}
