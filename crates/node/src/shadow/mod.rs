//! Copies of calls: a share of them is sent to a candidate too, each when its caller has the answer, and the
//! answers are compared.
//!
//! A copy holds nobody up: what of a call is kept for it is bounded, so are the copies under way, and past either
//! bound calls are not copied. It runs in a pool of its own ([`airssys_wasm_host::Pool::shadow`]), so that nothing
//! of it leaves and no live call meets what it left. It counts in no revision's traffic.

mod compare;
mod copies;
mod copy;
mod http;
mod json;
mod keep;
mod path;
mod shadowing;

pub(crate) use self::compare::{Answer, paths};
pub(crate) use self::copies::KEPT_BYTES_MAX;
use self::copies::READ_BYTES_MAX;
pub(crate) use self::copy::Request;
pub(crate) use self::http::{Watched, copied};
use self::shadowing::Drawn;
pub(crate) use self::shadowing::{Shadowing, Usage};
