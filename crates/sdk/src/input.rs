//! What a call brings, and the ways to read it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{CallContext, ComponentError};

/// A call's input with its context.
#[derive(Debug, Clone, Default)]
pub struct ComponentInput {
    body: Vec<u8>,
    content_type: Option<String>,
    metadata: Vec<(String, String)>,
    context: CallContext,
}

impl ComponentInput {
    /// Bytes that nobody says more of.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// Text.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self::new(text.into()).with_content_type("text/plain; charset=utf-8")
    }

    /// A value as JSON.
    pub fn from_json<T: Serialize + ?Sized>(value: &T) -> Result<Self, ComponentError> {
        Ok(Self::new(serde_json::to_vec(value)?).with_content_type("application/json"))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The bytes, to keep.
    pub fn into_bytes(self) -> Vec<u8> {
        self.body
    }

    /// The bytes as text; an error of the caller's where they are not UTF-8.
    pub fn text(&self) -> Result<&str, ComponentError> {
        str::from_utf8(&self.body).map_err(|error| {
            ComponentError::invalid_input(format!("the input is no text: {error}"))
        })
    }

    /// The bytes as JSON of this type; an error of the caller's where they are not.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ComponentError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            ComponentError::invalid_input(format!("the input does not fit: {error}"))
        })
    }

    /// What the bytes are, as a media type.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The first value of this name, without regard to the name's case.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        let found = self.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// All names and values, in their order.
    pub fn all_metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    /// The call it belongs to.
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// The same of this media type.
    pub fn with_content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: Some(content_type.into()), ..self }
    }

    /// The same with one more piece of metadata.
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((name.into(), value.into()));
        self
    }

    /// The same in this call.
    pub fn with_context(self, context: CallContext) -> Self {
        Self { context, ..self }
    }
}

impl From<Vec<u8>> for ComponentInput {
    fn from(body: Vec<u8>) -> Self {
        Self::new(body)
    }
}

impl From<String> for ComponentInput {
    fn from(text: String) -> Self {
        Self::from_text(text)
    }
}

impl From<&str> for ComponentInput {
    fn from(text: &str) -> Self {
        Self::from_text(text)
    }
}

impl From<ComponentInput> for crate::bindings::airssys::component::types::Input {
    fn from(input: ComponentInput) -> Self {
        Self { body: input.body, content_type: input.content_type, metadata: input.metadata }
    }
}

impl From<crate::bindings::airssys::component::types::Input> for ComponentInput {
    fn from(input: crate::bindings::airssys::component::types::Input) -> Self {
        Self {
            body: input.body,
            content_type: input.content_type,
            metadata: input.metadata,
            context: CallContext::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{ComponentInput, ErrorKind};

    #[test]
    fn what_is_no_text_is_the_callers_error() {
        let error = ComponentInput::new([0xff]).text().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn what_is_no_json_is_the_callers_error() {
        let error = ComponentInput::from_text("{").json::<u32>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn metadata_is_found_in_any_case() {
        let input = ComponentInput::new("").with_metadata("X-User", "ada");
        assert_eq!(input.metadata("x-user"), Some("ada"));
        assert_eq!(input.metadata("user"), None);
    }
}
