//! `status`: what a service is doing, now or as it goes on.

use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::{ServiceEvent, ServiceStatus};
use airssys_wasm_api::{Client, Code, Command};
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show what a service is doing
///
/// With --follow the status first, and then each thing that happens to its rollouts: one begins, a step begins
/// or ends, the evidence grows, it waits or is decided. It ends when the service is removed or the node stops, and with
/// exit code 4 when the token may not follow any more.
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
        let status: ServiceStatus = client.ask(command.clone()).await?;
        ui.answer(&status, show::status)?;
        let Some(mut events) = events else { return Ok(()) };
        while let Some(event) = events.next().await? {
            ui.answer(&event, show::event)?;
            if let ServiceEvent::Removed {} = event {
                return Ok(());
            }
        }
        why_ended(&client, command).await
    }
}

/// Whoever may not follow any more learns it by asking once more; a node that stops answers nobody.
async fn why_ended(client: &Client, command: Command) -> anyhow::Result<()> {
    match client.act(command).await {
        Err(failure) if matches!(failure.code, Code::Unauthorized | Code::Denied) => {
            Err(failure.into())
        }
        _ => Ok(()),
    }
}
