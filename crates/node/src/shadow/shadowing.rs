//! Which calls of a service are copied, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use airssys_wasm_deploy::{Claimed, Compared, Mirror, Weight};
use airssys_wasm_host::{CallCtx, NoShadow, PoolStats};
use airssys_wasm_model::RevisionNumber;
use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use super::compare::{Answer, Comparing};
use super::copies::Copies;
use super::copy::Request;
use super::path::PathError;
use crate::live::Running;

/// The copying of one service's calls.
#[derive(Default)]
pub(crate) struct Shadowing {
    /// Whether any are copied: all that a call reads where none are.
    on: AtomicBool,
    now: ArcSwapOption<Mirroring>,
}

/// Which calls are copied, to whom, and how they are compared.
struct Mirroring {
    mirror: Mirror,
    comparing: Comparing,
    copies: Arc<Copies>,
}

/// What the copies of calls use of a revision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Copies that were answered and compared.
    pub(crate) compared: u64,
    /// Their instances are apart from those of its callers.
    pub(crate) pool: PoolStats,
}

/// Why calls are not copied to a revision.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MirrorError {
    #[error("calls are not copied to it: {0}")]
    Actor(#[from] NoShadow),
    #[error(transparent)]
    Path(#[from] PathError),
}

/// A call that is to be copied.
pub(crate) struct Drawn {
    mirroring: Arc<Mirroring>,
    call: CallCtx,
    pub(super) begun: Instant,
    _kept: OwnedSemaphorePermit,
}

/// A call that is to be copied, with all that its copy needs.
pub(crate) struct Pending {
    drawn: Drawn,
    request: Request,
}

impl Shadowing {
    /// Whether this call is to be copied, drawn at random among those that the table gives to other revisions than
    /// the candidate. Costs a call one read where none are.
    pub(crate) fn draw(&self, to: &Claimed<Running>, call: &CallCtx) -> Option<Drawn> {
        if !self.on.load(Ordering::Relaxed) {
            return None;
        }
        let now = self.now.load();
        let mirroring = now.as_ref()?;
        let Mirror { revision, weight, .. } = mirroring.mirror;
        if revision == to.revision || to.named || !takes(weight, rand::random()) {
            return None;
        }
        let kept = Arc::clone(&mirroring.copies.kept).try_acquire_owned().ok()?;
        let (mirroring, call) = (Arc::clone(mirroring), call.clone());
        Some(Drawn { mirroring, call, begun: Instant::now(), _kept: kept })
    }

    /// Copies calls as told from now on. Told the same again, it goes on and keeps its count; so it does when
    /// only the share changes.
    pub(crate) async fn begin(
        &self,
        mirror: &Mirror,
        to: &Arc<Running>,
    ) -> Result<(), MirrorError> {
        let comparing = Comparing::new(mirror)?;
        let now = self.now.load_full();
        let same = now.as_ref().filter(|now| Arc::ptr_eq(&now.copies.of, to));
        let copies = match same {
            Some(now) => Arc::clone(&now.copies),
            None => Copies::to(to)?,
        };
        let next = Mirroring { mirror: mirror.clone(), comparing, copies };
        let other = now.filter(|now| !Arc::ptr_eq(&now.copies, &next.copies));
        self.now.store(Some(Arc::new(next)));
        self.on.store(true, Ordering::Relaxed);
        if let Some(other) = other {
            other.copies.pool.stop().await;
        }
        Ok(())
    }

    /// Copies no more calls, and ends the copies under way.
    pub(crate) async fn end(&self) {
        self.on.store(false, Ordering::Relaxed);
        if let Some(last) = self.now.swap(None) {
            last.copies.pool.stop().await;
        }
    }

    /// The same, if it is this revision that gets them.
    pub(crate) async fn end_of(&self, revision: RevisionNumber) {
        if self.now.load().as_ref().is_some_and(|now| now.mirror.revision == revision) {
            self.end().await;
        }
    }

    /// What the copies to a revision have come to.
    pub(crate) fn compared(&self, revision: RevisionNumber) -> Compared {
        let now = self.now.load_full();
        let now = now.filter(|now| now.mirror.revision == revision);
        now.map_or_else(Compared::default, |now| now.copies.compared())
    }

    /// What the copies to a revision use, if it gets any, and what they have come to.
    pub(crate) fn usage(&self, revision: RevisionNumber) -> Option<Usage> {
        let now = self.now.load_full().filter(|now| now.mirror.revision == revision)?;
        let compared = now.copies.found().calls();
        Some(Usage { compared, pool: now.copies.pool.stats() })
    }
}

/// Whether a call with this random number is among a share of them.
fn takes(weight: Weight, draw: u64) -> bool {
    draw % u64::from(Weight::ALL.hundredths()) < u64::from(weight.hundredths())
}

impl Drawn {
    /// With what its copy needs, unless that is too much to keep.
    pub(crate) fn of(self, request: Option<Request>) -> Option<Box<Pending>> {
        Some(Box::new(Pending { drawn: self, request: request? }))
    }

    /// Copies the call, whose caller has its answer: on a task of its own, or not at all where there are enough.
    /// `took` is how long the caller waited for it.
    pub(super) fn copy(self, request: Request, active: Answer, took: Duration) {
        let under_way = Arc::clone(&self.mirroring.copies.under_way).try_acquire_owned();
        // A caller who is dropped with its runtime may have been the last one.
        let (Ok(under_way), Ok(runtime)) = (under_way, Handle::try_current()) else { return };
        runtime.spawn(async move {
            let Self { mirroring, call, begun, .. } = &self;
            let copies = &mirroring.copies;
            let said = request.said();
            // A body that its caller read slowly may have been slow to come.
            let patience = copies.pool.time_limit() + begun.elapsed();
            let sent = request.send(&copies.pool, call.clone(), patience).await;
            if let Some((candidate, candidate_took)) = sent {
                let differing = mirroring.comparing.difference(&active, &candidate);
                copies.found().count(&said, differing, [took, candidate_took]);
            }
            drop(under_way);
        });
    }
}

impl Pending {
    /// The caller has its answer now.
    pub(crate) fn answered(self, answer: Option<Answer>) {
        let took = self.drawn.begun.elapsed();
        match answer {
            None | Some(Answer::TooLong) => {}
            Some(answer) => self.drawn.copy(self.request, answer, took),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_draws_is_taken() {
        let weight = Weight::from_percent(2.5).unwrap();
        let taken = (0..100_000).filter(|&draw| takes(weight, draw)).count();
        assert_eq!(taken, 2_500);
        assert!((0..10_000).all(|draw| takes(Weight::ALL, draw)));
    }
}
