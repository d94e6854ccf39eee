//! `history`: what was done to a service, when, by whom and why.

use airssys_wasm_api::Command;
use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::ServiceHistory;
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show what was done to a service, when, by whom and why
#[derive(clap::Args)]
pub(crate) struct History {
    /// Which service.
    name: Name,

    #[command(flatten)]
    node: NodeFlags,
}

impl History {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let command = Command::History(Named { service: self.name });
        let history: ServiceHistory = self.node.client()?.ask(command).await?;
        ui.answer(&history, show::history)
    }
}
