//! `status`: what a service is doing.

use airssys_wasm_api::Command;
use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::ServiceStatus;
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show what a service is doing
#[derive(clap::Args)]
pub(crate) struct Status {
    /// Which service.
    name: Name,

    #[command(flatten)]
    node: NodeFlags,
}

impl Status {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let command = Command::Status(Named { service: self.name });
        let status: ServiceStatus = self.node.client()?.ask(command).await?;
        ui.answer(&status, show::status)
    }
}
