//! `push`: store a release without running it.

use std::path::PathBuf;

use airssys_wasm_api::reply::Pushed;
use airssys_wasm_api::{Command, command};
use airssys_wasm_model::{Name, Version};

use super::source::upload;
use crate::component::LocalComponent;
use crate::place::NodeFlags;
use crate::ui::Ui;

/// Store a release without running it
#[derive(clap::Args)]
pub(crate) struct Push {
    /// A component.
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,

    /// The release's name, instead of the component's own.
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,

    /// The release's version, instead of the component's own.
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,

    /// Take it although others have signed it than the release before, or nobody.
    #[arg(long)]
    accept_signer: bool,

    #[command(flatten)]
    node: NodeFlags,
}

impl Push {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let component = LocalComponent::read(&self.file)?;
        let client = self.node.client()?;
        let artifact = upload(&client, &component, ui).await?;
        let (name, version, accept_signer) = (self.name, self.version, self.accept_signer);
        let push = command::Push { artifact, name, version, accept_signer };
        let pushed: Pushed = client.ask(Command::Push(push)).await?;
        ui.answer(&pushed, |pushed| {
            format!("{}@{} {} ({})", pushed.name, pushed.version, pushed.state, pushed.digest)
        })
    }
}
