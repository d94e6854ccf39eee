//! `update`: roll a service to another release or configuration.

use airssys_wasm_api::command::{self, Source};
use airssys_wasm_api::reply::Inspection;
use airssys_wasm_api::{Client, Code, Command, Failure, Reply};
use airssys_wasm_model::{Grants, Name, RevisionNumber};

use super::granting::{GrantChange, say_added};
use super::rolling::{RollFlags, act_shown, answer_rollout};
use super::source::{SourceFlags, release, upload};
use crate::component::{LocalComponent, is_file, no_name};
use crate::place::NodeFlags;
use crate::ui::Ui;

/// Roll a service to another release or configuration
///
/// Waits for the outcome: exit code 0 when the new revision was promoted, 6 when it was taken back, 1
/// when the rollout rests undecided.
///
/// The configuration and the grants stay as they are unless others are named. --grant NAME and --grants
/// FILE replace all grants of the active revision; --grant asked adds what is asked for besides.
#[derive(clap::Args)]
pub(crate) struct Update {
    /// A release, a component, or a service whose configuration or grants change.
    #[arg(value_name = "NAME@VERSION|FILE.wasm|NAME")]
    what: String,

    #[command(flatten)]
    source: SourceFlags,

    /// Return when the rollout has begun.
    #[arg(long)]
    detach: bool,

    #[command(flatten)]
    rollout: RollFlags,

    #[command(flatten)]
    node: NodeFlags,
}

impl Update {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let config = self.source.config()?;
        let client = self.node.client()?;
        let (service, source, change) = self.goal(&client, config.is_some(), ui).await?;
        let before = match change.asked {
            true => granted(&client, &service, None).await?,
            false => Grants::default(),
        };
        let command = Command::Update(command::Update {
            service: service.clone(),
            source,
            version: self.source.version_of_file(),
            rollout: self.rollout.choice(),
            config,
            grant_asked: change.asked,
            accept_signer: self.source.accept_signer,
            grants: change.grants,
            detached: self.detach,
            plan_only: self.source.plan,
        });
        let reply = act_shown(&client, command, ui).await?;
        if change.asked
            && let Reply::Rollout(report) = &reply
        {
            // All that was asked was granted unseen: it is said what that was.
            let after = granted(&client, &service, Some(report.to.revision)).await?;
            say_added(&before, &after, ui);
        }
        answer_rollout(reply, ui)
    }

    /// Which service goes where, and with which grants.
    async fn goal(
        &self,
        client: &Client,
        has_config: bool,
        ui: &Ui,
    ) -> anyhow::Result<(Name, Option<Source>, GrantChange)> {
        let flags = &self.source.grants;
        if is_file(&self.what) {
            let component = LocalComponent::read(self.what.as_ref())?;
            let named = self.source.name.clone().or_else(|| component.name());
            let service = named.ok_or_else(unnamed)?;
            let change = match ui.can_ask() {
                true => {
                    let active = granted(client, &service, None).await?;
                    flags.settle_change(&component.asked(), &active, ui).await?
                }
                // Nobody to ask: the node refuses what is missing.
                false => flags.change()?,
            };
            let digest = upload(client, &component, ui).await?;
            return Ok((service, Some(Source::Artifact(digest)), change));
        }
        self.source.no_version(&self.what)?;
        let change = flags.change()?;
        if self.what.contains('@') {
            let release = release(&self.what)?;
            let service = self.source.name.clone().unwrap_or_else(|| release.name.clone());
            return Ok((service, Some(Source::Release(release)), change));
        }
        let service = self.what.parse().map_err(|error| no_name(&self.what, &error))?;
        if !has_config && flags.is_silent() {
            return Err(nothing_to_change(&self.what).into());
        }
        Ok((service, None, change))
    }
}

/// What a revision of a service was granted; the active one's unless named.
pub(super) async fn granted(
    client: &Client,
    service: &Name,
    revision: Option<RevisionNumber>,
) -> Result<Grants, Failure> {
    let inspect = command::Inspect { service: service.clone(), revision };
    let inspection: Inspection = client.ask(Command::Inspect(inspect)).await?;
    Ok(inspection.granted.unwrap_or_default())
}

fn unnamed() -> Failure {
    Failure::new(Code::Usage, "the component does not say its name").help("add --name NAME")
}

fn nothing_to_change(name: &str) -> Failure {
    Failure::new(Code::Usage, format!("nothing to update `{name}` to"))
        .help(format!("name a release ({name}@VERSION), a component, --config FILE or --grant"))
}
