//! Instances that no call needs are given up: a revision shrinks to what its calls have needed, and to its `min`
//! when none come. It grows by itself: a call that finds no instance waiting gets a new one, up to `max`.

use std::sync::Weak;
use std::time::Duration;

use crate::node::Shared;

/// How long an instance waits for a call before it is given up, and twice that at most: long enough that the
/// calls of a minute meet no cold start, short enough that a peak's memory comes back.
const REST_EVERY: Duration = Duration::from_secs(30);

/// Looks after the revisions of a node for as long as it is there.
pub(crate) async fn look_after(shared: Weak<Shared>) {
    let mut look = tokio::time::interval(REST_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        let is_stopping = *shared.stopping.borrow();
        if is_stopping {
            return;
        }
        for service in shared.all() {
            for (revision, running) in service.live.switch.targets() {
                let min = service.instances_of(revision).unwrap_or_default().min;
                running.pool.rest(min).await;
            }
        }
    }
}
