//! Which calls were a success in an experiment's sense, counted while one asks.
//!
//! A call without an experiment costs one look at a pointer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airssys_wasm_deploy::Tally;
use airssys_wasm_host::RequestId;
use airssys_wasm_model::Success;
use arc_swap::ArcSwapOption;

/// The context under which a component says an event, through `wasi:logging`: the message is the event's name.
pub(crate) const EVENT: &str = "event";

/// The successes of one revision, if somebody counts them.
#[derive(Debug, Default)]
pub(crate) struct Successes(ArcSwapOption<Counter>);

/// Calls since somebody asked, in one sense of success.
#[derive(Debug)]
pub(crate) struct Counter {
    success: Success,
    calls: AtomicU64,
    successes: AtomicU64,
    /// The calls that said the event last, and those that do not take part: one that says it twice is one success.
    /// Guards a few numbers.
    said_by: Mutex<VecDeque<RequestId>>,
}

/// Calls that are known to have said their event: more than run at once on most revisions. A call that says it again
/// after so many others counts twice.
const SAID_KEPT: usize = 256;

impl Successes {
    /// Calls and successes since this sense was first asked for, and who counts them.
    pub(crate) fn count(&self, success: &Success) -> (Arc<Counter>, Tally) {
        let current = self.0.load_full().filter(|counter| counter.success == *success);
        let counter = current.unwrap_or_else(|| {
            let counter = Arc::new(Counter::new(success.clone()));
            self.0.store(Some(Arc::clone(&counter)));
            counter
        });
        let tally = counter.tally();
        (counter, tally)
    }

    /// A call has its answer, or none. `has` tells whether it carries a header.
    pub(crate) fn answered(&self, has: impl FnOnce(&str) -> bool) {
        if let Some(counter) = &*self.0.load() {
            counter.answered(has);
        }
    }

    /// A call begins that does not take part: what it says is not counted.
    pub(crate) fn leave_out(&self, request: RequestId) {
        if let Some(counter) = &*self.0.load() {
            remember(&mut counter.said_by(), request);
        }
    }
}

impl Counter {
    fn new(success: Success) -> Self {
        let (calls, successes, said_by) = Default::default();
        Self { success, calls, successes, said_by }
    }

    fn answered(&self, has: impl FnOnce(&str) -> bool) {
        if matches!(&self.success, Success::Header(name) if has(name)) {
            self.successes.fetch_add(1, Ordering::Relaxed);
        }
        // Last, and released: a reader that sees the call sees whether it was a success.
        self.calls.fetch_add(1, Ordering::Release);
    }

    /// A component said an event during this call.
    pub(crate) fn said(&self, event: &str, request: RequestId) {
        if !matches!(&self.success, Success::Event(name) if name == event) {
            return;
        }
        let mut said_by = self.said_by();
        if said_by.contains(&request) {
            return;
        }
        remember(&mut said_by, request);
        self.successes.fetch_add(1, Ordering::Relaxed);
    }

    fn said_by(&self) -> MutexGuard<'_, VecDeque<RequestId>> {
        self.said_by.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tally(&self) -> Tally {
        let calls = self.calls.load(Ordering::Acquire);
        // An event comes before its call is counted.
        Tally { calls, bad: self.successes.load(Ordering::Relaxed).min(calls) }
    }
}

fn remember(said_by: &mut VecDeque<RequestId>, request: RequestId) {
    if said_by.len() == SAID_KEPT {
        said_by.pop_front();
    }
    said_by.push_back(request);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successes_count_from_when_they_are_asked_for() {
        let successes = Successes::default();
        let header = Success::Header("x-bought".into());
        successes.answered(|_| true);
        assert_eq!(successes.count(&header).1, Tally { calls: 0, bad: 0 });
        for bought in [true, false, true] {
            successes.answered(|name| bought && name == "x-bought");
        }
        assert_eq!(successes.count(&header).1, Tally { calls: 3, bad: 2 });
        let other = Success::Event("bought".into());
        assert_eq!(successes.count(&other).1, Tally { calls: 0, bad: 0 });
    }

    #[test]
    fn an_event_counts_once_a_call() {
        let successes = Successes::default();
        let event = Success::Event("bought".into());
        let (counter, _) = successes.count(&event);
        let (one, other, probe) = (RequestId::draw(), RequestId::draw(), RequestId::draw());
        successes.leave_out(probe);
        for (name, request) in [
            ("bought", one),
            ("looked", one),
            ("bought", one),
            ("bought", other),
            ("bought", probe),
        ] {
            counter.said(name, request);
        }
        assert_eq!(successes.count(&event).1.bad, 0, "no call has ended");
        (0..3).for_each(|_| successes.answered(|_| false));
        assert_eq!(successes.count(&event).1, Tally { calls: 3, bad: 2 });
    }
}
