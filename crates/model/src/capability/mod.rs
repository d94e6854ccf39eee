//! Capabilities: what a component asks for, what an operator grants, and the rights that are both.
//!
//! Deciding is all that happens here; `host` checks each of a guest's imports against [`Rights`].

mod ask;
mod grant;
mod pattern;
mod rights;

pub use ask::{Access, Asked, EnvAsk, FilesAsk, HttpAsk, UNENFORCED_KINDS};
pub use grant::{Grant, GrantError, Grants};
pub use pattern::{HostPattern, PathPattern};
pub use rights::{EnvRight, FilesRight, HttpRight, MissingGrant, Rights, RightsError};
