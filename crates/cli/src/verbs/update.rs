//! `update`: roll a service, or several as one, to another release or configuration.

use airssys_wasm_api::command::{self, Source, UpdateOrder};
use airssys_wasm_api::reply::Inspection;
use airssys_wasm_api::{Client, Code, Command, Failure, Reply};
use airssys_wasm_model::{Grants, Name, RevisionNumber};

use super::granting::{GrantChange, say_added};
use super::rolling::{RollFlags, act_shown, answer_joint, answer_rollout};
use super::source::{SourceFlags, release, upload};
use crate::component::{LocalComponent, is_file, no_name};
use crate::place::NodeFlags;
use crate::ui::Ui;

/// Roll a service, or several as one, to another release or configuration
///
/// Waits for the outcome: exit code 0 when the new revision was promoted, 6 when it was taken back, 1
/// when the rollout rests undecided.
///
/// The configuration and the grants stay as they are unless others are named. --grant NAME and --grants
/// FILE replace all grants of the active revision; --grant asked adds what is asked for besides.
///
/// Several services are all promoted, or none. Each goes by its strategy as far as it can alone, and waits for
/// the others there; where one is taken back, all are. `abort` with any of their names aborts all. With
/// --in-order each is tried when those named before it are promoted, and these go back when a later one fails.
#[derive(clap::Args)]
pub(crate) struct Update {
    /// A release, a component, or a service whose configuration or grants change. Several are updated as one.
    #[arg(value_name = "NAME@VERSION|FILE.wasm|NAME", required = true)]
    what: Vec<String>,

    #[command(flatten)]
    source: SourceFlags,

    /// Of several: one after the other as they are named, what others need first.
    #[arg(long)]
    in_order: bool,

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
        match self.what.as_slice() {
            [what] if self.in_order => Err(in_order_alone(what).into()),
            [what] => {
                let what = what.clone();
                self.run_one(&what, ui).await
            }
            _ => self.run_several(ui).await,
        }
    }

    async fn run_one(self, what: &str, ui: &Ui) -> anyhow::Result<()> {
        let config = self.source.config()?;
        let client = self.node.client()?;
        let changes = config.is_some() || self.source.fixed.are_given();
        let (service, source, change) = self.goal(what, &client, changes, ui).await?;
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
            determinism: self.source.fixed.determinism(),
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

    /// Several services: what is said of one alone cannot be said here.
    async fn run_several(self, ui: &Ui) -> anyhow::Result<()> {
        self.source.is_of_several()?;
        let client = self.node.client()?;
        let rollout = self.rollout.clone().choice();
        let (mut updates, mut granting) = (Vec::with_capacity(self.what.len()), Vec::new());
        for what in &self.what {
            let (service, source, change) = self.goal(what, &client, false, ui).await?;
            if change.asked {
                granting.push((service.clone(), granted(&client, &service, None).await?));
            }
            updates.push(command::Update {
                source,
                rollout: rollout.clone(),
                grants: change.grants,
                grant_asked: change.asked,
                determinism: self.source.fixed.determinism(),
                accept_signer: self.source.accept_signer,
                ..command::Update::of(service)
            });
        }
        let order = if self.in_order { UpdateOrder::InOrder } else { UpdateOrder::Together };
        let (detached, plan_only) = (self.detach, self.source.plan);
        let command = command::Updates { updates, order, detached, plan_only };
        let reply = act_shown(&client, Command::Updates(command), ui).await?;
        if let Reply::Joint(joint) = &reply {
            for (service, before) in granting {
                let Some(report) = joint.services.iter().find(|it| it.service == service) else {
                    continue;
                };
                let after = granted(&client, &service, Some(report.to.revision)).await?;
                say_added(&before, &after, ui);
            }
        }
        answer_joint(reply, ui)
    }

    /// Which service goes where, and with which grants.
    async fn goal(
        &self,
        what: &str,
        client: &Client,
        has_config: bool,
        ui: &Ui,
    ) -> anyhow::Result<(Name, Option<Source>, GrantChange)> {
        let flags = &self.source.grants;
        if is_file(what) {
            let component = LocalComponent::read(what.as_ref())?;
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
        self.source.no_version(what)?;
        let change = flags.change()?;
        if what.contains('@') {
            let release = release(what)?;
            let service = self.source.name.clone().unwrap_or_else(|| release.name.clone());
            return Ok((service, Some(Source::Release(release)), change));
        }
        let service = what.parse().map_err(|error| no_name(what, &error))?;
        if !has_config && flags.is_silent() {
            return Err(nothing_to_change(what).into());
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

fn in_order_alone(what: &str) -> Failure {
    Failure::new(Code::Usage, format!("--in-order is about several services, and `{what}` is one"))
        .help("name all of them, those that others need first")
}

fn unnamed() -> Failure {
    Failure::new(Code::Usage, "the component does not say its name").help("add --name NAME")
}

fn nothing_to_change(name: &str) -> Failure {
    Failure::new(Code::Usage, format!("nothing to update `{name}` to")).help(format!(
        "name a release ({name}@VERSION), a component, --config FILE, --grant or --seed"
    ))
}
