//! `deploy`: store, prepare, start and route a component.

use airssys_wasm_api::command::{self, Source};
use airssys_wasm_api::reply::Deployed;
use airssys_wasm_api::{Code, Command};

use super::rolling::act_shown;
use super::source::{SourceFlags, release, upload};
use crate::component::LocalComponent;
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

    #[command(flatten)]
    source: SourceFlags,

    #[command(flatten)]
    node: NodeFlags,
}

impl Deploy {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let config = self.source.config()?;
        let flags = &self.source.grants;
        let (source, grants, grant_asked, client) = if is_release(&self.what) {
            self.source.no_version(&self.what)?;
            // What a stored release asks for is known to the node alone, so it refuses what is missing.
            let source = Source::Release(release(&self.what)?);
            (source, flags.named()?, flags.grants_asked(), self.node.client()?)
        } else {
            let component =
                LocalComponent::read(self.what.as_ref()).map_err(|failure| match failure.code {
                    Code::NotFound => failure.help("name a component's file, or NAME@VERSION"),
                    _ => failure,
                })?;
            let grants = flags.settle(&component.asked(), ui).await?;
            let client = self.node.client()?;
            let digest = upload(&client, &component, ui).await?;
            (Source::Artifact(digest), grants, false, client)
        };
        let command = Command::Deploy(command::Deploy {
            source,
            name: self.source.name.clone(),
            version: self.source.version_of_file(),
            config,
            grants,
            grant_asked,
            determinism: self.source.fixed.determinism(),
            accept_signer: self.source.accept_signer,
            plan_only: self.source.plan,
        });
        let deployed: Deployed = act_shown(&client, command, ui).await?.try_into()?;
        ui.answer(&deployed, show::deployed)
    }
}

/// Whether a word means a stored release. Every other is a file, whatever its name ends in: there is no
/// third thing to deploy.
fn is_release(word: &str) -> bool {
    word.contains('@') && !crate::component::is_file(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_version_is_a_file() {
        assert!(is_release("greeter@1.0.0"));
        for file in ["greeter.bin", "greeter", "./odd@name", "a@b.wasm"] {
            assert!(!is_release(file), "{file}");
        }
    }
}
