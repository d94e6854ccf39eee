//! The copies that a candidate gets: how many there may be, and what they have come to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airssys_wasm_deploy::{Compared, Difference};
use airssys_wasm_host::{NoShadow, Pool};
use tokio::sync::Semaphore;

use super::compare::Differing;
use crate::live::Running;

/// What of a call's body is kept for its copy, and what of its answer's: most calls of services are smaller.
/// Larger ones are not copied.
pub(crate) const KEPT_BYTES_MAX: usize = 64 << 10;

/// What is read of a candidate's answer. One that is more than twice what the caller's may be is another one.
pub(super) const READ_BYTES_MAX: usize = 2 * KEPT_BYTES_MAX;

/// Calls of one service that are kept at once, until their copies are over: 16 MiB of bodies at most.
const KEPT_MAX: usize = 128;

/// Copies of one service under way at once. A candidate that computes without end takes turns with live calls on
/// every processor, so there are few; a copy that waits for nothing but its own guest needs no more.
const COPIES_MAX: u32 = 4;

const _: () = assert!(COPIES_MAX as usize <= KEPT_MAX);

/// The copies that one revision gets.
pub(super) struct Copies {
    pub(super) of: Arc<Running>,
    pub(super) pool: Arc<Pool>,
    pub(super) kept: Arc<Semaphore>,
    pub(super) under_way: Arc<Semaphore>,
    /// Guards a few counters and examples, never across an await. No live call takes it.
    found: Mutex<Found>,
}

#[derive(Default)]
pub(super) struct Found {
    compared: Compared,
    /// The latest last.
    examples: VecDeque<Difference>,
}

impl Copies {
    pub(super) fn to(of: &Arc<Running>) -> Result<Arc<Self>, NoShadow> {
        Ok(Arc::new(Self {
            pool: of.pool.shadow(COPIES_MAX)?,
            of: Arc::clone(of),
            kept: Arc::new(Semaphore::new(KEPT_MAX)),
            under_way: Arc::new(Semaphore::new(COPIES_MAX as usize)),
            found: Mutex::default(),
        }))
    }

    pub(super) fn compared(&self) -> Compared {
        let found = self.found();
        Compared {
            refused: self.pool.stats().refused,
            examples: found.examples.iter().cloned().collect(),
            ..found.compared.clone()
        }
    }

    pub(super) fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// Copies that were answered.
    pub(super) fn calls(&self) -> u64 {
        self.compared.calls
    }

    /// Counts a copy that was answered.
    pub(super) fn count(
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

#[cfg(test)]
mod tests {
    use super::*;

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
