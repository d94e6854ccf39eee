//! Which allowed uses are recorded: all, one in so many, or none, for each kind.
//!
//! Asked at each use, on the path of a call: a load, and for sampling an addition. Denials and control acts
//! have no level.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::entry::{Decision, Kind, MAX_KINDS};

/// How many of the allowed uses of a kind are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Each.
    #[default]
    All,
    /// The first, and then one in so many.
    OneIn(NonZeroU32),
    /// None.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Levels {
    /// One in how many; 0: none.
    one_in: [AtomicU32; MAX_KINDS],
    seen: [AtomicU32; MAX_KINDS],
}

impl Levels {
    /// Everything is recorded.
    pub(super) fn new() -> Self {
        Self {
            one_in: std::array::from_fn(|_| AtomicU32::new(1)),
            seen: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    /// Nothing is set for a control act: it is recorded.
    pub(super) fn set(&self, kind: Kind, level: Level) {
        let Some(number) = kind.number() else { return };
        let one_in = match level {
            Level::All => 1,
            Level::OneIn(one_in) => one_in.get(),
            Level::Nothing => 0,
        };
        self.one_in[number].store(one_in, Relaxed);
    }

    /// One in how many of these is recorded, if this one is.
    pub(super) fn wants(&self, kind: Kind, decision: Decision) -> Option<NonZeroU32> {
        let Some(number) = kind.number().filter(|_| decision == Decision::Allowed) else {
            return Some(NonZeroU32::MIN);
        };
        let one_in = NonZeroU32::new(self.one_in[number].load(Relaxed))?;
        if one_in == NonZeroU32::MIN {
            return Some(one_in);
        }
        let seen = self.seen[number].fetch_add(1, Relaxed);
        (seen % one_in == 0).then_some(one_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: Kind = Kind::usage(0, "files");
    const HTTP: Kind = Kind::usage(63, "http");
    const DEPLOY: Kind = Kind::control("deploy");

    #[test]
    fn allowed_uses_are_sampled_and_nothing_else_is() {
        let levels = Levels::new();
        let ten = NonZeroU32::new(10).unwrap();
        levels.set(FILES, Level::OneIn(ten));
        levels.set(DEPLOY, Level::Nothing);
        let recorded = (0..1_000).filter_map(|_| levels.wants(FILES, Decision::Allowed));
        assert_eq!(recorded.collect::<Vec<_>>(), [ten; 100]);
        levels.set(FILES, Level::Nothing);
        assert_eq!(levels.wants(FILES, Decision::Allowed), None);
        let each = Some(NonZeroU32::MIN);
        assert_eq!(levels.wants(FILES, Decision::Denied), each);
        assert_eq!(levels.wants(FILES, Decision::WouldBeDenied), each);
        assert_eq!(levels.wants(HTTP, Decision::Allowed), each);
        assert_eq!(levels.wants(DEPLOY, Decision::Allowed), each);
    }
}
