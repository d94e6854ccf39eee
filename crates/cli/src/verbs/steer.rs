//! `promote`, `abort`, `pause` and `resume`: steer the rollout under way.

use airssys_wasm_api::Command;
use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::RolloutReport;
use airssys_wasm_model::Name;

use super::rolling::act_shown;
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
#[derive(clap::Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    of: Steered,
}

/// Go on from where the rollout was paused
#[derive(clap::Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    of: Steered,
}

impl Steered {
    /// Whoever steers asked for what comes of it, so that exit code 0 means it was done.
    async fn act(self, command: fn(Named) -> Command, ui: &Ui) -> anyhow::Result<()> {
        let client = self.node.client()?;
        let reply = act_shown(&client, command(Named { service: self.name }), ui).await?;
        ui.answer(&RolloutReport::try_from(reply)?, show::rollout)
    }
}

impl Promote {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        self.of.act(Command::Promote, ui).await
    }
}

impl Abort {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        self.of.act(Command::Abort, ui).await
    }
}

impl Pause {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        self.of.act(Command::Pause, ui).await
    }
}

impl Resume {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        self.of.act(Command::Resume, ui).await
    }
}
