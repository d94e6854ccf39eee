//! `remove`: drain and delete a service.

use airssys_wasm_api::Command;
use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::Removed;
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::ui::Ui;

/// Drain and delete a service
///
/// Its releases stay and can be deployed again.
#[derive(clap::Args)]
pub(crate) struct Remove {
    /// Which service.
    name: Name,

    #[command(flatten)]
    node: NodeFlags,
}

impl Remove {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let command = Command::Remove(Named { service: self.name });
        let removed: Removed = self.node.client()?.ask(command).await?;
        ui.answer(&removed, |removed| format!("{} removed", removed.service))
    }
}
