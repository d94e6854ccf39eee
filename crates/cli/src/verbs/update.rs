//! `update`: roll a service to another release or configuration.

use std::path::PathBuf;

use airssys_wasm_api::command::{self, Source};
use airssys_wasm_api::{Code, Command, Failure};
use airssys_wasm_model::{Name, ReleaseRef, Version};

use super::deploy::{read_config, upload, usage};
use super::granting::GrantFlags;
use super::rolling::{RollFlags, act_shown, answer_rollout};
use crate::component::{LocalComponent, is_file};
use crate::place::NodeFlags;
use crate::ui::Ui;

/// Roll a service to another release or configuration
///
/// Waits for the outcome: exit code 0 when the new revision was promoted, 6 when it was taken back, 1
/// when the rollout rests undecided.
#[derive(clap::Args)]
pub(crate) struct Update {
    /// A release, a component, or a service whose configuration or grants change.
    #[arg(value_name = "NAME@VERSION|FILE.wasm|NAME")]
    what: String,

    /// The service, instead of the component's own name.
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,

    /// The release's version, instead of the component's own.
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,

    /// Configuration (a JSON object), laid over the manifest's defaults; as before unless given.
    #[arg(long, value_name = "FILE.json")]
    config: Option<PathBuf>,

    #[command(flatten)]
    grants: GrantFlags,

    /// Return when the rollout has begun.
    #[arg(long)]
    detach: bool,

    /// Print what would happen and change nothing.
    #[arg(long)]
    plan: bool,

    #[command(flatten)]
    rollout: RollFlags,

    #[command(flatten)]
    node: NodeFlags,
}

impl Update {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let config = self.config.as_deref().map(read_config).transpose()?;
        let grants = match self.grants.is_silent() {
            true => None,
            false => Some(self.grants.named()?),
        };
        let client = self.node.client()?;
        let (service, source) = if is_file(&self.what) {
            let component = LocalComponent::read(self.what.as_ref())?;
            let service = self.name.clone().or_else(|| component.name()).ok_or_else(unnamed)?;
            let digest = upload(&client, &component, ui).await?;
            (service, Some(Source::Artifact(digest)))
        } else if self.what.contains('@') {
            let release: ReleaseRef = self.what.parse().map_err(|error| usage(&error))?;
            (
                self.name.clone().unwrap_or_else(|| release.name.clone()),
                Some(Source::Release(release)),
            )
        } else {
            let service = self.what.parse().map_err(|error| usage(&error))?;
            if config.is_none() && grants.is_none() {
                return Err(nothing_to_change(&self.what).into());
            }
            (service, None)
        };
        let command = Command::Update(command::Update {
            service,
            source,
            version: self.version,
            rollout: self.rollout.choice(),
            config,
            grant_asked: self.grants.grants_asked(),
            grants,
            detached: self.detach,
            plan_only: self.plan,
        });
        answer_rollout(act_shown(&client, command, ui).await?, ui)
    }
}

fn unnamed() -> Failure {
    Failure::new(Code::Usage, "the component does not say its name").help("add --name NAME")
}

fn nothing_to_change(name: &str) -> Failure {
    Failure::new(Code::Usage, format!("nothing to update `{name}` to"))
        .help(format!("name a release ({name}@VERSION), a component, --config FILE or --grant"))
}
