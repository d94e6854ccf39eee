//! The component's exports, in terms of the one instance that the module holds. Wasm only: natively a
//! component is its struct and no more.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::thread::LocalKey;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::airssys::component::types;
use crate::bindings::exports::airssys::component::{capabilities, handler, lifecycle};
use crate::bindings::state::exports::airssys::component::state;
use crate::{
    AskedCapability, CallContext, Capability, Component, ComponentConfig, ComponentError,
    ErrorKind, Stateful,
};

/// What implements the exports for the component `C` with a state `T`.
pub struct Exports<C, T = ()>(PhantomData<(C, T)>);

/// Where a component's instance lives. A generic static does not exist, so `#[component]` writes one.
pub trait Slot: Component {
    /// The place.
    fn slot() -> &'static LocalKey<RefCell<Option<Self>>>;
}

impl<C: Slot, T: 'static> lifecycle::Guest for Exports<C, T> {
    fn init(config: String) -> Result<(), types::Error> {
        let component = C::init(ComponentConfig::from_json(&config)?)?;
        C::slot().set(Some(component));
        Ok(())
    }

    fn health() -> Result<(), types::Error> {
        with(C::health)
    }

    fn shutdown() {
        if let Some(mut component) = C::slot().take() {
            component.shutdown();
        }
    }
}

impl<C: Slot, T: 'static> handler::Guest for Exports<C, T> {
    fn execute(
        context: types::Context,
        input: types::Input,
    ) -> Result<types::Output, types::Error> {
        let input = crate::ComponentInput::from(input).with_context(CallContext::from(context));
        with(|component: &mut C| component.execute(input)).map(Into::into)
    }
}

impl<C: Slot, T: 'static> capabilities::Guest for Exports<C, T> {
    fn required() -> Vec<capabilities::Request> {
        C::required().into_iter().map(Into::into).collect()
    }
}

impl<C: Slot + Stateful<T>, T: Serialize + DeserializeOwned + 'static> state::Guest
    for Exports<C, T>
{
    fn save() -> Result<Vec<u8>, types::Error> {
        with(|component: &mut C| crate::state::save(component))
    }

    fn restore(saved: Vec<u8>, saved_by: String) -> Result<(), types::Error> {
        with(|component: &mut C| crate::state::restore(component, saved, &saved_by))
    }
}

/// Calls what needs the instance. An instance takes one call at a time, so the borrow never fails.
fn with<C: Slot, T>(
    call: impl FnOnce(&mut C) -> Result<T, ComponentError>,
) -> Result<T, types::Error> {
    C::slot().with_borrow_mut(|slot| match slot {
        Some(component) => Ok(call(component)?),
        None => Err(ComponentError::failed("the component was called before its init").into()),
    })
}

impl From<types::Error> for ComponentError {
    fn from(error: types::Error) -> Self {
        let message = error.message;
        match error.kind {
            types::ErrorKind::InvalidInput => Self::invalid_input(message),
            types::ErrorKind::InvalidConfig => Self::invalid_config(message),
            types::ErrorKind::Denied => Self::denied(message),
            types::ErrorKind::Unavailable => Self::unavailable(message),
            types::ErrorKind::Failed => Self::failed(message),
        }
    }
}

impl From<ComponentError> for types::Error {
    fn from(error: ComponentError) -> Self {
        let kind = match error.kind() {
            ErrorKind::InvalidInput => types::ErrorKind::InvalidInput,
            ErrorKind::InvalidConfig => types::ErrorKind::InvalidConfig,
            ErrorKind::Denied => types::ErrorKind::Denied,
            ErrorKind::Unavailable => types::ErrorKind::Unavailable,
            ErrorKind::Failed => types::ErrorKind::Failed,
        };
        Self { kind, message: error.message().to_owned() }
    }
}

impl From<AskedCapability> for capabilities::Request {
    fn from(asked: AskedCapability) -> Self {
        let capability = match asked.capability {
            Capability::FileRead(path) => capabilities::Capability::FileRead(path),
            Capability::FileWrite(path) => capabilities::Capability::FileWrite(path),
            Capability::NetworkOutbound(host) => capabilities::Capability::NetworkOutbound(host),
            Capability::Environment(name) => capabilities::Capability::Environment(name),
        };
        Self { capability, reason: asked.reason }
    }
}
