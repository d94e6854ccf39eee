//! Bytes in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes. In JSON a string where they are UTF-8, else `{"base64": "…"}`: most payloads are text, and a
/// person reading an answer should see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
#[schemars(with = "Written")]
pub struct Payload(pub Bytes);

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Payload")]
enum Written {
    Text(String),
    Binary { base64: String },
}

impl Payload {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Payload> for Written {
    fn from(Payload(bytes): Payload) -> Self {
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Binary { base64: STANDARD.encode(&bytes) },
        }
    }
}

impl TryFrom<Written> for Payload {
    type Error = base64::DecodeError;

    fn try_from(written: Written) -> Result<Self, base64::DecodeError> {
        Ok(Self(match written {
            Written::Text(text) => text.into(),
            Written::Binary { base64 } => STANDARD.decode(base64)?.into(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_json_and_text_stays_readable() {
        let text = Payload("héllo".into());
        assert_eq!(serde_json::to_string(&text).unwrap(), "\"héllo\"");
        for payload in [text, Payload(vec![0, 255, 7].into()), Payload::default()] {
            let json = serde_json::to_string(&payload).unwrap();
            assert_eq!(serde_json::from_str::<Payload>(&json).unwrap(), payload);
        }
    }
}
