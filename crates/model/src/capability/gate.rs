//! What can be written down and is not enforced yet, refused in one place. What the host learns to enforce is
//! taken out here, and from [`UNENFORCED_KINDS`](super::UNENFORCED_KINDS).

use super::access::Access;
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
    asked.files.iter().try_for_each(whole_directory)
}

/// Refuses a grant of what nothing would check.
pub(super) fn grant(grant: &Grant) -> Result<(), GrantError> {
    let kind = grant.kind();
    if !kind.is_enforced() {
        return Err(GrantError::Unenforced { kind: kind.to_string() });
    }
    let Grant::Files(files) = grant else { return Ok(()) };
    if let Some(word) = finer_word(&files.access) {
        return Err(GrantError::Unenforced { kind: format!("files with the access `{word}`") });
    }
    if files.access.contains(&Access::Read) { Ok(()) } else { Err(GrantError::WriteAlone) }
}

/// A preopened directory is all or nothing: until the host checks each path below it, an ask for less than a
/// whole directory, to read or to write, has nothing that would enforce it.
fn whole_directory(ask: &FilesAsk) -> Result<(), RightsError> {
    if let Some(word) = finer_word(&ask.access) {
        return Err(RightsError::Unenforced { kind: format!("files with the access `{word}`") });
    }
    if ask.glob().is_ok_and(|glob| glob.is_whole()) {
        return Ok(());
    }
    Err(RightsError::Unenforced { kind: format!("files with the path pattern `{}`", ask.path) })
}

fn finer_word(access: &[Access]) -> Option<&'static str> {
    let finer = access.iter().find(|word| !matches!(word, Access::Read | Access::Write));
    finer.map(|word| word.word())
}
