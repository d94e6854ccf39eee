//! What is handed in to be recorded, and what is read back.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::line::Hash;

/// The longest text in a field. Targets are what a guest asked for, so a guest chooses their length: the
/// rest is cut off, and the field says so.
pub const MAX_FIELD_BYTES: usize = 1_024;

/// Kinds of use that a trail can tell levels for.
pub const MAX_KINDS: usize = 64;

/// One act to record. Made of parts that are cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub at: SystemTime,
    /// The service it concerns.
    pub service: Option<Arc<str>>,
    /// The revision of it.
    pub revision: Option<u64>,
    /// The instance that acted, by the number its node gave it.
    pub instance: Option<u64>,
    /// The request id of the call that it happened in.
    pub call: Option<Arc<str>>,
    /// Who asked: the name of a token, or the caller.
    pub principal: Option<Arc<str>>,
    /// What kind of act.
    pub kind: Kind,
    /// What it was done to.
    pub target: Arc<str>,
    /// Whether it was allowed.
    pub decision: Decision,
    /// Anything else worth a line: why it was denied, what changed.
    pub detail: Option<Arc<str>>,
    /// How many acts this stands for.
    pub count: u64,
    /// One in how many of such uses is recorded, as [`Audit::wants`](super::Audit::wants) answered.
    pub one_in: NonZeroU32,
}

/// What kind of act an entry records: its name in the trail, and whether it may be sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    name: &'static str,
    class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Class {
    Use(u8),
    Control,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It was allowed.
    Allowed,
    /// It was denied.
    Denied,
    /// It was allowed, because the policy that denies it only runs dry.
    WouldBeDenied,
}

/// An entry as it stands in the trail.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    /// Its number: the first is 1, and none is left out.
    pub seq: u64,
    /// When it happened.
    #[serde(deserialize_with = "super::line::read_time")]
    pub at: SystemTime,
    /// The service it concerns.
    pub service: Option<String>,
    /// The revision of it.
    pub revision: Option<u64>,
    /// The instance that acted.
    pub instance: Option<u64>,
    /// The request id.
    #[serde(default)]
    pub call: Option<String>,
    /// Who asked.
    #[serde(default)]
    pub principal: Option<String>,
    /// What kind of act.
    pub kind: String,
    /// What it was done to.
    pub target: String,
    /// Whether it was allowed.
    pub decision: Decision,
    /// Anything else worth a line.
    #[serde(default)]
    pub detail: Option<String>,
    /// How many acts it stands for.
    pub count: u64,
    /// One in how many of such uses was recorded.
    #[serde(default = "each")]
    pub one_in: NonZeroU32,
    /// The hash of the line before.
    pub prev: Hash,
    /// The hash of this line.
    pub hash: Hash,
    /// The line itself, as it is on the disk, without its end.
    #[serde(skip)]
    pub line: String,
}

impl Entry {
    /// An act with nothing said of it but this.
    pub fn new(
        at: SystemTime,
        kind: Kind,
        target: impl Into<Arc<str>>,
        decision: Decision,
    ) -> Self {
        Self {
            at,
            service: None,
            revision: None,
            instance: None,
            call: None,
            principal: None,
            kind,
            target: target.into(),
            decision,
            detail: None,
            count: 1,
            one_in: each(),
        }
    }
}

impl Kind {
    /// A use of a capability. The number, below [`MAX_KINDS`], is its place among the levels; each kind has
    /// its own.
    pub const fn usage(number: u8, name: &'static str) -> Self {
        assert!((number as usize) < MAX_KINDS, "there is no level with this number");
        Self { name, class: Class::Use(number) }
    }

    /// A control act: never sampled, never coalesced, and written from the reserve when the disk is full.
    pub const fn control(name: &'static str) -> Self {
        Self { name, class: Class::Control }
    }

    /// Its name in the trail.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Whether it is a control act.
    pub const fn is_control(self) -> bool {
        matches!(self.class, Class::Control)
    }

    /// Its place among the levels, if it may be sampled.
    pub(super) fn number(self) -> Option<usize> {
        match self.class {
            Class::Use(number) => Some(usize::from(number)),
            Class::Control => None,
        }
    }
}

impl Decision {
    /// Its name in the trail.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::WouldBeDenied => "would-be-denied",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text, or as much of it as a field takes.
pub(super) fn within_bound(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_FIELD_BYTES {
        return Cow::Borrowed(text);
    }
    let kept = &text[..text.floor_char_boundary(MAX_FIELD_BYTES)];
    Cow::Owned(format!("{kept}… ({} bytes more)", text.len() - kept.len()))
}

fn each() -> NonZeroU32 {
    NonZeroU32::MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_a_guests_choosing_is_cut_at_a_character_and_says_so() {
        let text = format!("a{}", "é".repeat(4_000));
        let cut = within_bound(&text);
        assert!(cut.len() < MAX_FIELD_BYTES + 40, "{}", cut.len());
        assert!(cut.ends_with("é… (6978 bytes more)"), "{cut}");
        assert_eq!(within_bound("/etc/passwd"), "/etc/passwd");
    }
}
