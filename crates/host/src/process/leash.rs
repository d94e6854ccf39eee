//! Whoever started a program kills it with all of its group, at the latest when he is gone.
//!
//! A group's number is its leader's, and may be another's as soon as the leader's end was waited for. So a group is
//! signalled under the lock under which that is noted, and never after.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// What holds one program. Locked for a signal, never across a wait.
#[derive(Debug, Default)]
pub(super) struct Leash(Mutex<Fate>);

/// Kills the program when the call that waits for it is gone.
pub(super) struct KillOnDrop(pub(super) Arc<Leash>);

#[derive(Debug, Default)]
enum Fate {
    #[default]
    NotStarted,
    Running(Pid),
    /// Nobody wants it any more, or it has ended.
    Over,
}

impl Leash {
    /// The program runs as this group. Where it is not wanted any more, it is killed at once.
    pub(super) fn hold(&self, group: Pid) {
        let mut fate = self.fate();
        match *fate {
            Fate::NotStarted => *fate = Fate::Running(group),
            Fate::Running(_) | Fate::Over => kill(group),
        }
    }

    /// Whether nobody wants it any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(*self.fate(), Fate::Over)
    }

    /// Kills what is left of the group. After this its leader's end may be waited for.
    pub(super) fn end(&self) {
        if let Fate::Running(group) = std::mem::replace(&mut *self.fate(), Fate::Over) {
            kill(group);
        }
    }

    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn kill(group: Pid) {
    // It fails where nobody of it is left.
    let _ = kill_process_group(group, Signal::KILL);
}
