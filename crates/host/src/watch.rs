//! Who is told of what a guest does with its rights.

use airssys_wasm_model::{Denial, Kind, Name, RevisionNumber};

use crate::context::RequestId;
use crate::guest::Guest;
use crate::output::Speaker;
use crate::prepare::{Revision, RevisionSpec};

/// Is told of every use of a right that was checked, allowed or denied. Called on the call path: it must not
/// block.
pub trait Watch: Send + Sync {
    /// Whether allowed uses are wanted. Where they are not, nothing is gathered for them.
    fn sees_uses(&self) -> bool;

    /// A use that was allowed.
    fn used(&self, by: User<'_>, used: Use<'_>);

    /// A use that was denied.
    fn denied(&self, by: User<'_>, denial: &Denial);
}

/// Watches nothing. A denial is in the service's log all the same.
#[derive(Debug, Clone, Copy)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn sees_uses(&self) -> bool {
        false
    }

    fn used(&self, _by: User<'_>, _used: Use<'_>) {}

    fn denied(&self, _by: User<'_>, _denial: &Denial) {}
}

/// Who used a right.
#[derive(Debug, Clone, Copy)]
pub struct User<'a> {
    /// The guest's service.
    pub service: &'a Name,
    /// The guest's revision.
    pub revision: RevisionNumber,
    /// The call during which it was.
    pub request_id: RequestId,
}

/// An allowed use.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// Of which kind.
    pub kind: Kind,
    /// What was done, in the words of grants: `read`, `create,delete`.
    pub access: &'a str,
    /// The file, host, bucket, … that was used.
    pub target: &'a str,
}

impl Guest {
    /// Tells of a use that was allowed.
    pub(crate) fn used(&self, used: Use<'_>) {
        self.revision().used(&self.speaker, used);
    }

    /// Tells of a use that was denied.
    pub(crate) fn denied(&self, denial: &Denial) {
        self.revision().denied(&self.speaker, denial);
    }

    pub(crate) fn watch(&self) -> &dyn Watch {
        &*self.revision().spec.watch
    }
}

impl Revision {
    /// Tells of a use that was allowed to the guest of this speaker.
    pub(crate) fn used(&self, by: &Speaker, used: Use<'_>) {
        self.spec.watch.used(self.user(by), used);
    }

    /// Tells of a use that was denied to it, in the service's log too: with the grant that would allow it, within
    /// what one call may say.
    pub(crate) fn denied(&self, by: &Speaker, denial: &Denial) {
        by.warns("capabilities", &denial.to_string());
        self.spec.watch.denied(self.user(by), denial);
    }

    fn user(&self, speaker: &Speaker) -> User<'_> {
        let RevisionSpec { service, revision, .. } = &self.spec;
        User { service, revision: *revision, request_id: speaker.request_id() }
    }
}
