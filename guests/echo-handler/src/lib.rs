//! Answers with its input. `greeting` stands before the answer, `reject = true` makes init refuse, and the
//! input `context` is answered with the call's context.

use airssys_wasm_sdk::prelude::*;
use serde::Deserialize;

#[component]
pub struct Echo {
    state: ComponentState,
    settings: Settings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    greeting: Option<String>,
    #[serde(default)]
    reject: bool,
}

#[component_impl]
impl Echo {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        let settings: Settings = config.parse()?;
        if settings.reject {
            return Err(ComponentError::invalid_config("the configuration says `reject`"));
        }
        log::info!("ready, greeting {:?}", settings.greeting);
        Ok(Self { state: ComponentState::new(config)?, settings })
    }

    #[component_execute]
    pub fn echo(&self, input: ComponentInput) -> ComponentResult {
        match input.text() {
            Ok("context") => Ok(ComponentOutput::text(about(&input))),
            Ok("config") => ComponentOutput::json(self.state.config().as_map()),
            Ok("fail") => Err(ComponentError::failed("asked to fail")),
            Ok("invalid") => Err(ComponentError::invalid_input("asked to refuse")),
            Ok("unavailable") => Err(ComponentError::unavailable("asked to be unavailable")),
            Ok("denied") => Err(ComponentError::denied("asked to deny")),
            _ => Ok(self.answer(input)),
        }
    }

    #[component_capabilities]
    pub fn required_capabilities() -> Vec<AskedCapability> {
        vec![Capability::Environment("TZ".into()).because("it echoes dates as they are")]
    }

    fn answer(&self, input: ComponentInput) -> ComponentOutput {
        let kind = input.content_type().unwrap_or("application/octet-stream").to_owned();
        let metadata = input.all_metadata().to_vec();
        let mut body = match &self.settings.greeting {
            Some(greeting) => format!("{greeting}, ").into_bytes(),
            None => Vec::new(),
        };
        body.extend_from_slice(input.bytes());
        let output = ComponentOutput::new(body).with_content_type(kind);
        metadata.into_iter().fold(output, |output, (name, value)| output.with_metadata(name, value))
    }
}

fn about(input: &ComponentInput) -> String {
    let context = input.context();
    format!(
        "request-id={} trace-parent={:?} caller={:?} attempt={} limited={}",
        context.request_id(),
        context.trace_parent(),
        context.caller(),
        context.attempt(),
        context.deadline().is_some(),
    )
}
