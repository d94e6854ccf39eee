//! Write WebAssembly components for airssys-wasm in Rust, without writing any WIT.
//!
//! ```
//! use airssys_wasm_sdk::prelude::*;
//!
//! #[component]
//! pub struct Greeter {
//!     state: ComponentState,
//! }
//!
//! #[component_impl]
//! impl Greeter {
//!     #[component_init]
//!     pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
//!         Ok(Self { state: ComponentState::new(config)? })
//!     }
//!
//!     #[component_execute]
//!     pub fn greet(&mut self, input: ComponentInput) -> ComponentResult {
//!         let greeting = self.state.config().get_or("greeting", "hello".to_owned())?;
//!         Ok(ComponentOutput::text(format!("{greeting}, {}", input.text()?)))
//!     }
//! }
//!
//! let mut greeter = Greeter::new(ComponentConfig::default()).unwrap();
//! assert_eq!(greeter.greet(ComponentInput::from_text("ada")).unwrap().as_text(), Some("hello, ada"));
//! ```
//!
//! A component is a library crate with `crate-type = ["cdylib"]`, built for `wasm32-wasip2`. The exports
//! exist on wasm alone, so `cargo test` runs the same code natively, as the example above does.
//!
//! This crate holds no unsafe code of its own: what there is, wit-bindgen writes.

#![deny(unsafe_code)]

// wit-bindgen's macros and ours name this crate from a user's crate and from here alike.
extern crate self as airssys_wasm_sdk;

#[doc(hidden)]
#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]
pub mod bindings;
mod capability;
mod component;
mod config;
mod context;
mod error;
#[cfg(target_arch = "wasm32")]
mod export;
pub mod http;
mod input;
mod json;
pub mod keyvalue;
pub mod log;
mod output;
pub mod prelude;
pub mod process;
pub mod services;
pub mod settings;
mod state;

pub use airssys_wasm_component::{
    component, component_capabilities, component_execute, component_health, component_impl,
    component_init, component_migrate, component_shutdown,
};
pub use capability::{AskedCapability, Capability};
pub use component::{Component, FromInput, IntoResult, Stateful};
pub use config::ComponentConfig;
pub use context::CallContext;
pub use error::{ComponentError, ErrorKind};
pub use input::ComponentInput;
pub use json::Json;
pub use output::{ComponentOutput, ComponentResult};
pub use semver::Version;
pub use serde;
pub use serde_json;
pub use state::{ComponentState, FromSaved, SavedState};

/// What the macros name. No part of the interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_arch = "wasm32")]
    pub use crate::bindings::{__export_component, state::__export_state};
    pub use crate::component::{HoldsConfig, can_be_saved, fallible, taken_up};
    #[cfg(target_arch = "wasm32")]
    pub use crate::export::{Exports, Slot};
    pub use wit_bindgen;
}
