//! Two JSON values, compared part by part.

use serde_json::Value;

use super::compare::Differing;
use super::path::{Path, Segment};

/// What stands for a part that one side does not have.
const MISSING: &str = "missing";

/// The first part that differs and is not ignored.
pub(super) fn difference(active: &Value, candidate: &Value, ignored: &[Path]) -> Option<Differing> {
    let ignored = ignored.iter().map(Path::segments).collect();
    // What was parsed is 128 deep at most, and so is the walk.
    let found = Walk { at: Vec::new() }.compare(Some(active), Some(candidate), ignored);
    found.err()
}

struct Walk {
    at: Vec<Segment>,
}

type Same = Result<(), Differing>;

impl Walk {
    /// Compares what is here. `ignored` is what is left of the paths that lead through here.
    fn compare(
        &mut self,
        active: Option<&Value>,
        candidate: Option<&Value>,
        ignored: Vec<&[Segment]>,
    ) -> Same {
        if ignored.iter().any(|left| left.is_empty()) {
            return Ok(());
        }
        match (active, candidate) {
            (Some(Value::Object(active)), Some(Value::Object(candidate))) => {
                let added = candidate.keys().filter(|name| !active.contains_key(*name));
                for name in active.keys().chain(added) {
                    let step = Segment::Name(name.clone());
                    self.descend(step, active.get(name), candidate.get(name), &ignored)?;
                }
                Ok(())
            }
            (Some(Value::Array(active)), Some(Value::Array(candidate))) => {
                for at in 0..active.len().max(candidate.len()) {
                    let step = Segment::Index(at);
                    self.descend(step, active.get(at), candidate.get(at), &ignored)?;
                }
                Ok(())
            }
            (Some(active), Some(candidate)) if same(active, candidate) => Ok(()),
            (active, candidate) => Err(Differing {
                what: self.at.iter().fold("$".to_owned(), |path, step| format!("{path}{step}")),
                active: said(active),
                candidate: said(candidate),
            }),
        }
    }

    fn descend(
        &mut self,
        step: Segment,
        active: Option<&Value>,
        candidate: Option<&Value>,
        ignored: &[&[Segment]],
    ) -> Same {
        let ignored = ignored.iter().filter_map(|path| leading_to(&step, path)).collect();
        self.at.push(step);
        self.compare(active, candidate, ignored)?;
        self.at.pop();
        Ok(())
    }
}

/// What is left of a path after this step, if it leads there.
fn leading_to<'a>(step: &Segment, path: &'a [Segment]) -> Option<&'a [Segment]> {
    let (first, left) = path.split_first()?;
    (first == step || *first == Segment::Any).then_some(left)
}

/// Whether two values are the same: numbers by what they are, and not by how they are written.
fn same(active: &Value, candidate: &Value) -> bool {
    match (active, candidate) {
        (Value::Number(active), Value::Number(candidate)) => {
            let either_is_float = active.is_f64() || candidate.is_f64();
            active == candidate || (either_is_float && active.as_f64() == candidate.as_f64())
        }
        (active, candidate) => active == candidate,
    }
}

fn said(value: Option<&Value>) -> String {
    value.map_or_else(|| MISSING.to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(
        active: Value,
        candidate: Value,
        ignored: &[&str],
    ) -> Option<(String, String, String)> {
        let ignored: Vec<_> = ignored.iter().map(|path| Path::parse(path).unwrap()).collect();
        let found = difference(&active, &candidate, &ignored)?;
        Some((found.what, found.active, found.candidate))
    }

    fn at(what: &str, active: &str, candidate: &str) -> Option<(String, String, String)> {
        Some((what.to_owned(), active.to_owned(), candidate.to_owned()))
    }

    #[test]
    fn the_first_part_that_differs_is_named() {
        let one = json!({ "total": 3, "items": [{ "id": 1, "name": "a" }] });
        assert_eq!(found(one.clone(), one.clone(), &[]), None);
        let other = json!({ "total": 4, "items": [{ "id": 1, "name": "a" }] });
        assert_eq!(found(one.clone(), other, &[]), at("$.total", "3", "4"));
        let other = json!({ "total": 3, "items": [{ "id": 1, "name": "b" }] });
        assert_eq!(found(one.clone(), other, &[]), at("$.items[0].name", "\"a\"", "\"b\""));
        let other = json!({ "total": 3, "items": [], "more.or less": null });
        let first = r#"{"id":1,"name":"a"}"#;
        assert_eq!(found(one.clone(), other.clone(), &[]), at("$.items[0]", first, "missing"));
        let added = at("$[\"more.or less\"]", "missing", "null");
        assert_eq!(found(one.clone(), other, &["$.items"]), added);
        assert_eq!(found(one, json!([]), &[]).unwrap().0, "$");
    }

    #[test]
    fn what_is_ignored_may_differ_or_be_missing_and_nothing_else() {
        let one = json!({ "time": 1, "items": [{ "id": 1, "n": 1 }, { "id": 2, "n": 2 }] });
        let other = json!({ "items": [{ "id": 7, "n": 1 }, { "n": 2 }] });
        assert_eq!(found(one.clone(), other.clone(), &["$.time", "$.items[*].id"]), None);
        assert_eq!(found(one.clone(), other.clone(), &["$.*"]), None);
        let second = found(one.clone(), other.clone(), &["$.time", "$.items[0].id"]);
        assert_eq!(second, at("$.items[1].id", "2", "missing"));
        // A path means what is there and not what only begins as it does.
        assert_eq!(found(one, other, &["$.tim", "$.time.zone", "$.items"]).unwrap().0, "$.time");
    }

    #[test]
    fn numbers_are_compared_by_what_they_are() {
        assert_eq!(found(json!(1), json!(1.0), &[]), None);
        assert_eq!(found(json!(1), json!(1.5), &[]), at("$", "1", "1.5"));
        let large = 9_007_199_254_740_993_u64;
        assert!(found(json!(large), json!(large - 1), &[]).is_some());
        assert!(found(json!(1), json!("1"), &[]).is_some());
    }
}
