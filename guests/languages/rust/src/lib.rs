//! The conformance guest in Rust: answers by its input's metadata `op`, as the guest of every language does.

mod host;
mod plain;

use airssys_wasm_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// What a saved state holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Count {
    count: u64,
}

/// A state that goes with its instance: the SDK knows one that is saved by the name `ComponentState`.
#[cfg(not(actor))]
type Unsaved = ComponentState<Count>;

#[cfg(actor)]
#[component]
pub struct Conformance {
    state: ComponentState<Count>,
}

#[cfg(not(actor))]
#[component]
pub struct Conformance {
    state: Unsaved,
}

#[component_impl]
impl Conformance {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        match config.get::<String>("colour")?.as_deref() {
            None | Some("red" | "green" | "blue") => {
                Ok(Self { state: ComponentState::new(config)? })
            }
            Some(other) => Err(ComponentError::invalid_config(format!("no colour called {other}"))),
        }
    }

    #[component_execute]
    pub fn answer(&mut self, input: ComponentInput) -> ComponentResult {
        let op = input.metadata("op").unwrap_or_default().to_owned();
        match op.as_str() {
            "echo" => Ok(plain::echo(input)),
            "length" => Ok(input.bytes().len().to_string().into()),
            "upper" => plain::upper(&input),
            "fill" => plain::fill(&input),
            "sum" => plain::sum(&input),
            "error" => plain::error(&input),
            "crash" => panic!("as asked"),
            "allocate" => plain::allocate(&input),
            "spin" => plain::spin(),
            "log" => host::log(&input),
            "context" => host::context(input.context()),
            "env" => host::env(&input),
            "kv-set" => host::kv_set(&input),
            "kv-get" => host::kv_get(&input),
            "kv-delete" => host::kv_delete(&input),
            "kv-increment" => host::kv_increment(&input),
            "kv-list" => host::kv_list(&input),
            "http" => host::http(&input),
            "config" => plain::config(self.state.config()),
            "count" => Ok(self.count()),
            "restored-by" => {
                Ok(self.state.saved_by().map(ToString::to_string).unwrap_or_default().into())
            }
            _ => Err(ComponentError::invalid_input(format!("no op called {op}"))),
        }
    }

    fn count(&mut self) -> ComponentOutput {
        self.state.count += 1;
        self.state.count.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(op: &str, body: impl Into<Vec<u8>>) -> ComponentResult {
        let config = ComponentConfig::from_json(r#"{ "b": { "d": 1, "c": 2 }, "a": "red" }"#);
        let mut guest = Conformance::new(config.unwrap()).unwrap();
        guest.answer(ComponentInput::new(body).with_metadata("OP", op))
    }

    fn text(op: &str, body: &str) -> String {
        answer(op, body).unwrap().as_text().unwrap().to_owned()
    }

    #[test]
    fn what_comes_goes_back_without_the_op() {
        let input = ComponentInput::new([0, 0xff]).with_content_type("image/png");
        let input = input.with_metadata("op", "echo").with_metadata("a", "b");
        let output = Conformance::new(ComponentConfig::default()).unwrap().answer(input).unwrap();
        assert_eq!(
            (output.bytes(), output.content_type()),
            ([0, 0xff].as_slice(), Some("image/png"))
        );
        assert_eq!(output.all_metadata(), [("a".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn bytes_text_and_numbers_are_worked_on() {
        assert_eq!(text("upper", "straße é"), "STRASSE É");
        assert_eq!(text("sum", "[1, -2, 9007199254740993]"), "9007199254740992");
        assert_eq!(text("sum", "[]"), "0");
        assert_eq!(answer("fill", "252").unwrap().bytes()[250..], [250, 0]);
        assert_eq!(text("config", ""), r#"{"a":"red","b":{"c":2,"d":1}}"#);
        assert_eq!(answer("upper", [0xff]).unwrap_err().message(), "not UTF-8");
    }

    #[test]
    fn entries_are_kept_and_counted() {
        assert_eq!(text("kv-set", "bucket b some words"), "ok");
        assert_eq!(text("kv-get", "bucket b"), "some words");
        assert_eq!(text("kv-increment", "bucket a 5"), "5");
        assert_eq!(text("kv-list", "bucket"), "a\nb");
        assert_eq!(text("kv-delete", "bucket b"), "ok");
        let error = answer("kv-get", "bucket b").unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidInput, "no such key"));
    }

    #[test]
    fn a_colour_that_is_none_is_refused() {
        let config = ComponentConfig::from_json(r#"{ "colour": "loud" }"#).unwrap();
        let error = Conformance::new(config).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(error.message(), "no colour called loud");
    }
}
