//! The demo's users: threads that send the log, part after part, from before the first update until
//! after the last, and check every answer.
//!
//! A call is never retried: what a user would have seen as a failure is counted as one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use super::log::Part;
use crate::http::{Answer, Connection};

/// Users at once: enough that some call is always under way on a small machine.
const USERS: usize = 4;

/// Where calls are sent.
pub(super) struct Door {
    /// `http://host:port`.
    pub(super) url: String,
    /// The path.
    pub(super) path: String,
}

/// What every user shares.
struct Shared {
    door: Door,
    parts: Arc<Vec<Part>>,
    next: AtomicUsize,
    over: AtomicBool,
    seen: Mutex<Seen>,
    more: Condvar,
}

/// What was answered so far.
#[derive(Default, Clone)]
pub(super) struct Seen {
    /// By version, as the answers named it.
    pub(super) by_version: BTreeMap<String, Calls>,
    /// The first few failures that differ, in words.
    pub(super) failures: Vec<String>,
}

/// The calls one version answered.
#[derive(Default, Clone, Copy)]
pub(super) struct Calls {
    /// All of them.
    pub(super) sent: u64,
    /// Those that failed or were answered wrongly.
    pub(super) failed: u64,
}

impl Seen {
    /// All calls, and those that failed.
    pub(super) fn total(&self) -> Calls {
        self.by_version.values().fold(Calls::default(), |sum, calls| Calls {
            sent: sum.sent + calls.sent,
            failed: sum.failed + calls.failed,
        })
    }

    /// What was seen since an earlier moment.
    pub(super) fn since(&self, earlier: &Seen) -> BTreeMap<String, Calls> {
        let mut since = self.by_version.clone();
        for (version, before) in &earlier.by_version {
            if let Some(calls) = since.get_mut(version) {
                calls.sent -= before.sent;
                calls.failed -= before.failed;
            }
        }
        since.retain(|_, calls| calls.sent > 0);
        since
    }

    /// Failures kept for the reader; the rest are only counted.
    const KEPT_FAILURES: usize = 5;

    fn record(&mut self, version: String, failure: Option<String>) {
        let calls = self.by_version.entry(version).or_default();
        calls.sent += 1;
        if let Some(failure) = failure {
            calls.failed += 1;
            if self.failures.len() < Self::KEPT_FAILURES && !self.failures.contains(&failure) {
                self.failures.push(failure);
            }
        }
    }
}

/// Traffic under way.
pub(super) struct Traffic {
    shared: Arc<Shared>,
    users: Vec<JoinHandle<()>>,
}

impl Traffic {
    /// Starts the users.
    pub(super) fn start(door: Door, parts: Arc<Vec<Part>>) -> Self {
        let shared = Arc::new(Shared {
            door,
            parts,
            next: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            seen: Mutex::new(Seen::default()),
            more: Condvar::new(),
        });
        let user = || {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.send_until_over())
        };
        let users = (0..USERS).map(|_| user()).collect();
        Self { shared, users }
    }

    /// What was answered so far.
    pub(super) fn seen(&self) -> Seen {
        self.shared.seen.lock().expect("no user panics").clone()
    }

    /// Waits until so many more calls were answered.
    pub(super) fn flow(&self, calls: u64) -> Result<()> {
        let seen = self.shared.seen.lock().expect("no user panics");
        let goal = seen.total().sent + calls;
        let (seen, waited) = self
            .shared
            .more
            .wait_timeout_while(seen, Duration::from_secs(60), |seen| seen.total().sent < goal)
            .expect("no user panics");
        if waited.timed_out() {
            bail!("traffic stalled at {} calls", seen.total().sent);
        }
        Ok(())
    }

    /// Ends the traffic after the calls under way.
    pub(super) fn stop(self) -> Seen {
        self.shared.over.store(true, Ordering::Relaxed);
        for user in self.users {
            user.join().expect("no user panics");
        }
        let seen = self.shared.seen.lock().expect("no user panics");
        seen.clone()
    }
}

impl Shared {
    fn send_until_over(&self) {
        let mut connection = None;
        while !self.over.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed) % self.parts.len();
            let part = &self.parts[at];
            let (version, failure) = match self.call(&mut connection, part) {
                Ok(answer) => judge(&answer, part),
                Err(error) => {
                    connection = None;
                    ("no answer".to_owned(), Some(format!("{error:#}")))
                }
            };
            let refused = version == "no answer";
            self.seen.lock().expect("no user panics").record(version, failure);
            self.more.notify_all();
            if refused {
                // A node that is gone refuses a million calls a second; one needs no more to know.
                thread::sleep(Duration::from_millis(100));
            }
        }
    }

    fn call(&self, kept: &mut Option<Connection>, part: &Part) -> Result<Answer> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(&self.door.url)?,
        };
        let answer = connection.post(&self.door.path, part.text.as_bytes())?;
        if !answer.closes() {
            *kept = Some(connection);
        }
        Ok(answer)
    }
}

/// The version that answered, and what was wrong with its answer.
fn judge(answer: &Answer, part: &Part) -> (String, Option<String>) {
    let named = answer.header("x-airssys-version").map(str::to_owned);
    let version = named.unwrap_or_else(|| "no version named".to_owned());
    let body = String::from_utf8_lossy(&answer.body);
    if answer.status != 200 {
        let said = serde_json::from_str::<Value>(&body).unwrap_or_default();
        let detail = said["error"]["message"].as_str().unwrap_or(&body);
        let failure = format!("{version} answered {}: {detail}", answer.status);
        return (version, Some(failure));
    }
    let failure = wrong(&body, part).map(|wrong| format!("{version} answered wrongly: {wrong}"));
    (version, failure)
}

fn wrong(body: &str, part: &Part) -> Option<String> {
    let Ok(counts) = serde_json::from_str::<Value>(body) else {
        return Some(format!("not JSON: {body}"));
    };
    let truth = [("lines", part.lines), ("words", part.words), ("bytes", part.bytes)];
    // Version 1 does not count bytes; what a version does count must be right.
    let differs = |name: &str, truth: u64| counts.get(name).is_some_and(|counted| counted != truth);
    if counts.get("lines").is_none() {
        return Some(format!("no count in {body}"));
    }
    let (name, truth) = truth.into_iter().find(|(name, truth)| differs(name, *truth))?;
    Some(format!("{name} {} instead of {truth}", counts[name]))
}
