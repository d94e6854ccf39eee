//! Leave to have an answer that goes on: looked at again whenever a token or the policy changes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use airssys_wasm_api::{Asker, By, Code, Command, Failure};
use airssys_wasm_policy::TokenId;
use tokio::sync::watch;

use crate::node::Shared;

/// Somebody's, for the answer to a question.
pub(crate) struct Leave {
    shared: Arc<Shared>,
    question: Command,
    by: By,
    /// The token that he came with; the data directory's own has none, and is not revoked while the node runs.
    token: Option<TokenId>,
    /// Marked when a token is revoked or the policy replaced.
    changes: watch::Receiver<()>,
}

/// How long a leave is believed without another look, for what nothing tells of: a rule that goes by the time or by
/// who signed the service, and a clock that was set.
const LOOK_EVERY: Duration = Duration::from_secs(60);

impl Leave {
    /// Asks for it.
    ///
    /// # Errors
    /// When the token is worth nothing by now, or the policy denies it.
    pub(crate) fn ask(
        shared: &Arc<Shared>,
        question: Command,
        by: By,
        token: Option<TokenId>,
    ) -> Result<Self, Failure> {
        // Before it is looked at, so that no change is missed.
        let changes = shared.authority.changes();
        let leave = Self { shared: Arc::clone(shared), question, by, token, changes };
        leave.check()?;
        Ok(leave)
    }

    /// Waits until it is taken back.
    pub(crate) async fn taken_back(mut self) {
        let why = loop {
            self.changed().await;
            if let Err(why) = self.check() {
                break why;
            }
        };
        tracing::info!(who = self.by.who, "an answer that went on is ended: {why}");
    }

    async fn changed(&mut self) {
        let wait = self.left().map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY));
        // The sender is the authority's, which is held here.
        let _ = tokio::time::timeout(wait, self.changes.changed()).await;
    }

    /// The time that the token has left, if it has an end.
    fn left(&self) -> Option<Duration> {
        match self.by.asker {
            Asker::Token { expires: Some(end) } => {
                Some(end.duration_since(SystemTime::now()).unwrap_or_default())
            }
            Asker::Token { expires: None } | Asker::User => None,
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let Self { shared, question, by, token, .. } = self;
        let is_good = |id| shared.authority.is_good(id, SystemTime::now());
        let permitted = match token {
            Some(id) if !is_good(id) => {
                Err(Failure::new(Code::Unauthorized, "the token was revoked or has expired"))
            }
            _ => shared.authority.permit_command(shared, question, by),
        };
        permitted.inspect_err(|why| shared.trail.refused(question, by, why))
    }
}
