//! The traits that the macros implement: what a component is to the code that exports it.

use crate::{
    AskedCapability, ComponentConfig, ComponentError, ComponentInput, ComponentOutput,
    ComponentResult, ComponentState, SavedState, Version,
};

/// A component's functions under the names of the contract. `#[component_impl]` implements it.
#[diagnostic::on_unimplemented(
    message = "the component `{Self}` has no functions yet",
    label = "there is no `impl` block with `#[component_impl]` for it",
    note = "write `#[component_impl]` above `impl {Self} {{ … }}` and mark its functions with `#[component_init]` and `#[component_execute]`"
)]
pub trait Component: Sized + 'static {
    /// Makes it from its configuration.
    fn init(config: ComponentConfig) -> Result<Self, ComponentError>;

    /// Answers one call.
    fn execute(&mut self, input: ComponentInput) -> ComponentResult;

    /// Whether it can go on doing its work: it can, unless `#[component_health]` says otherwise. Called
    /// between calls of an instance that is reused; an error replaces it.
    fn health(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Lets it go.
    fn shutdown(&mut self) {}

    /// What it asks the operator for: nothing, unless `#[component_capabilities]` says otherwise.
    fn required() -> Vec<AskedCapability> {
        Vec::new()
    }

    /// Takes up a state of another shape, where there is a `#[component_migrate]`.
    fn migrate(
        &mut self,
        _saved: &SavedState,
        _from: Version,
    ) -> Option<Result<(), ComponentError>> {
        None
    }
}

/// A component that keeps a state of the type `T`. `#[component]` implements it for a struct with a field
/// of the type `ComponentState<T>`. `T` is a parameter, because an associated type would have to be as
/// public as the component.
#[diagnostic::on_unimplemented(
    message = "the component `{Self}` keeps no state of the type that its migration returns",
    label = "`#[component_migrate]` returns the component's state",
    note = "give the struct a field of the type `ComponentState<T>` and return a `Result<T, ComponentError>`, or remove `#[component_migrate]`"
)]
pub trait Stateful<T> {
    /// The component's version: a state that it saved itself needs no migration. `airssys-wasm build`
    /// names the one in `Component.toml`; without it the one in `Cargo.toml` counts.
    const VERSION: &'static str;

    /// The field.
    fn state(&self) -> &ComponentState<T>;

    /// The field, to be changed.
    fn state_mut(&mut self) -> &mut ComponentState<T>;
}

/// A component whose `ComponentState` holds its configuration and no more.
#[doc(hidden)]
pub trait HoldsConfig {
    fn config(&self) -> &ComponentConfig;
}

/// What the argument of `#[component_execute]` can be: [`ComponentInput`], or [`Json`](crate::Json) of
/// any type that serde can read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be made from a call's input",
    label = "this is no input",
    note = "take `ComponentInput`, or `Json<{Self}>` for an input in JSON"
)]
pub trait FromInput: Sized {
    /// Makes it, or says why the input can't be used.
    fn from_input(input: ComponentInput) -> Result<Self, ComponentError>;
}

impl FromInput for ComponentInput {
    fn from_input(input: ComponentInput) -> Result<Self, ComponentError> {
        Ok(input)
    }
}

/// What `#[component_execute]` can return: a `Result` of anything that becomes a [`ComponentOutput`],
/// with any error that becomes a [`ComponentError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result of a call",
    label = "this can't be answered to a caller",
    note = "return `ComponentResult`, or a `Result` of what becomes a `ComponentOutput` (`Json<T>`, `String`, `Vec<u8>`)"
)]
pub trait IntoResult {
    /// The answer.
    fn into_result(self) -> ComponentResult;
}

impl<O: Into<ComponentOutput>, E: Into<ComponentError>> IntoResult for Result<O, E> {
    fn into_result(self) -> ComponentResult {
        self.map(Into::into).map_err(Into::into)
    }
}

/// Any error that becomes a [`ComponentError`], made one.
#[doc(hidden)]
pub fn fallible<T, E: Into<ComponentError>>(result: Result<T, E>) -> Result<T, ComponentError> {
    result.map_err(Into::into)
}

/// Puts a migrated state in its place.
#[doc(hidden)]
pub fn taken_up<C: Stateful<T>, T>(component: &mut C, migrated: T) {
    **component.state_mut() = migrated;
}

/// Where a state that serde can't write and read is told so, on every target and at its own place.
#[doc(hidden)]
pub fn can_be_saved<T: serde::Serialize + serde::de::DeserializeOwned + 'static>() {}
