//! `remove`: drain and delete a service.

use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::Removed;
use airssys_wasm_api::{Code, Command, Failure};
use airssys_wasm_model::Name;

use super::rolling::act_shown;
use crate::place::NodeFlags;
use crate::ui::Ui;

/// Drain and delete a service
///
/// Its configuration, grants, history and state go with it; its releases stay and can be deployed again.
/// Asks first in a terminal. Takes as long as the calls under way.
#[derive(clap::Args)]
pub(crate) struct Remove {
    /// Which service.
    name: Name,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    node: NodeFlags,
}

impl Remove {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let client = self.node.client()?;
        if ui.can_ask() && !self.yes {
            let gone = "with its configuration, grants, history and state";
            if !ui.ask(&format!("Remove {} {gone}?", self.name)).await? {
                return Err(Failure::new(Code::Failed, "nothing was removed").into());
            }
        }
        let command = Command::Remove(Named { service: self.name });
        let removed: Removed = act_shown(&client, command, ui).await?.try_into()?;
        ui.answer(&removed, |removed| format!("{} removed", removed.service))
    }
}
