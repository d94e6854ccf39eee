//! Sizes and spans of time as people write them: `64MiB`, `5s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// A number of bytes, written `64MiB`, `10kB` or as a bare number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "SizeText", into = "u64")]
#[schemars(with = "u64")]
pub struct ByteSize(pub u64);

/// A span of time, written `5s`, `250ms` or `1m 30s`; in JSON a number of milliseconds, with a fraction where it is
/// not whole: to the microsecond, which is what calls are measured in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(try_from = "SpanText")]
#[schemars(with = "f64")]
pub struct Span(pub Duration);

impl ByteSize {
    /// This many MiB.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// The size as a `usize`, clamped to what this machine can address.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Span {
    /// Without what is below a millisecond.
    pub fn whole_ms(span: Duration) -> Self {
        Self(span - Duration::from_nanos(u64::from(span.subsec_nanos() % 1_000_000)))
    }

    fn from_milliseconds(count: f64) -> Result<Self, String> {
        if (0.0..=u64::MAX as f64).contains(&count) {
            // More microseconds than can be counted are as good as the most that can.
            return Ok(Self(Duration::from_micros((count * 1e3).round() as u64)));
        }
        Err(format!("{count} is not a number of milliseconds"))
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<bytesize::ByteSize>()
            .map(|size| Self(size.as_u64()))
            .map_err(|_| format!("`{text}` is not a size such as 64MiB"))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map(Self)
            .map_err(|_| format!("`{text}` is not a span of time such as 5s or 250ms"))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SizeText {
    Bytes(u64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SpanText {
    Milliseconds(f64),
    Text(String),
}

impl TryFrom<SizeText> for ByteSize {
    type Error = String;

    fn try_from(text: SizeText) -> Result<Self, String> {
        match text {
            SizeText::Bytes(bytes) => Ok(Self(bytes)),
            SizeText::Text(text) => text.parse(),
        }
    }
}

impl TryFrom<SpanText> for Span {
    type Error = String;

    fn try_from(text: SpanText) -> Result<Self, String> {
        match text {
            SpanText::Milliseconds(count) => Self::from_milliseconds(count),
            SpanText::Text(text) => text.parse(),
        }
    }
}

impl From<ByteSize> for u64 {
    fn from(size: ByteSize) -> Self {
        size.0
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let us = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        match us % 1_000 {
            0 => serializer.serialize_u64(us / 1_000),
            _ => serializer.serialize_f64(us as f64 / 1e3),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&bytesize::ByteSize(self.0).display().iec(), f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_is_kept_to_the_microsecond_and_read_as_it_was_written_before() {
        let read = |value| serde_json::from_value::<Span>(value);
        for (us, written) in
            [(5_000_000, json!(5_000)), (850, json!(0.85)), (12_287, json!(12.287))]
        {
            let span = Span(Duration::from_micros(us));
            assert_eq!(serde_json::to_value(span).unwrap(), written);
            assert_eq!(read(written).unwrap(), span);
        }
        assert_eq!(read(json!("1ms 500us")).unwrap().0, Duration::from_micros(1_500));
        assert_eq!(read(json!(u64::MAX / 1_000)).unwrap().0.as_secs(), u64::MAX / 1_000_000);
        for wrong in [json!(-1), json!(1e300), json!("soon"), json!(null)] {
            assert!(read(wrong).is_err());
        }
        for us in (0..5_000).map(|step| step * 7_919) {
            let span = Span(Duration::from_micros(us));
            assert_eq!(read(serde_json::to_value(span).unwrap()).unwrap(), span);
        }
    }
}
