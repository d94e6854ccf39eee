//! A call as it can be made again, and what a call came to as it is compared.

use std::sync::Arc;
use std::time::{Duration, Instant};

use airssys_wasm_host::{CallCtx, CallError, Input, Output, Pool, Value};
use bytes::Bytes;

use super::compare::Answer;
use super::{KEPT_BYTES_MAX, READ_BYTES_MAX, http};

/// A call as it can be made again.
pub(crate) enum Request {
    Http(::http::Request<Bytes>),
    Input(Input),
    /// A function with WAVE arguments.
    Wave {
        function: String,
        arguments: Vec<String>,
    },
    /// A function with values.
    Values {
        function: String,
        arguments: Vec<Value>,
    },
}

/// What a call that went well has for a status, where there is none of HTTP.
const OK: &str = "ok";

impl Request {
    /// A handler's call, unless it is too large to be kept.
    pub(crate) fn input(input: &Input) -> Option<Self> {
        (input.size_bytes() <= KEPT_BYTES_MAX).then(|| Self::Input(input.clone()))
    }

    pub(crate) fn wave(function: &str, arguments: &[String]) -> Option<Self> {
        let bytes = function.len() + arguments.iter().map(String::len).sum::<usize>();
        let call = || Self::Wave { function: function.to_owned(), arguments: arguments.to_vec() };
        (bytes <= KEPT_BYTES_MAX).then(call)
    }

    pub(crate) fn values(function: &str, arguments: &[Value]) -> Option<Self> {
        let bytes = function.len() + arguments.iter().map(size).sum::<usize>();
        let call = || Self::Values { function: function.to_owned(), arguments: arguments.to_vec() };
        (bytes <= KEPT_BYTES_MAX).then(call)
    }

    /// The call in a few words.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Http(request) => format!("{} {}", request.method(), request.uri()),
            Self::Input(_) => "invoke".to_owned(),
            Self::Wave { function, arguments } => format!("{function}({})", arguments.join(", ")),
            Self::Values { function, .. } => function.clone(),
        }
    }

    /// Makes the call again, and says what it came to after how long. Nothing where the node is the reason that it
    /// has no answer.
    pub(super) async fn send(
        self,
        pool: &Arc<Pool>,
        call: CallCtx,
        patience: Duration,
    ) -> Option<(Answer, Duration)> {
        let begun = Instant::now();
        let answer = match self {
            Self::Http(request) => return http::send(pool, request, call, patience).await,
            Self::Input(input) => {
                let answered = async { pool.claim(call).await?.execute(input).await }.await;
                Answer::of_output(&answered, READ_BYTES_MAX)
            }
            Self::Wave { function, arguments } => {
                let answered =
                    async { pool.claim(call).await?.invoke(&function, &arguments).await };
                Answer::of_text(&answered.await, READ_BYTES_MAX)
            }
            Self::Values { function, arguments } => {
                let answered = async { pool.claim(call).await?.call(&function, arguments).await };
                Answer::of_value(&answered.await, READ_BYTES_MAX)
            }
        };
        Some((answer?, begun.elapsed()))
    }
}

/// What a call came to, as far as it is at most so many bytes. Nothing where the node is the reason that it has no
/// answer.
impl Answer {
    pub(crate) fn of_output(answered: &Result<Output, CallError>, most: usize) -> Option<Self> {
        Self::of(answered, |output| Self::given(OK, output.body.clone(), most))
    }

    pub(crate) fn of_text(answered: &Result<String, CallError>, most: usize) -> Option<Self> {
        Self::of(answered, |text| match text.len() > most {
            true => Self::TooLong,
            false => Self::given(OK, Bytes::copy_from_slice(text.as_bytes()), most),
        })
    }

    pub(crate) fn of_value(
        answered: &Result<Option<Value>, CallError>,
        most: usize,
    ) -> Option<Self> {
        Self::of(answered, |value| match value {
            Some(value) if size(value) > most => Self::TooLong,
            Some(Value::Bytes(bytes)) => Self::given(OK, bytes.clone(), most),
            Some(Value::String(text)) => Self::given(OK, text.clone().into(), most),
            // As text, in which a number that is none equals another.
            Some(value) => Self::given(OK, format!("{value:?}").into(), usize::MAX),
            None => Self::given(OK, Bytes::new(), most),
        })
    }

    fn of<T>(answered: &Result<T, CallError>, given: impl FnOnce(&T) -> Self) -> Option<Self> {
        answered.as_ref().map_or_else(Self::failed, |answer| Some(given(answer)))
    }

    /// What an error is as an answer.
    pub(super) fn failed(error: &CallError) -> Option<Self> {
        match error {
            CallError::Fault(fault) => {
                let message = fault.message.clone();
                Some(Self::given(fault.kind.as_str(), message.into(), usize::MAX))
            }
            CallError::Claim(_) | CallError::State(_) | CallError::Host(_) => None,
            error => Some(Self::None(error.to_string())),
        }
    }

    pub(super) fn given(status: &str, body: Bytes, most: usize) -> Self {
        match body.len() > most {
            true => Self::TooLong,
            false => Self::Given { status: status.to_owned(), body },
        }
    }
}

/// About what a value takes in memory, in bytes.
fn size(value: &Value) -> usize {
    let boxed = |value: &Option<Box<Value>>| value.as_deref().map_or(0, size);
    let held = match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(values) | Value::Tuple(values) => values.iter().map(size).sum(),
        Value::Map(pairs) => pairs.iter().map(|(key, value)| size(key) + size(value)).sum(),
        Value::Record(fields) => fields.iter().map(|(name, value)| name.len() + size(value)).sum(),
        Value::Variant(case, value) => case.len() + boxed(value),
        Value::Enum(case) => case.len(),
        Value::Option(value) | Value::Result(Ok(value) | Err(value)) => boxed(value),
        Value::Flags(names) => names.iter().map(String::len).sum(),
        _ => 0,
    };
    size_of::<Value>() + held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_to_be_kept_is_not_copied() {
        let half = "x".repeat(KEPT_BYTES_MAX / 2 + 1);
        let input = |metadata| Input { body: half.clone().into(), metadata, ..Input::default() };
        assert!(Request::input(&input(Vec::new())).is_some());
        assert!(Request::input(&input(vec![("a".to_owned(), half.clone())])).is_none());
        assert!(Request::wave("f", std::slice::from_ref(&half)).is_some());
        assert!(Request::wave("f", &[half.clone(), half.clone()]).is_none());
        let list = |text: &str| Value::List(vec![Value::String(text.to_owned())]);
        assert!(Request::values("f", &[list(&half)]).is_some());
        assert!(
            Request::values("f", &[list(&half), Value::Option(Some(list(&half).into()))]).is_none()
        );
        let numbers = Value::List(vec![Value::U8(1); KEPT_BYTES_MAX / 8]);
        assert!(Request::values("f", &[numbers]).is_none());
    }

    #[test]
    fn values_are_compared_as_what_they_say() {
        let of = |value| Answer::of_value(&Ok(Some(value)), READ_BYTES_MAX).unwrap();
        assert_eq!(of(Value::F64(f64::NAN)), of(Value::F64(f64::NAN)));
        assert_ne!(of(Value::S32(1)), of(Value::U32(1)));
        assert_eq!(of(Value::String("{}".to_owned())), of(Value::Bytes("{}".into())));
        let long = "x".repeat(READ_BYTES_MAX + 1);
        assert_eq!(of(Value::String(long)), Answer::TooLong);
    }
}
