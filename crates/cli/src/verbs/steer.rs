//! `promote`, `abort`, `pause` and `resume`: steer the rollout under way.

use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::{Outcome, RolloutReport};
use airssys_wasm_api::{Code, Command, Reply};
use airssys_wasm_model::Name;

use super::rolling::{act_shown, answer_rollout};
use crate::exit::Exit;
use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

#[derive(clap::Args)]
struct Steered {
    /// Which service.
    name: Name,

    #[command(flatten)]
    node: NodeFlags,
}

/// Finish the rollout now, with the new revision
///
/// What is left to watch, to wait for and to ask is left out: a gate that has not answered and a pause until an
/// operator says more are passed. All calls go to the new revision. A service that is updated with others then waits
/// for these, and the command is answered when nothing of its own is left to do.
#[derive(clap::Args)]
pub(crate) struct Promote {
    #[command(flatten)]
    of: Steered,
}

/// End the rollout now, with the revision that was active before
#[derive(clap::Args)]
pub(crate) struct Abort {
    #[command(flatten)]
    of: Steered,
}

/// Stay at the rollout's present step
///
/// The candidate keeps the share of the calls that it has. A window that is being watched, and a gate that is
/// being asked, end without a result; a step that changes something is finished first.
#[derive(clap::Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    of: Steered,
}

/// Go on from where the rollout was paused
///
/// What was being watched is watched anew from the beginning, and a gate is asked anew. Where the rollout waits
/// for an operator, at a manual gate or a pause until promoted, this is the word that lets it go on.
#[derive(clap::Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    of: Steered,
}

impl Steered {
    async fn act(self, command: fn(Named) -> Command, ui: &Ui) -> anyhow::Result<Reply> {
        let client = self.node.client()?;
        act_shown(&client, command(Named { service: self.name }), ui).await
    }
}

/// Prints how the rollout stands, and fails where it came to something else than was asked for: exit code
/// 0 means that it was done.
fn answer_unless_decided(reply: Reply, wanted: Option<Outcome>, ui: &Ui) -> anyhow::Result<()> {
    let report = RolloutReport::try_from(reply)?;
    ui.answer(&report, show::rollout)?;
    match report.outcome {
        Some(outcome @ (Outcome::Promoted | Outcome::Aborted | Outcome::Concluded))
            if wanted != Some(outcome) =>
        {
            ui.say(&format!("the rollout was {outcome} before"));
            Err(Exit(Code::Conflict.exit_code()).into())
        }
        _ => Ok(()),
    }
}

impl Promote {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        answer_rollout(self.of.act(Command::Promote, ui).await?, ui)
    }
}

impl Abort {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        answer_unless_decided(self.of.act(Command::Abort, ui).await?, Some(Outcome::Aborted), ui)
    }
}

impl Pause {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        answer_unless_decided(self.of.act(Command::Pause, ui).await?, None, ui)
    }
}

impl Resume {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        answer_unless_decided(self.of.act(Command::Resume, ui).await?, None, ui)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ui::Format;

    fn report(outcome: Option<&str>) -> Reply {
        let report: RolloutReport = serde_json::from_value(json!({
            "service": "greeter", "rollout": 1, "strategy": "canary", "reason": "", "steps": [],
            "from": { "revision": 1, "version": "1.0.0" },
            "to": { "revision": 2, "version": "2.0.0" },
            "outcome": outcome, "timings_ms": {},
        }))
        .unwrap();
        report.into()
    }

    fn code(ended: anyhow::Result<()>) -> u8 {
        ended.map_or_else(|error| error.downcast::<Exit>().unwrap().0, |()| 0)
    }

    #[test]
    fn what_ended_otherwise_is_no_success() {
        let ui = Ui::new(Format::Json);
        let promote = |outcome| code(answer_rollout(report(Some(outcome)), &ui));
        assert_eq!([promote("promoted"), promote("aborted")], [0, 6]);
        let abort = |outcome| {
            code(answer_unless_decided(report(Some(outcome)), Some(Outcome::Aborted), &ui))
        };
        assert_eq!([abort("aborted"), abort("promoted")], [0, 5]);
        let resume = |outcome| code(answer_unless_decided(report(outcome), None, &ui));
        assert_eq!([resume(None), resume(Some("paused")), resume(Some("aborted"))], [0, 0, 5]);
    }
}
