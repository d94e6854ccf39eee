//! The shape that users were promised, as the design writes it down, with its blanks filled.

#![allow(missing_docs, reason = "the shape is shown as it was promised")]

use airssys_wasm_sdk::prelude::*;

#[component]
pub struct MyComponent {
    state: ComponentState,
}

#[component_impl]
impl MyComponent {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { state: ComponentState::new(config)? })
    }
    #[component_execute]
    pub fn process(&mut self, input: ComponentInput) -> ComponentResult {
        let processed_data = input.text()?.to_uppercase();
        Ok(ComponentOutput::new(processed_data))
    }
    #[component_capabilities]
    pub fn required_capabilities() -> Vec<Capability> {
        vec![
            Capability::FileRead("/data".into()),
            Capability::NetworkOutbound("api.example.com".into()),
        ]
    }
}

#[test]
fn the_promised_shape_compiles_and_answers() {
    let mut component = MyComponent::new(ComponentConfig::default()).unwrap();
    let output = component.process(ComponentInput::from_text("hello")).unwrap();
    assert_eq!(output.as_text(), Some("HELLO"));
    assert_eq!(MyComponent::required_capabilities().len(), 2);
}
