//! What a call gives back.

use serde::Serialize;

use crate::ComponentError;
use crate::bindings::airssys::component::types;

/// What `#[component_execute]` returns.
pub type ComponentResult = Result<ComponentOutput, ComponentError>;

/// A call's output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComponentOutput {
    body: Vec<u8>,
    content_type: Option<String>,
    metadata: Vec<(String, String)>,
}

impl ComponentOutput {
    /// Bytes of which no more is said.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(text.into()).with_content_type("text/plain; charset=utf-8")
    }

    /// A value as JSON.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, ComponentError> {
        Ok(Self::new(serde_json::to_vec(value)?).with_content_type("application/json"))
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

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The bytes as text, where they are.
    pub fn as_text(&self) -> Option<&str> {
        str::from_utf8(&self.body).ok()
    }

    /// What the bytes are, as a media type.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// All names and values, in their order.
    pub fn all_metadata(&self) -> &[(String, String)] {
        &self.metadata
    }
}

impl From<Vec<u8>> for ComponentOutput {
    fn from(body: Vec<u8>) -> Self {
        Self::new(body)
    }
}

impl From<String> for ComponentOutput {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for ComponentOutput {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<types::Output> for ComponentOutput {
    fn from(output: types::Output) -> Self {
        Self { body: output.body, content_type: output.content_type, metadata: output.metadata }
    }
}

impl From<ComponentOutput> for types::Output {
    fn from(output: ComponentOutput) -> Self {
        Self { body: output.body, content_type: output.content_type, metadata: output.metadata }
    }
}
