//! One call on one instance, by each of the doors that a component may have.

mod body;
mod command;
mod error;
mod function;
mod functions;
mod handler;
mod http;
mod instance;
mod required;
mod signature;
mod value;

pub use body::HttpBody;
pub(crate) use body::Sending;
pub use command::{CommandIo, Exit};
pub(crate) use error::clamped;
pub use error::{CallError, Fault, Kind};
pub(crate) use functions::Functions;
pub use handler::{Input, Output};
pub use http::RequestBody;
pub(crate) use http::load;
pub(crate) use instance::{instantiate, restore};
pub use required::{Required, RequiredCapability};
pub use value::Value;
/// What can go wrong with a request's or an answer's body.
pub use wasmtime_wasi_http::Error as HttpError;
