//! The configuration as `wasi:config` gives it, value by value, and secrets: `settings::get("secrets/stripe")?`.
//!
//! A component's own configuration comes to its `#[component_init]`, whole and with its types
//! ([`ComponentConfig`](crate::ComponentConfig)). Here is what a library that knows no component may ask, and what is
//! looked up at each call: a secret that the manifest asks for (`secrets = [{ name = "stripe", hosts =
//! ["api.stripe.com"], reason = "payments" }]`). Natively, in tests, nothing is set.

use std::fmt;

use crate::ComponentError;

/// Why a value could not be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The host refuses it: a secret that is not granted.
    Refused(String),
    /// The host could not read it.
    Failed(String),
}

/// The value of this name; none where it is not set. What is no text in the configuration comes as JSON.
///
/// ```
/// use airssys_wasm_sdk::settings;
///
/// assert_eq!(settings::get("greeting")?, None);
/// # Ok::<(), settings::Error>(())
/// ```
///
/// # Errors
/// When it is a secret that is not granted, or could not be read.
#[cfg(target_arch = "wasm32")]
pub fn get(name: &str) -> Result<Option<String>, Error> {
    use crate::bindings::wasi::config::store;
    store::get(name).map_err(|error| match error {
        store::Error::Upstream(why) => Error::Refused(why),
        store::Error::Io(why) => Error::Failed(why),
    })
}

/// The value of this name; none where it is not set. What is no text in the configuration comes as JSON.
///
/// ```
/// use airssys_wasm_sdk::settings;
///
/// assert_eq!(settings::get("greeting")?, None);
/// # Ok::<(), settings::Error>(())
/// ```
///
/// # Errors
/// When it is a secret that is not granted, or could not be read.
#[cfg(not(target_arch = "wasm32"))]
pub fn get(_name: &str) -> Result<Option<String>, Error> {
    Ok(None)
}

/// What a component says that fails because a value was not to be had.
impl From<Error> for ComponentError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(why) => Self::denied(why),
            Error::Failed(why) => Self::unavailable(why),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}
