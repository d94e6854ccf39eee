//! All that a component needs: `use airssys_wasm_sdk::prelude::*;`.

pub use crate::{
    AskedCapability, CallContext, Capability, ComponentConfig, ComponentError, ComponentInput,
    ComponentOutput, ComponentResult, ComponentState, ErrorKind, Json, SavedState, Version,
    component, component_capabilities, component_execute, component_health, component_impl,
    component_init, component_migrate, component_shutdown, log,
};
