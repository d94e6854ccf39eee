//! Copies of calls: a share of them is sent to a candidate too, each when its caller has the answer, and the
//! answers are compared.
//!
//! A copy holds nobody up: what of a call is kept for it is bounded, so are the copies under way, and past either
//! bound calls are not copied. It runs in a pool of its own ([`airssys_wasm_host::Pool::shadow`]), so that nothing
//! of it leaves and no live call meets what it left. It counts in no revision's traffic.

mod compare;
mod copy;
mod http;
mod json;
mod keep;
mod path;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use airssys_wasm_deploy::{Compared, Difference, Mirror, Weight};
use airssys_wasm_host::{CallCtx, NoShadow, Pool};
use airssys_wasm_model::RevisionNumber;
use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use self::compare::{Answer, paths};
use self::compare::{Comparing, Differing};
pub(crate) use self::copy::Request;
pub(crate) use self::http::{Watched, copied};
pub(crate) use self::path::PathError;
use crate::live::Running;

/// What of a call's body is kept for its copy, and what of its answer's: most calls of services are smaller.
/// Larger ones are not copied.
pub(crate) const KEPT_BYTES_MAX: usize = 64 << 10;

/// What is read of a candidate's answer. One that is more than twice what the caller's may be is another one.
const READ_BYTES_MAX: usize = 2 * KEPT_BYTES_MAX;

/// Calls of one service that are kept at once, until their copies are over: 16 MiB of bodies at most.
const KEPT_MAX: usize = 128;

/// Copies of one service under way at once. A candidate that computes without end takes turns with live calls on
/// every processor, so there are few; a copy that waits for nothing but its own guest needs no more.
const COPIES_MAX: u32 = 4;

const _: () = assert!(COPIES_MAX as usize <= KEPT_MAX);

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

/// The copies that one revision gets.
struct Copies {
    of: Arc<Running>,
    pool: Arc<Pool>,
    kept: Arc<Semaphore>,
    under_way: Arc<Semaphore>,
    /// Guards a few counters and examples, never across an await. No live call takes it.
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    compared: Compared,
    /// The latest last.
    examples: VecDeque<Difference>,
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
    begun: Instant,
    _kept: OwnedSemaphorePermit,
}

/// A call that is to be copied, with all that its copy needs.
pub(crate) struct Pending {
    drawn: Drawn,
    request: Request,
}

impl Shadowing {
    /// Whether this call is to be copied, drawn at random among those that other revisions than the candidate
    /// answer. Costs a call one read where none are.
    pub(crate) fn draw(&self, to: RevisionNumber, call: &CallCtx) -> Option<Drawn> {
        if !self.on.load(Ordering::Relaxed) {
            return None;
        }
        let now = self.now.load();
        let mirroring = now.as_ref()?;
        let Mirror { revision, weight, .. } = mirroring.mirror;
        if revision == to || !takes(weight, rand::random()) {
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
}

/// Whether a call with this random number is among a share of them.
fn takes(weight: Weight, draw: u64) -> bool {
    draw % u64::from(Weight::ALL.hundredths()) < u64::from(weight.hundredths())
}

impl Copies {
    fn to(of: &Arc<Running>) -> Result<Arc<Self>, NoShadow> {
        Ok(Arc::new(Self {
            pool: of.pool.shadow(COPIES_MAX)?,
            of: Arc::clone(of),
            kept: Arc::new(Semaphore::new(KEPT_MAX)),
            under_way: Arc::new(Semaphore::new(COPIES_MAX as usize)),
            found: Mutex::default(),
        }))
    }

    fn compared(&self) -> Compared {
        let found = self.found();
        Compared {
            refused: self.pool.stats().refused,
            examples: found.examples.iter().cloned().collect(),
            ..found.compared.clone()
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// Counts a copy that was answered.
    fn count(
        &mut self,
        call: &str,
        differing: Option<Differing>,
        [active, candidate]: [Duration; 2],
    ) {
        let us = |took: Duration| u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.compared.calls += 1;
        self.compared.active_us = self.compared.active_us.saturating_add(us(active));
        self.compared.candidate_us = self.compared.candidate_us.saturating_add(us(candidate));
        if let Some(Differing { what, active, candidate }) = differing {
            self.compared.different += 1;
            self.examples.push_back(Difference::new(call, &what, &active, &candidate));
            if self.examples.len() > Compared::EXAMPLES_MAX {
                self.examples.pop_front();
            }
        }
    }
}

impl Drawn {
    /// With what its copy needs, unless that is too much to keep.
    pub(crate) fn of(self, request: Option<Request>) -> Option<Box<Pending>> {
        Some(Box::new(Pending { drawn: self, request: request? }))
    }

    /// Copies the call, whose caller has its answer: on a task of its own, or not at all where there are enough.
    /// `took` is how long the caller waited for it.
    fn copy(self, request: Request, active: Answer, took: Duration) {
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

    #[test]
    fn the_latest_differences_are_kept() {
        let mut found = Found::default();
        let took = [Duration::from_micros(10), Duration::from_micros(30)];
        for number in 0..8 {
            let (active, candidate) = (number.to_string(), "x".to_owned());
            let differing = Differing { what: "body".to_owned(), active, candidate };
            found.count("GET /", (number % 2 == 0 || number > 2).then_some(differing), took);
        }
        let Compared { calls, different, active_us, candidate_us, .. } = found.compared;
        assert_eq!((calls, different, active_us, candidate_us), (8, 7, 80, 240));
        let kept: Vec<_> = found.examples.iter().map(|it| it.active.as_str()).collect();
        assert_eq!(kept, ["3", "4", "5", "6", "7"]);
    }
}
