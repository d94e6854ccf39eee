//! `versions`: list a component's releases.

use airssys_wasm_api::Command;
use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::Releases;
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// List a component's releases
#[derive(clap::Args)]
pub(crate) struct Versions {
    /// Whose releases.
    name: Name,

    #[command(flatten)]
    node: NodeFlags,
}

impl Versions {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let command = Command::Versions(Named { service: self.name });
        let releases: Releases = self.node.client()?.ask(command).await?;
        ui.answer(&releases, show::releases)
    }
}
