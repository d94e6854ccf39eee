//! A component's configuration, as the manifest and the operator give it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::ComponentError;

/// A JSON object: the manifest's `[config]` with the operator's values over it.
///
/// ```
/// use airssys_wasm_sdk::prelude::*;
///
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Settings {
///     greeting: String,
/// }
///
/// let config = ComponentConfig::from_json(r#"{ "greeting": "hello" }"#).unwrap();
/// assert_eq!(config.parse::<Settings>().unwrap().greeting, "hello");
/// assert_eq!(config.get::<u32>("retries").unwrap(), None);
///
/// let wrong = ComponentConfig::from_json(r#"{ "greting": "hello" }"#).unwrap();
/// assert_eq!(wrong.parse::<Settings>().unwrap_err().kind(), ErrorKind::InvalidConfig);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComponentConfig(Map<String, Value>);

impl ComponentConfig {
    /// Reads it from the text of a JSON object; empty text is the empty object.
    pub fn from_json(text: &str) -> Result<Self, ComponentError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map(Self).map_err(|error| {
            ComponentError::invalid_config(format!("the configuration is no JSON object: {error}"))
        })
    }

    /// The whole of it, as a type of yours. With `#[serde(deny_unknown_fields)]` on the type a misspelt
    /// name is refused at deploy instead of ignored for ever.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ComponentError> {
        serde_json::from_value(Value::Object(self.0.clone()))
            .map_err(|error| ComponentError::invalid_config(error.to_string()))
    }

    /// One value; none where the name is not there or null.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ComponentError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        serde_json::from_value(value.clone())
            .map_err(|error| ComponentError::invalid_config(format!("`{name}`: {error}")))
    }

    /// One value, or another where it is not there.
    pub fn get_or<T: DeserializeOwned>(&self, name: &str, or: T) -> Result<T, ComponentError> {
        Ok(self.get(name)?.unwrap_or(or))
    }

    /// One value that has to be there.
    pub fn require<T: DeserializeOwned>(&self, name: &str) -> Result<T, ComponentError> {
        self.get(name)?
            .ok_or_else(|| ComponentError::invalid_config(format!("`{name}` is not set")))
    }

    /// The object itself.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for ComponentConfig {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

#[cfg(test)]
mod tests {
    use crate::{ComponentConfig, ErrorKind};

    #[test]
    fn a_value_of_another_type_is_refused_by_its_name() {
        let config = ComponentConfig::from_json(r#"{"retries":"many"}"#).unwrap();
        let error = config.get::<u32>("retries").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().starts_with("`retries`:"), "{error}");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert_eq!(ComponentConfig::from_json("[1]").unwrap_err().kind(), ErrorKind::InvalidConfig);
    }

    #[test]
    fn a_missing_value_that_is_required_is_refused() {
        assert!(ComponentConfig::default().require::<String>("url").is_err());
        assert_eq!(ComponentConfig::default().get_or("url", 7).unwrap(), 7);
    }
}
