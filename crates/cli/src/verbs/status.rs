//! `status`: what a service is doing, now or as it goes on.

use airssys_wasm_api::Command;
use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::ServiceStatus;
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show what a service is doing
///
/// With --follow the status first, and then each thing that happens to its rollouts: one begins, a step begins
/// or ends, the evidence grows, it waits or is decided. It ends when the service is removed or the node stops.
#[derive(clap::Args)]
pub(crate) struct Status {
    /// Which service.
    name: Name,

    /// Go on with what happens to its rollouts, until interrupted; in JSON an object a line.
    #[arg(short, long)]
    follow: bool,

    #[command(flatten)]
    node: NodeFlags,
}

impl Status {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let client = self.node.client()?;
        // Before the status is asked for, so that nothing happens unseen in between.
        let events = if self.follow { Some(client.events(&self.name).await?) } else { None };
        let command = Command::Status(Named { service: self.name });
        let status: ServiceStatus = client.ask(command).await?;
        ui.answer(&status, show::status)?;
        let Some(mut events) = events else { return Ok(()) };
        while let Some(event) = events.next().await? {
            ui.answer(&event, show::event)?;
        }
        Ok(())
    }
}
