//! `rollback`: back to an earlier revision.

use airssys_wasm_api::Command;
use airssys_wasm_api::command::{self, RollbackTo};
use airssys_wasm_model::{Name, RevisionNumber, Version};

use super::rolling::{RollFlags, act_shown, answer_rollout};
use crate::place::NodeFlags;
use crate::ui::Ui;

/// Go back to the former revision, or to a named one
///
/// All at once unless a strategy is chosen. Exit codes as for update.
#[derive(clap::Args)]
pub(crate) struct Rollback {
    /// Which service.
    name: Name,

    /// Back to the latest revision of this version.
    #[arg(long, value_name = "VERSION", conflicts_with = "to_revision")]
    to_version: Option<Version>,

    /// Back to this revision.
    #[arg(long, value_name = "N")]
    to_revision: Option<u32>,

    /// Return when the rollout has begun.
    #[arg(long)]
    detach: bool,

    /// Print what would happen and change nothing.
    #[arg(long)]
    plan: bool,

    #[command(flatten)]
    rollout: RollFlags,

    #[command(flatten)]
    node: NodeFlags,
}

impl Rollback {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let to = match (self.to_version, self.to_revision) {
            (Some(version), _) => RollbackTo::Version(version),
            (None, Some(number)) => RollbackTo::Revision(RevisionNumber(number)),
            (None, None) => RollbackTo::Former,
        };
        let command = Command::Rollback(command::Rollback {
            service: self.name,
            to,
            rollout: self.rollout.choice(),
            detached: self.detach,
            plan_only: self.plan,
        });
        answer_rollout(act_shown(&self.node.client()?, command, ui).await?, ui)
    }
}
