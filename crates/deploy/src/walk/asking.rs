//! Gates: somebody else is asked.

use std::time::Duration;

use airssys_wasm_model::{Endpoint, Gate, GateBy, OnTimeout};

use super::end::End;
use super::left_of;
use crate::fleet::{Answer, Fault, Fleet};
use crate::transition::StepAt;

/// How long a gate that did not answer is left alone; each further wait is twice as long.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The longest wait between two questions: a gate that is back is asked soon.
const ASK_AGAIN_WITHIN: Duration = Duration::from_secs(15);

const _: () = assert!(ASK_AGAIN_AFTER.as_millis() < ASK_AGAIN_WITHIN.as_millis());

/// Asks until there is an answer, or the time for it is over.
pub(super) async fn ask<F: Fleet>(fleet: &F, at: StepAt, gate: &Gate) -> End {
    let mut last = None;
    let answer = async {
        match &gate.by {
            GateBy::Webhook(url) => answer(fleet, url, &mut last).await,
            // An operator's word reaches the record, and ends the step there.
            GateBy::Operator => std::future::pending().await,
        }
    };
    let Some(timeout) = gate.timeout else { return answer.await };
    match tokio::time::timeout(left_of(fleet, at, timeout.0), answer).await {
        Ok(end) => end,
        Err(_) => {
            let fault = last.map(|fault: Fault| format!(": {fault}")).unwrap_or_default();
            timed_out(gate, &format!("no answer within {timeout}{fault}"))
        }
    }
}

async fn answer<F: Fleet>(fleet: &F, url: &Endpoint, last: &mut Option<Fault>) -> End {
    let mut wait = ASK_AGAIN_AFTER;
    loop {
        match fleet.ask(url).await {
            Ok(Answer::Passed) => return End::Done(None),
            Ok(Answer::Refused { reason }) => {
                return End::Failed(Fault::new(format!("{url} refused it: {reason}")));
            }
            Err(fault) => *last = Some(fault),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(ASK_AGAIN_WITHIN);
    }
}

fn timed_out(gate: &Gate, what: &str) -> End {
    match gate.on_timeout {
        OnTimeout::Abort => End::Failed(Fault::new(format!("gate: {what}"))),
        OnTimeout::Pause => End::Undecided(format!("gate: {what}")),
        OnTimeout::Continue => End::Done(Some(what.to_owned())),
    }
}
