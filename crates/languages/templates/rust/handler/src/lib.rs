//! Greets whoever the input names.

use airssys_wasm_sdk::prelude::*;
use serde::Deserialize;

#[component]
pub struct Greeter {
    settings: Settings,
}

/// The `[config]` of Component.toml. A name that is not listed here is refused when the component is
/// deployed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    greeting: String,
}

#[component_impl]
impl Greeter {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { settings: config.parse()? })
    }

    #[component_execute]
    pub fn greet(&mut self, input: ComponentInput) -> ComponentResult {
        let name = input.text()?.trim();
        if name.is_empty() {
            return Err(ComponentError::invalid_input("nobody to greet: send a name"));
        }
        Ok(ComponentOutput::text(format!("{}, {name}!", self.settings.greeting)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeter() -> Greeter {
        Greeter::new(ComponentConfig::from_json(r#"{ "greeting": "hello" }"#).unwrap()).unwrap()
    }

    #[test]
    fn a_name_is_greeted() {
        let output = greeter().greet(ComponentInput::from_text("ada")).unwrap();
        assert_eq!(output.as_text(), Some("hello, ada!"));
    }

    #[test]
    fn nobody_is_the_callers_mistake() {
        let error = greeter().greet(ComponentInput::from_text(" ")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
