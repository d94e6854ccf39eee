//! `scale`: change how many instances may live.

use airssys_wasm_api::reply::Scaled;
use airssys_wasm_api::{Command, command};
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::ui::Ui;

/// Change how many instances of a service may live
#[derive(clap::Args)]
pub(crate) struct Scale {
    /// Which service.
    name: Name,

    /// Instances kept warm.
    #[arg(long, value_name = "N", required_unless_present = "max")]
    min: Option<u32>,

    /// Instances at most.
    #[arg(long, value_name = "N")]
    max: Option<u32>,

    #[command(flatten)]
    node: NodeFlags,
}

impl Scale {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let scale = command::Scale { service: self.name, min: self.min, max: self.max };
        let scaled: Scaled = self.node.client()?.ask(Command::Scale(scale)).await?;
        ui.answer(&scaled, |scaled| {
            let instances = &scaled.instances;
            format!(
                "{} {}: {} to {} instances",
                scaled.service, scaled.revision, instances.min, instances.max
            )
        })
    }
}
