//! What `deploy` and `update` share: the flags that say what is brought to the node, and bringing it there.

use std::path::{Path, PathBuf};

use airssys_wasm_api::{Client, Code, Failure};
use airssys_wasm_model::{Digest, Name, ReleaseRef, Version};
use serde_json::{Map, Value};

use super::fixed::FixedFlags;
use super::granting::GrantFlags;
use crate::component::{LocalComponent, no_name};
use crate::files::read_text;
use crate::ui::Ui;

/// What is brought to the node, besides the component itself.
#[derive(clap::Args)]
pub(super) struct SourceFlags {
    /// The service's name, instead of the component's own.
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<Name>,

    /// The release's version, instead of the component's own.
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,

    /// Configuration (a JSON object), laid over the manifest's defaults.
    #[arg(long, value_name = "FILE.json")]
    config: Option<PathBuf>,

    #[command(flatten)]
    pub(super) grants: GrantFlags,

    #[command(flatten)]
    pub(super) fixed: FixedFlags,

    /// Take a release that others have signed than the one before of its name, or nobody.
    #[arg(long)]
    pub(super) accept_signer: bool,

    /// Print what would happen and change nothing.
    #[arg(long)]
    pub(super) plan: bool,
}

impl SourceFlags {
    /// The configuration, if there is one.
    pub(super) fn config(&self) -> Result<Option<Map<String, Value>>, Failure> {
        self.config.as_deref().map(read_config).transpose()
    }

    /// The version of a component that is uploaded.
    pub(super) fn version_of_file(&self) -> Option<Version> {
        self.version.clone()
    }

    /// Refuses what can be said of one component only. `--grant asked` holds for each.
    pub(super) fn is_of_several(&self) -> Result<(), Failure> {
        let one = [
            ("--name", self.name.is_some()),
            ("--version", self.version.is_some()),
            ("--config", self.config.is_some()),
            ("--grant NAME and --grants", self.grants.names_any()),
        ];
        match one.into_iter().find(|(_, said)| *said) {
            None => Ok(()),
            Some((flag, _)) => {
                let message = format!("{flag} is said of one service, and several are named");
                Err(Failure::new(Code::Usage, message).help(
                    "push the releases first, or use POST /v1/updates, which says it for each",
                ))
            }
        }
    }

    /// Refuses a version for what has one already.
    pub(super) fn no_version(&self, what: &str) -> Result<(), Failure> {
        match &self.version {
            None => Ok(()),
            Some(version) => {
                let message = format!("--version {version} names the version of a file");
                Err(Failure::new(Code::Usage, message)
                    .help(format!("`{what}` is stored: name another release as NAME@VERSION")))
            }
        }
    }
}

/// A stored release, as it is written on the command line.
pub(super) fn release(what: &str) -> Result<ReleaseRef, Failure> {
    what.parse().map_err(|error| no_name(what, &error))
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

fn read_config(path: &Path) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(&read_text(path)?).map_err(|error| {
        Failure::new(Code::Invalid, format!("{} is not a JSON object: {error}", path.display()))
    })
}
