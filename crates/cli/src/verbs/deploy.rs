//! `deploy`: store, prepare, start and route a component.

use std::path::PathBuf;

use airssys_wasm_api::command::{self, Source};
use airssys_wasm_api::reply::Deployed;
use airssys_wasm_api::{Client, Command, Failure};
use airssys_wasm_model::{Digest, Name, ReleaseRef, Version};
use serde_json::{Map, Value};

use super::granting::GrantFlags;
use super::rolling::act_shown;
use crate::component::{LocalComponent, is_file};
use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Store, prepare, start and route a component
///
/// What the component asks for is shown with its reasons, and asked about in a terminal; without one,
/// name what you allow with --grant.
#[derive(clap::Args)]
pub(crate) struct Deploy {
    /// A component, or a stored release.
    #[arg(value_name = "FILE.wasm|NAME@VERSION")]
    what: String,

    /// The service's name, instead of the component's own.
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,

    /// The release's version, instead of the component's own.
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,

    /// Configuration (a JSON object), laid over the manifest's defaults.
    #[arg(long, value_name = "FILE.json")]
    config: Option<PathBuf>,

    #[command(flatten)]
    grants: GrantFlags,

    /// Print what would happen and change nothing.
    #[arg(long)]
    plan: bool,

    #[command(flatten)]
    node: NodeFlags,
}

impl Deploy {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let config = self.config.as_deref().map(read_config).transpose()?;
        let (source, grants, grant_asked, client) = if is_file(&self.what) {
            let component = LocalComponent::read(self.what.as_ref())?;
            let grants = self.grants.settle(&component.asked(), ui)?;
            let client = self.node.client()?;
            let digest = upload(&client, &component, ui).await?;
            (Source::Artifact(digest), grants, false, client)
        } else {
            let release: ReleaseRef = self.what.parse().map_err(|error| usage(&error))?;
            // What a stored release asks for is known to the node alone, so it refuses what is missing.
            let grants = self.grants.named()?;
            (Source::Release(release), grants, self.grants.grants_asked(), self.node.client()?)
        };
        let command = Command::Deploy(command::Deploy {
            source,
            name: self.name,
            version: self.version,
            config,
            grants,
            grant_asked,
            plan_only: self.plan,
        });
        let deployed: Deployed = act_shown(&client, command, ui).await?.try_into()?;
        ui.answer(&deployed, show::deployed)
    }
}

/// Sends a component's bytes to the node, with a bar that fills.
pub(super) async fn upload(
    client: &Client,
    component: &LocalComponent,
    ui: &Ui,
) -> Result<Digest, Failure> {
    let bar = ui.bytes_bar("upload", component.bytes.len());
    let moving = bar.clone();
    let stored =
        client.upload(component.bytes.clone(), move |sent| moving.set_position(sent as u64)).await;
    bar.finish_and_clear();
    Ok(stored?.digest)
}

/// Reads a configuration file.
pub(super) fn read_config(path: &std::path::Path) -> Result<Map<String, Value>, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => airssys_wasm_api::Code::NotFound,
            _ => airssys_wasm_api::Code::Failed,
        };
        Failure::new(code, format!("{shown} cannot be read: {error}"))
    })?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(
            airssys_wasm_api::Code::Invalid,
            format!("{shown} is not a JSON object: {error}"),
        )
    })
}

/// A word that cannot be understood.
pub(super) fn usage(error: &dyn std::error::Error) -> Failure {
    Failure::from_error(airssys_wasm_api::Code::Usage, error)
}
