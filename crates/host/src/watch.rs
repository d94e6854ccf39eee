//! Who is told of what a guest does with its rights.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airssys_wasm_model::{Denial, Kind, Name, RevisionNumber};

use crate::context::{CallCtx, Caller, RequestId};
use crate::guest::Guest;
use crate::output::Speaker;
use crate::prepare::{Revision, RevisionSpec};
use crate::secret::SecretValue;

/// Is told of every use of a right that was checked, allowed or denied. Called on the call path: it must not
/// block for longer than a call may be held up.
pub trait Watch: Send + Sync {
    /// Whether allowed uses of this kind are wanted. Where they are not, nothing is gathered for them.
    fn sees_uses(&self, kind: Kind) -> bool;

    /// A use that was allowed.
    fn used(&self, by: User<'_>, used: Use<'_>);

    /// A use that was denied.
    fn denied(&self, by: User<'_>, denial: &Denial);
}

/// Watches nothing. A denial is in the service's log all the same.
#[derive(Debug, Clone, Copy)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn sees_uses(&self, _kind: Kind) -> bool {
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
    /// The instance, by a number that no other one of this process has.
    pub instance: u64,
    /// The call during which it was.
    pub request_id: RequestId,
    /// Who called, where that is known.
    pub caller: Option<&'a Caller>,
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

/// Tells of one guest where the guest itself is out of reach: in what it began and does not wait for.
#[derive(Clone)]
pub(crate) struct Teller {
    of: Arc<Told>,
    call: Arc<CallCtx>,
}

/// An instance, as it is told of.
struct Told {
    revision: Arc<Revision>,
    speaker: Arc<Speaker>,
    instance: u64,
    /// The call that it is on. Locked to be read or replaced, never across an await.
    call: Mutex<Arc<CallCtx>>,
}

/// Who tells of the call that an instance is on: one for all that it does, each part of which may be anywhere.
#[derive(Clone)]
pub(crate) struct CurrentTeller(Arc<Told>);

impl Teller {
    pub(crate) fn spec(&self) -> &RevisionSpec {
        &self.of.revision.spec
    }

    /// Tells of a use that was allowed.
    pub(crate) fn used(&self, used: Use<'_>) {
        self.spec().watch.used(self.user(), used);
    }

    /// Tells of a use that was denied, in the service's log too: with the grant that would allow it, within what
    /// one call may say.
    pub(crate) fn denied(&self, denial: Denial) {
        let denial = denial.where_asked(&self.spec().asked);
        self.of.speaker.warns("capabilities", &denial.to_string());
        self.spec().watch.denied(self.user(), &denial);
    }

    /// Says in the service's log which limit was reached.
    pub(crate) fn warns(&self, limit: &str) {
        self.says("limits", limit);
    }

    /// What the host has to say of the guest, in the service's log.
    pub(crate) fn says(&self, context: &str, text: &str) {
        self.of.speaker.warns(context, text);
    }

    /// Keeps a value out of the guest's lines from now on.
    pub(crate) fn mask(&self, name: &str, value: Arc<dyn SecretValue>) {
        self.of.speaker.mask(name, value);
    }

    pub(crate) fn revision(&self) -> &Revision {
        &self.of.revision
    }

    fn user(&self) -> User<'_> {
        let RevisionSpec { service, revision, .. } = self.spec();
        User {
            service,
            revision: *revision,
            instance: self.of.instance,
            request_id: self.call.request_id,
            caller: self.call.caller.as_ref(),
        }
    }
}

impl CurrentTeller {
    /// Of this instance, which begins in this call.
    pub(crate) fn new(
        revision: Arc<Revision>,
        speaker: Arc<Speaker>,
        instance: u64,
        call: Arc<CallCtx>,
    ) -> Self {
        Self(Arc::new(Told { revision, speaker, instance, call: Mutex::new(call) }))
    }

    /// What is done from now on is done in this call.
    pub(crate) fn begin(&self, call: &Arc<CallCtx>) {
        *self.current() = Arc::clone(call);
    }

    /// The call that it is on.
    pub(crate) fn call(&self) -> Arc<CallCtx> {
        Arc::clone(&self.current())
    }

    /// The teller of what is begun now, whichever call comes after.
    pub(crate) fn now(&self) -> Teller {
        Teller { of: Arc::clone(&self.0), call: self.call() }
    }

    fn current(&self) -> MutexGuard<'_, Arc<CallCtx>> {
        // It is whole at any moment.
        self.0.call.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of a use that was allowed.
    pub(crate) fn used(&self, used: Use<'_>) {
        self.now().used(used);
    }

    /// Tells of a use that was denied.
    pub(crate) fn denied(&self, denial: Denial) {
        self.now().denied(denial);
    }

    /// What the host has to say of the guest, in the service's log.
    pub(crate) fn says(&self, context: &str, text: &str) {
        self.now().says(context, text);
    }

    /// Says in the service's log which limit was reached.
    pub(crate) fn warns(&self, limit: &str) {
        self.now().warns(limit);
    }
}

impl Guest {
    /// Tells of a use that was allowed.
    pub(crate) fn used(&self, used: Use<'_>) {
        self.telling.used(used);
    }

    /// Tells of a use that was denied.
    pub(crate) fn denied(&self, denial: Denial) {
        self.telling.denied(denial);
    }

    /// Whether somebody wants to know of allowed uses of this kind.
    pub(crate) fn sees_uses(&self, kind: Kind) -> bool {
        self.revision().spec.watch.sees_uses(kind)
    }
}
