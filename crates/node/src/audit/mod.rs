//! The audit trail as the node uses it: who writes into it, what is refused when it can't be written, and how
//! it is read. How it lies on the disk is the store's affair (`docs/adr/0003-the-audit-trail.md`).

mod acts;
mod calls;
mod decisions;
mod following;
mod keys;
mod levels;
mod reading;
mod trail;
mod verifying;
mod watcher;

pub(crate) use acts::Act;
pub(crate) use calls::{CallRecorder, Unrecorded};
pub(crate) use decisions::{Standing, joint};
pub(crate) use following::{Followers, Following, Told};
pub(crate) use keys::rotate_audit_key;
pub(crate) use reading::{audit, freshen, in_turn, standing};
pub(crate) use trail::Trail;
pub(crate) use verifying::verify;
pub(crate) use watcher::Watcher;

pub use levels::{AuditChoice, AuditLevel, AuditLevelError};
pub use verifying::{TrailKey, verify_stopped};
