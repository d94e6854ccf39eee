//! The trail as it is written, for those who follow it over the control port.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::{Code, Failure, command};
use airssys_wasm_store::audit::{Follow, Order, Query, Recorded};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::reading::{freshen, query, read, unreadable};
use crate::node::{Shared, blocking};

/// Who may follow the trail at once: each reads what is written a second time.
const STREAMS_MAX: usize = 16;

/// How long one may follow without asking again: a reader that went away without a word gives its place back.
const STREAM_MAX: Duration = Duration::from_secs(15 * 60);

/// The places of those who follow.
pub(crate) struct Followers(Arc<Semaphore>);

/// The entries of the trail for one reader, from some moment on.
pub(crate) struct Following {
    shared: Arc<Shared>,
    query: Query,
    /// None once it could not be read.
    follow: Option<Follow>,
    found: VecDeque<Recorded>,
    /// Whether there may be entries from before it followed.
    behind: bool,
    ends: Instant,
    _place: OwnedSemaphorePermit,
}

/// What a reader is told next.
pub(crate) enum Told {
    /// An entry.
    Entry(Box<Recorded>),
    /// There was none for a while.
    Nothing,
    /// It is to ask again: the node stops, or it followed for long enough.
    End,
}

impl Default for Followers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

impl Following {
    /// Follows from now on, or from the entry that is named.
    ///
    /// # Errors
    /// When the trail cannot be read, or every place is taken.
    pub(crate) async fn of(shared: &Arc<Shared>, asked: command::Audit) -> Result<Self, Failure> {
        if asked.limit.is_some() || asked.wait_ms.is_some() {
            return Err(Failure::new(Code::Usage, "who follows sets no `limit` and no `wait_ms`"));
        }
        let query = Query { order: Order::OldestFirst, ..query(&asked)? };
        let audit = shared.trail.reading()?;
        let place = Arc::clone(&shared.followers.0).try_acquire_owned().map_err(|_| {
            let message = format!("{STREAMS_MAX} others follow the audit trail already");
            Failure::new(Code::Saturated, message).help("ask `audit` now and then instead")
        })?;
        // What was handed in before is from before, for who asks for what comes now.
        freshen(&audit).await;
        Ok(Self {
            shared: Arc::clone(shared),
            follow: Some(audit.follow()),
            found: VecDeque::new(),
            behind: query.after_seq.is_some(),
            query: Query { limit: command::Audit::MAX_LIMIT as usize, ..query },
            ends: Instant::now() + STREAM_MAX,
            _place: place,
        })
    }

    /// The next entry, waited for so long.
    ///
    /// # Errors
    /// When the trail cannot be read.
    pub(crate) async fn next(&mut self, at_most: Duration) -> Result<Told, Failure> {
        let by = Instant::now() + at_most;
        loop {
            if let Some(entry) = self.found.pop_front() {
                self.query.after_seq = Some(entry.seq);
                return Ok(Told::Entry(Box::new(entry)));
            }
            if Instant::now() >= self.ends {
                return Ok(Told::End);
            }
            if self.behind {
                let audit = self.shared.trail.reading()?;
                self.found = read(audit, self.query.clone()).await?.into();
                self.behind = !self.found.is_empty();
                continue;
            }
            let Some(follow) = self.follow.take() else { return Ok(Told::End) };
            let (follow, read) = blocking(move || {
                let mut follow = follow;
                let read = follow.read();
                (follow, read)
            })
            .await?;
            let follow = self.follow.insert(follow);
            let read = read.map_err(|error| unreadable(&error))?;
            let is_empty = read.is_empty();
            self.found = read.into_iter().filter(|entry| self.query.matches(entry)).collect();
            if !is_empty {
                continue;
            }
            let changed = timeout_at(by.min(self.ends), follow.changed());
            match self.shared.unless_stopping(changed).await {
                Ok(Ok(true)) => {}
                Ok(Err(_late)) if Instant::now() < self.ends => return Ok(Told::Nothing),
                Ok(Ok(false) | Err(_)) | Err(_) => return Ok(Told::End),
            }
        }
    }
}
