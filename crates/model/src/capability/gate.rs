//! What can be written down and is not enforced yet, refused in one place. What the host learns to enforce is
//! taken out here, and from [`UNENFORCED_KINDS`](super::UNENFORCED_KINDS).

use super::asked::Asked;
use super::files::FilesAsk;
use super::grant::{Grant, GrantError};
use super::kind::{Kind, UNENFORCED_KINDS};
use super::missing::RightsError;

/// Whether the kind of this name is not enforced.
pub(super) fn is_unenforced(kind: &str) -> bool {
    UNENFORCED_KINDS.contains(&kind)
}

/// Refuses a manifest that asks for what nothing would check.
pub(super) fn asks(asked: &Asked) -> Result<(), RightsError> {
    for name in &asked.unenforced {
        // A kind that has been enforced since then can be met, if what was asked of it was kept.
        if is_unenforced(name) || Kind::named(name).is_none_or(|kind| !asked.names(kind)) {
            return Err(RightsError::Unenforced { kind: name.clone() });
        }
    }
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| !kind.is_enforced() && asked.names(*kind))
    {
        return Err(RightsError::Unenforced { kind: kind.to_string() });
    }
    asked.files.iter().try_for_each(path)
}

/// Refuses a path that no glob could be read from.
fn path(ask: &FilesAsk) -> Result<(), RightsError> {
    let no_path = |why| RightsError::Path { path: ask.path.clone(), why };
    ask.glob().map(drop).map_err(no_path)
}

/// Refuses a grant of what nothing would check.
pub(super) fn grant(grant: &Grant) -> Result<(), GrantError> {
    let kind = grant.kind();
    if !kind.is_enforced() {
        return Err(GrantError::Unenforced { kind: kind.to_string() });
    }
    Ok(())
}
