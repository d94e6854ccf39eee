//! What a call carries from where it came in to every import that its guest calls.

use std::fmt;
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_model::{InstanceModel, Name};
use http::HeaderValue;

use crate::actor::ActorKey;
use crate::chain::{Chain, TooDeep, Turn};
use crate::prepare::RevisionSpec;

/// The name of one call, 32 hexadecimal digits: what a caller quotes and a log line shows. The calls of services that a
/// call leads to have the same digits, and are told apart all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    digits: u128,
    /// 0 for the call from outside, drawn for those that it leads to.
    below: u64,
}

impl RequestId {
    /// A name that nobody else draws.
    pub fn draw() -> Self {
        Self { digits: rand::random(), below: 0 }
    }

    /// The name of a call that the guest of this one makes.
    fn onward(self) -> Self {
        Self { below: rand::random(), ..self }
    }

    /// The digits, in ASCII. Every answer carries them, so they are written without the formatter.
    pub fn digits(self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.digits.to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        digits
    }

    /// The digits as a text of one allocation.
    pub fn text(self) -> Arc<str> {
        std::str::from_utf8(&self.digits()).expect("digits are ASCII").into()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).expect("digits are ASCII"))
    }
}

/// Who calls. Kept as it came: it becomes a text only for a guest that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A client at the HTTP door.
    Address(IpAddr),
    /// A principal.
    Named(Arc<str>),
    /// The guest of a service. Said as `service:NAME`, which is no token's name.
    Service(Name),
}

impl Caller {
    /// What stands before the name of a service.
    pub const SERVICE: &str = "service:";
}

impl Caller {
    /// It as a text of one allocation at most.
    pub fn text(&self) -> Arc<str> {
        match self {
            Self::Named(name) => Arc::clone(name),
            Self::Service(_) => self.to_string().into(),
            Self::Address(address) => {
                let mut text = [0; ADDRESS_BYTES_MAX];
                let mut rest = &mut text[..];
                write!(rest, "{address}").expect("an address is no longer");
                let len = ADDRESS_BYTES_MAX - rest.len();
                std::str::from_utf8(&text[..len]).expect("an address is ASCII").into()
            }
        }
    }
}

/// The longest text of an address: of one of IPv6 that ends as IPv4.
const ADDRESS_BYTES_MAX: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Named(name) => name.fmt(f),
            Self::Service(name) => write!(f, "{}{name}", Self::SERVICE),
        }
    }
}

impl From<&str> for Caller {
    fn from(name: &str) -> Self {
        Self::Named(name.into())
    }
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Somebody waits for its answer.
    #[default]
    Live,
    /// It is the copy of one that has been answered: nothing that its guest does may leave.
    Shadow,
}

/// The context of one call, kept in its instance's store.
#[derive(Debug, Clone)]
pub struct CallCtx {
    /// The call's name.
    pub request_id: RequestId,
    /// The W3C trace parent that came with the call.
    pub traceparent: Option<HeaderValue>,
    /// When the caller stops waiting, if that is sooner than the revision's own limit.
    pub deadline: Option<Instant>,
    /// Who calls, where that is known.
    pub caller: Option<Caller>,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// What it is for. The pool that it is claimed from decides it.
    pub mode: Mode,
    /// Whether its caller chose the very revision that serves it. What such a call uses is no sample of what the
    /// revision's calls use, and is left out of [`Pool::costs`](crate::Pool::costs).
    pub probe: bool,
    /// Which actor it is for, of a service that has one for each key.
    pub actor: Option<ActorKey>,
    /// The calls of services that wait for it.
    pub chain: Chain,
}

impl CallCtx {
    /// The first attempt of a live call from nobody in particular.
    pub fn new(request_id: RequestId) -> Self {
        Self {
            request_id,
            traceparent: None,
            deadline: None,
            caller: None,
            attempt: 1,
            mode: Mode::Live,
            probe: false,
            actor: None,
            chain: Chain::default(),
        }
    }

    /// A call that the guest of this one makes, which is an instance of this revision. It has no deadline of its
    /// own: it ends when its caller waits for it no longer.
    pub(crate) fn onward(&self, of: &RevisionSpec) -> Result<Self, TooDeep> {
        let turn = match of.instances.model {
            InstanceModel::Actor => Turn::Actor(self.actor),
            InstanceModel::Fresh | InstanceModel::Pooled => Turn::None,
        };
        Ok(Self {
            traceparent: self.traceparent.clone(),
            caller: Some(Caller::Service(of.service.clone())),
            chain: self.chain.and(&of.service, turn)?,
            ..Self::new(self.request_id.onward())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_by_thirty_two_digits() {
        let id = RequestId { digits: 0x0123_4567_89ab_cdef_0000_0000_0000_00ff, below: 0 };
        assert_eq!(id.to_string(), "0123456789abcdef00000000000000ff");
        let onward = id.onward();
        assert_eq!(onward.to_string(), id.to_string());
        assert_ne!(onward, id, "it is another call");
    }
}
