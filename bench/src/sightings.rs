//! When a version was first met, by any of the connections that load the service.
//!
//! A request that was sent before the command may still be answered by the version that is wanted, from the
//! time it last had the calls. Only requests sent since count.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use tokio::sync::watch;

use crate::load::Answer;

/// A version that no connection met by then is not coming.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first answer by the wanted version: the same moment by both clocks.
#[derive(Clone, Copy)]
pub(crate) struct Sighting {
    /// For what is measured within this process.
    pub(crate) at: Instant,
    /// For what is measured against the node's log.
    pub(crate) wall: SystemTime,
}

/// What is wanted, and when it was met.
pub(crate) struct Sightings {
    /// Guards one comparison for each answer; never held across an await.
    wanted: Mutex<Option<Wanted>>,
    /// The version that is followed, and when it answered last. Guards one comparison for each answer.
    followed: Mutex<Option<(String, Option<SystemTime>)>>,
    met: watch::Sender<Option<Sighting>>,
}

struct Wanted {
    version: String,
    since: Instant,
}

impl Sightings {
    /// Nothing is wanted yet.
    pub(crate) fn new() -> Self {
        Self { wanted: Mutex::default(), followed: Mutex::default(), met: watch::Sender::new(None) }
    }

    /// From now on the next answer by this version is wanted.
    pub(crate) fn want(&self, version: &str, since: Instant) {
        let version = version.to_owned();
        let mut wanted = self.wanted();
        self.met.send_replace(None);
        *wanted = Some(Wanted { version, since });
    }

    /// From now on the last answer by this version is kept.
    pub(crate) fn follow(&self, version: &str) {
        *self.followed() = Some((version.to_owned(), None));
    }

    /// When the version that is followed answered last.
    pub(crate) fn last(&self) -> Option<SystemTime> {
        self.followed().as_ref().and_then(|(_, last)| *last)
    }

    fn followed(&self) -> MutexGuard<'_, Option<(String, Option<SystemTime>)>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer, and when its request was sent.
    pub(crate) fn note(&self, sent: Instant, answer: &Answer) {
        let (at, wall) = (Instant::now(), SystemTime::now());
        if let Some((version, last)) = &mut *self.followed()
            && answer.version.as_ref() == Some(version)
        {
            *last = Some(wall);
        }
        let mut wanted = self.wanted();
        let Some(one) = wanted.as_ref() else { return };
        if sent >= one.since && answer.version.as_ref() == Some(&one.version) {
            *wanted = None;
            self.met.send_replace(Some(Sighting { at, wall }));
        }
    }

    /// Waits until it was met.
    pub(crate) async fn met(&self) -> Result<Sighting> {
        let mut told = self.met.subscribe();
        let met = tokio::time::timeout(PATIENCE, told.wait_for(Option::is_some)).await;
        let met = *met.context("the wanted version never answered")??;
        met.context("nothing was met")
    }

    fn wanted(&self) -> MutexGuard<'_, Option<Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_to_a_request_sent_before_the_command_does_not_count() {
        let sightings = Sightings::new();
        let before = Instant::now();
        let answer = |version: &str| Answer { status: 200, version: Some(version.to_owned()) };
        let since = before + Duration::from_millis(1);
        sightings.want("2.0.0", since);
        sightings.note(before, &answer("2.0.0"));
        sightings.note(since, &answer("1.0.0"));
        assert!(sightings.met.borrow().is_none());
        sightings.note(since, &answer("2.0.0"));
        assert!(sightings.met().await.is_ok());
    }
}
