//! What a request from outside means before a service sees it: what of it is refused, at which address it came, and
//! what of it a component is told.
//!
//! Everything here is pure. It knows no connection, no service and no component, so that `fuzz/` tries the very code
//! that a node runs without building what runs components.

#![forbid(unsafe_code)]

mod address;
mod body;
mod fields;
mod head;
mod metadata;

pub use self::address::{ServiceHost, prefixes, revision_host, service_host, strip};
pub use self::body::{BodyError, BoundedBody};
pub use self::fields::is_of_connection;
pub use self::head::{Refusal, TARGET_BYTES_MAX, admit, authority};
pub use self::metadata::{METHOD, TARGET, is_of_message, metadata};
