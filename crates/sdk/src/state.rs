//! What a component keeps across calls, restarts and versions, and the form in which it is saved.

use std::ops::{Deref, DerefMut};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Component, ComponentConfig, ComponentError, Stateful, Version};

/// A component's configuration and, where `T` is named, its state. The node saves the state after each
/// call and gives it back to a new instance, also to one of another version.
///
/// `ComponentState` without a type holds the configuration alone, and nothing is saved.
#[derive(Debug, Clone, Default)]
pub struct ComponentState<T = ()> {
    config: ComponentConfig,
    value: T,
    saved_by: Option<Version>,
}

impl<T: Default> ComponentState<T> {
    /// The state of an instance that has seen no call. What was saved takes its place before the first
    /// call. It fails with the configuration, once a configuration can fail by itself.
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self::beginning_with(config, T::default()))
    }
}

impl<T> ComponentState<T> {
    /// A state to begin with that is not the type's default.
    pub fn beginning_with(config: ComponentConfig, value: T) -> Self {
        Self { config, value, saved_by: None }
    }

    /// The configuration.
    pub fn config(&self) -> &ComponentConfig {
        &self.config
    }

    /// The version of the release that saved what this instance began with; none where nothing was saved.
    pub fn saved_by(&self) -> Option<&Version> {
        self.saved_by.as_ref()
    }
}

impl<T> Deref for ComponentState<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for ComponentState<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// A saved state that does not fit the component's, or that another version saved: what
/// `#[component_migrate]` gets.
#[derive(Debug, Clone)]
pub struct SavedState {
    code_version: Option<Version>,
    bytes: Vec<u8>,
}

/// The saved form: the version in the code that saved it beside the state in JSON. The version that the
/// node names is the release's, which a flag can change without changing the code; this one says whether
/// the shape is the code's own.
#[derive(Serialize, Deserialize)]
struct Envelope<S> {
    #[serde(rename = "airssys:state")]
    version: Version,
    value: S,
}

impl SavedState {
    /// Reads what the node kept. Bytes that this SDK did not write are taken as they are.
    pub(crate) fn read(saved: Vec<u8>) -> Self {
        match serde_json::from_slice::<Envelope<Box<RawValue>>>(&saved) {
            Ok(envelope) => Self {
                code_version: Some(envelope.version),
                bytes: envelope.value.get().as_bytes().to_vec(),
            },
            Err(_) => Self { code_version: None, bytes: saved },
        }
    }

    /// A state in JSON, to test a migration with.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, ComponentError> {
        Ok(Self { code_version: None, bytes: serde_json::to_vec(value)? })
    }

    /// The state as it was saved: JSON, if a component with this SDK saved it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The state as a type of yours, as it was in the version that saved it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ComponentError> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            ComponentError::failed(format!("the saved state does not fit its type: {error}"))
        })
    }
}

/// What the first argument of `#[component_migrate]` can be: [`SavedState`], or the type the state had.
pub trait FromSaved: Sized {
    /// Reads it.
    fn from_saved(saved: &SavedState) -> Result<Self, ComponentError>;
}

impl FromSaved for SavedState {
    fn from_saved(saved: &SavedState) -> Result<Self, ComponentError> {
        Ok(saved.clone())
    }
}

impl<T: DeserializeOwned> FromSaved for T {
    fn from_saved(saved: &SavedState) -> Result<Self, ComponentError> {
        saved.json()
    }
}

/// The bytes to save.
#[allow(dead_code, reason = "called by the exports, which exist on wasm alone, and by the tests")]
pub(crate) fn save<C: Stateful<T>, T: Serialize>(component: &C) -> Result<Vec<u8>, ComponentError> {
    let version = code_version::<C, T>()?;
    Ok(serde_json::to_vec(&Envelope { version, value: component.state().deref() })?)
}

/// Takes up a saved state. The component's own shape is read as it is; any other goes to the migration
/// and, where there is none, is read as far as serde can.
#[allow(dead_code, reason = "called by the exports, which exist on wasm alone, and by the tests")]
pub(crate) fn restore<C: Stateful<T> + Component, T: DeserializeOwned>(
    component: &mut C,
    saved: Vec<u8>,
    saved_by: &str,
) -> Result<(), ComponentError> {
    let saved = SavedState::read(saved);
    let from = Version::parse(saved_by).map_err(|error| {
        ComponentError::failed(format!("the state's version `{saved_by}` is no version: {error}"))
    })?;
    take_up(component, &saved, from.clone())?;
    component.state_mut().saved_by = Some(from);
    Ok(())
}

fn take_up<C: Stateful<T> + Component, T: DeserializeOwned>(
    component: &mut C,
    saved: &SavedState,
    from: Version,
) -> Result<(), ComponentError> {
    let own = saved.code_version == Some(code_version::<C, T>()?);
    if own && let Ok(value) = saved.json::<T>() {
        **component.state_mut() = value;
        return Ok(());
    }
    let saved_by = from.to_string();
    if let Some(migrated) = component.migrate(saved, from) {
        return migrated.map_err(|error| {
            ComponentError::failed(format!(
                "the state saved by {saved_by} was not migrated: {error}"
            ))
        });
    }
    **component.state_mut() = saved.json().map_err(|error| {
        ComponentError::failed(format!(
            "the state saved by {saved_by} is of another shape ({error}): write a #[component_migrate]"
        ))
    })?;
    Ok(())
}

fn code_version<C: Stateful<T>, T>() -> Result<Version, ComponentError> {
    Version::parse(C::VERSION).map_err(|error| ComponentError::failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use crate::state::{restore, save};

    #[derive(Default, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Count {
        count: u64,
    }

    #[component]
    struct Plain {
        state: ComponentState<Count>,
    }

    #[component_impl]
    impl Plain {
        #[component_init]
        fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
            Ok(Self { state: ComponentState::new(config)? })
        }

        #[component_execute]
        fn count(&mut self, _input: ComponentInput) -> ComponentResult {
            self.state.count += 1;
            Ok(ComponentOutput::default())
        }
    }

    #[component]
    struct Migrating {
        state: ComponentState<Count>,
    }

    #[component_impl]
    impl Migrating {
        #[component_init]
        fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
            Ok(Self { state: ComponentState::new(config)? })
        }

        #[component_execute]
        fn count(&self, _: Json<u8>) -> Result<Json<u64>, ComponentError> {
            Ok(Json(self.state.count))
        }

        #[component_migrate]
        fn migrate(saved: Vec<u64>, from: Version) -> Result<Count, ComponentError> {
            Ok(Count { count: saved.iter().sum::<u64>() * from.major })
        }
    }

    fn plain() -> Plain {
        Plain::new(ComponentConfig::default()).unwrap()
    }

    fn migrating() -> Migrating {
        Migrating::new(ComponentConfig::default()).unwrap()
    }

    #[test]
    fn what_was_saved_is_taken_up_and_saved_unchanged() {
        let mut before = plain();
        before.count(ComponentInput::default()).unwrap();
        let saved = save(&before).unwrap();
        let mut after = plain();
        restore(&mut after, saved.clone(), "1.0.0").unwrap();
        assert_eq!(after.state.count, 1);
        assert_eq!(save(&after).unwrap(), saved);
        assert_eq!(after.state.saved_by(), Some(&Version::new(1, 0, 0)));
        assert_eq!(before.state.saved_by(), None);
    }

    #[test]
    fn another_shape_without_a_migration_is_refused_and_changes_nothing() {
        let mut component = plain();
        component.state.count = 7;
        let error = restore(&mut component, b"[1,2]".to_vec(), "1.0.0").unwrap_err();
        assert!(error.message().contains("component_migrate"), "{error}");
        assert_eq!(component.state.count, 7);
    }

    #[test]
    fn another_shape_goes_through_the_migration_with_the_version_that_saved_it() {
        let mut component = migrating();
        restore(&mut component, b"[1,2]".to_vec(), "3.0.0").unwrap();
        assert_eq!(component.state.count, 9);
    }

    /// A release's version can be set by a flag: the same code's state is not migrated for it.
    #[test]
    fn the_own_shape_is_not_migrated_whatever_the_release_is_called() {
        let mut before = migrating();
        before.state.count = 5;
        let mut after = migrating();
        restore(&mut after, save(&before).unwrap(), "9.9.9").unwrap();
        assert_eq!(after.state.count, 5);
    }

    #[test]
    fn a_migration_that_fails_says_so() {
        let error = restore(&mut migrating(), b"\"text\"".to_vec(), "1.0.0").unwrap_err();
        assert!(
            error.message().starts_with("the state saved by 1.0.0 was not migrated"),
            "{error}"
        );
    }
}
