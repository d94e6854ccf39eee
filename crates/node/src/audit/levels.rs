//! What an operator chooses to have recorded.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use airssys_wasm_api::ROUTES;
use airssys_wasm_model::{Kind, Name};
use airssys_wasm_store::audit::{self, Level};
use http::Method;

/// A call of a service, whichever door it came in by.
pub(super) const CALL: audit::Kind = audit::Kind::usage(62, "call");

/// Somebody at the control port who was not let in.
pub(super) const CONTROL: audit::Kind = audit::Kind::usage(63, "control");

/// What a rollout decides by itself.
pub(super) const ROLLOUT: audit::Kind = audit::Kind::control("rollout");

/// What is decided about several as one.
pub(super) const UPDATE: audit::Kind = audit::Kind::control("joint-update");

/// Bytes that were brought to the node. They do nothing until a command names them.
pub(super) const UPLOAD: audit::Kind = audit::Kind::control("upload");

/// What the trail says of itself.
const TRAIL: &str = "audit";

/// The kinds that entries may have, by name.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    // A question is no entry, and who called a service over the control port is one of `call`.
    let changes = ROUTES.iter().filter(|route| route.method != Method::GET);
    let commands = changes.map(|route| route.command);
    let commands = commands.filter(|command| !matches!(*command, "invoke" | "explain-policy"));
    let others = [CALL, CONTROL, ROLLOUT, UPDATE, UPLOAD].map(|kind| kind.name());
    commands.chain(Kind::ALL.map(Kind::as_str)).chain(others).chain([TRAIL])
}

/// What is recorded. Commands and denials always are; this is about allowed uses.
///
/// Unless said otherwise each use of a capability is, and no call: a call leaves nothing behind that its
/// service's own log and metrics could not tell.
#[derive(Debug, Clone, Default)]
pub struct AuditChoice {
    /// The levels that differ; of two for one kind the later counts.
    pub levels: Vec<AuditLevel>,
    /// Services whose calls are each recorded before they begin, and refused while that is not possible.
    pub required: BTreeSet<Name>,
}

/// How many of the allowed uses of one kind are recorded: `files=1/100`, `http=all`, `env=none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditLevel {
    kind: Audited,
    level: Level,
}

/// A level that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no level: write KIND=all, KIND=none or KIND=1/N, the kind being `call` or that of a grant"
)]
pub struct AuditLevelError(String);

/// What has a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audited {
    Call,
    Capability(Kind),
}

/// The use of a capability, as the trail names it.
pub(super) fn usage(kind: Kind) -> audit::Kind {
    audit::Kind::usage(kind as u8, kind.as_str())
}

/// Every kind with the level it has under these choices.
pub(super) fn all(chosen: &[AuditLevel]) -> Vec<AuditLevel> {
    let kinds = [Audited::Call].into_iter().chain(Kind::ALL.map(Audited::Capability));
    let level = |kind: Audited| {
        let chosen = chosen.iter().rfind(|chosen| chosen.kind == kind).map(|chosen| chosen.level);
        let unless = if kind == Audited::Call { Level::Nothing } else { Level::All };
        AuditLevel { kind, level: chosen.unwrap_or(unless) }
    };
    kinds.map(level).collect()
}

impl AuditLevel {
    /// What it is about, as the trail names it.
    pub(super) fn kind(&self) -> audit::Kind {
        match self.kind {
            Audited::Call => CALL,
            Audited::Capability(kind) => usage(kind),
        }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// The capability that it records uses of, if any.
    pub(super) fn sees(&self) -> Option<Kind> {
        match self.kind {
            Audited::Capability(kind) if self.level != Level::Nothing => Some(kind),
            _ => None,
        }
    }

    /// How many, in words.
    pub(super) fn share(&self) -> String {
        match self.level {
            Level::All => "all".to_owned(),
            Level::Nothing => "none".to_owned(),
            Level::OneIn(one_in) => format!("1/{one_in}"),
        }
    }
}

impl fmt::Display for AuditLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind().name(), self.share())
    }
}

impl FromStr for AuditLevel {
    type Err = AuditLevelError;

    fn from_str(text: &str) -> Result<Self, AuditLevelError> {
        read(text).ok_or_else(|| AuditLevelError(text.to_owned()))
    }
}

fn read(text: &str) -> Option<AuditLevel> {
    let (kind, share) = text.split_once('=')?;
    let kind = match kind {
        "call" => Audited::Call,
        name => Audited::Capability(Kind::named(name)?),
    };
    let level = match share {
        "all" => Level::All,
        "none" => Level::Nothing,
        share => match share.strip_prefix("1/")?.parse::<NonZeroU32>().ok()? {
            NonZeroU32::MIN => Level::All,
            one_in => Level::OneIn(one_in),
        },
    };
    Some(AuditLevel { kind, level })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_as_it_is_shown() {
        for text in ["files=all", "http=none", "call=1/100", "keyvalue=1/4294967295"] {
            assert_eq!(text.parse::<AuditLevel>().unwrap().to_string(), text);
        }
        assert_eq!("env=1/1".parse::<AuditLevel>().unwrap().to_string(), "env=all");
        for wrong in
            ["files", "files=", "files=2/3", "files=1/0", "deploy=none", "control=none", "=all"]
        {
            assert!(wrong.parse::<AuditLevel>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_use_is_recorded_and_no_call_unless_the_operator_says_otherwise() {
        let shown = |chosen: &[&str]| {
            let chosen: Vec<AuditLevel> = chosen.iter().map(|it| it.parse().unwrap()).collect();
            let all = all(&chosen);
            all.iter()
                .map(ToString::to_string)
                .filter(|it| !it.ends_with("=all"))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&[]), ["call=none"]);
        assert_eq!(shown(&["files=none", "files=1/9", "call=all"]), ["files=1/9"]);
    }

    #[test]
    fn no_two_kinds_share_a_level() {
        let kinds = Kind::ALL.map(usage);
        for (number, kind) in kinds.iter().enumerate() {
            assert_eq!(*kind, audit::Kind::usage(number as u8, kind.name()));
        }
    }
}
