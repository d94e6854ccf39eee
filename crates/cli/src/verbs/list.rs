//! `list`: the services of a node.

use airssys_wasm_api::Command;
use airssys_wasm_api::command;
use airssys_wasm_api::reply::Services;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// List the services
#[derive(clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    node: NodeFlags,
}

impl List {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let services: Services = self.node.client()?.ask(Command::List(command::List {})).await?;
        ui.answer(&services, show::services)
    }
}
