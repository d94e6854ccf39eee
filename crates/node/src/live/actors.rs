//! Calls to actors.
//!
//! They go another way than the others: the actor is found first, then the call waits for its turn, and only then
//! is it given a revision. What a request carries is read before that, so that a slow client keeps nobody waiting.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_deploy::Claimed;
use airssys_wasm_host::{CallCtx, CallError, ClaimError, HttpError};
use airssys_wasm_model::{InstanceModel, RevisionNumber};
use bytes::Bytes;
use http_body::Body;

use super::{
    AnswerBody, CountedBody, LiveService, RequestError, Running, ServiceError, Unanswered,
};
use crate::attributes::Routable;
use crate::handled;
use crate::mailbox::{KeyError, NoTurn, Opened, Recipient};
use crate::naming::NamingError;
use crate::rings::Looped;

/// A call that was given a revision; for an actor, one that shows what its calls need.
pub(crate) struct Entered {
    pub(super) claimed: Claimed<Running>,
    pub(super) to: Option<Recipient>,
}

/// A call whose turn it is, on its revision.
pub(super) struct Placed {
    pub(super) claimed: Claimed<Running>,
    /// Of an actor: kept until its answer is there, which is when its state is saved.
    pub(super) _turn: Option<Opened>,
}

impl LiveService {
    /// Picks the revision of a call and counts it in, or finds the actor by which that is done.
    pub(crate) async fn enter(
        &self,
        call: &impl Routable,
        address: Option<RevisionNumber>,
    ) -> Result<Entered, ServiceError> {
        let claimed = self.claim(call, address).await?;
        let instances = &claimed.target.pool.spec().instances;
        if address.is_none() && call.named().is_none() {
            let to = Recipient::of(instances, call)?;
            return Ok(Entered { claimed, to });
        }
        match instances.key {
            // It has the revision that it named.
            None => Ok(Entered { claimed, to: None }),
            Some(_) => Err(NamingError::Keyed.into()),
        }
    }

    /// Waits for the call's turn, if it is for an actor.
    pub(super) async fn place(
        &self,
        entered: Entered,
        call: &mut CallCtx,
    ) -> Result<Placed, ServiceError> {
        let Entered { claimed, to } = entered;
        match to {
            None => Ok(Placed { claimed, _turn: None }),
            Some(to) => {
                let Claimed { target, in_flight, .. } = claimed;
                // It may go to another one: the one that it was counted into need not wait for it.
                drop(in_flight);
                Box::pin(self.place_at(&to, &target, call)).await
            }
        }
    }

    /// Whether the call's turn could ever come: not while one that waits for it has it. One that named its revision
    /// waits for the actor's instance all the same.
    pub(super) fn check_loop(&self, entered: &Entered, call: &CallCtx) -> Result<(), Looped> {
        let model = entered.claimed.target.pool.spec().instances.model;
        let actor = match &entered.to {
            Some(to) => to.actor(),
            None if model == InstanceModel::Actor => None,
            None => return Ok(()),
        };
        match call.chain.holds(&self.name, actor) {
            true => Err(Looped),
            false => Ok(()),
        }
    }

    async fn place_at(
        &self,
        to: &Recipient,
        first: &Running,
        call: &mut CallCtx,
    ) -> Result<Placed, ServiceError> {
        let limits = &first.pool.spec().limits;
        let longest = Instant::now() + limits.time.0;
        let until = call.deadline.map_or(longest, |deadline| deadline.min(longest));
        call.deadline = Some(until);
        let waits = || self.waits.begin(call.chain.turns(), &self.name, to.actor());
        let turn = self.mailboxes.turn(to.actor(), limits.queue, until, waits).await;
        let turn = turn.map_err(|why| match why {
            NoTurn::Loop(looped) => ServiceError::Loop(looped),
            NoTurn::Claim(why) => {
                if why == ClaimError::Saturated {
                    first.pool.turned_away(call.request_id);
                }
                CallError::from(why).into()
            }
        })?;
        // The key decides, so nothing is drawn.
        let claimed = self.switch.claim(to, 0)?;
        let instances = &claimed.target.pool.spec().instances;
        call.actor = match instances.model {
            InstanceModel::Actor if !to.is_of(instances) => return Err(KeyError::Changed.into()),
            InstanceModel::Actor => to.actor(),
            InstanceModel::Fresh | InstanceModel::Pooled => None,
        };
        Ok(Placed { claimed, _turn: Some(turn) })
    }

    /// An HTTP request to an actor.
    pub(super) async fn http_to_actor<B>(
        &self,
        entered: Entered,
        request: http::Request<B>,
        mut call: CallCtx,
    ) -> Result<http::Response<CountedBody>, Unanswered>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<HttpError>,
    {
        let first = Arc::clone(&entered.claimed.target);
        let unanswered = |error: RequestError| Unanswered { error, by: Arc::clone(&first) };
        // One limit for the body, the mailbox, the queue and the call.
        let within = first.pool.time_limit();
        call.deadline = Some(Instant::now() + within);
        let input = handled::input(request, within).await;
        let (input, _held) = input.map_err(|error| unanswered(RequestError::Input(error)))?;
        let placed = self.place(entered, &mut call).await;
        let Placed { claimed, _turn } = placed.map_err(|error| unanswered(error.into()))?;
        let Claimed { target, in_flight, named, .. } = claimed;
        call.probe = named;
        match target.execute(input, call).await {
            Ok(output) => {
                let mut answer = handled::answer(output);
                target.stamp(answer.headers_mut());
                let body = |body| {
                    CountedBody::new(AnswerBody::Whole(Some(body)), target, named, in_flight)
                };
                Ok(answer.map(body))
            }
            Err(error) => Err(Unanswered { error: error.into(), by: target }),
        }
    }
}
