//! `dev`: watches a project, and on every change builds it and updates its service in place.
//!
//! A build that fails changes nothing: the service goes on with what it had. Each build is a release of its
//! own, `1.2.0-dev.…`, because a release is never changed.

mod watch;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use airssys_wasm_api::command::{self, RolloutChoice, Source};
use airssys_wasm_api::reply::{Outcome, RolloutReport, ServiceStatus};
use airssys_wasm_api::{Client, Code, Command, Failure, Reply};
use airssys_wasm_model::{Digest, Name, StrategyName, Version};
use serde::Serialize;

use self::watch::Watch;
use super::build::{Built, Project};
use super::granting::GrantFlags;
use super::rolling::act_followed;
use super::source::upload;
use super::update::granted;
use crate::component::LocalComponent;
use crate::exit;
use crate::interrupt::Interrupt;
use crate::place::NodeFlags;
use crate::ui::Ui;

/// Watch a project: rebuild and update its service in place, nothing dropped
///
/// Ends with Ctrl-C. The service stays as it is then.
#[derive(clap::Args)]
pub(crate) struct Dev {
    /// The project, or a folder inside it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,

    /// How each build replaces the one before.
    #[arg(long, value_name = "STRATEGY", default_value = "all-at-once")]
    strategy: StrategyName,

    #[command(flatten)]
    grants: GrantFlags,

    #[command(flatten)]
    node: NodeFlags,
}

/// What came of one change.
#[derive(Serialize)]
struct Round {
    service: Name,
    version: Version,
    /// `deployed` the first time, then `updated`.
    done: &'static str,
    build_ms: u128,
    total_ms: u128,
}

impl Dev {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let project = Project::find(&self.project)?;
        let client = self.node.client()?;
        let mut watch = Watch::start(&project.dir)?;
        let interrupt = Interrupt::listen();
        let mut running = None;
        loop {
            // Ctrl-C stops a build; a rollout that has begun is the node's, which finishes it.
            tokio::select! {
                biased;
                () = interrupt.pressed() => return Ok(()),
                round = self.round(&client, &mut running, ui) => show(round, ui)?,
            }
            let output = output(&self.project);
            tokio::select! {
                biased;
                () = interrupt.pressed() => return Ok(()),
                () = watch.changed(output.as_deref()) => {}
            }
        }
    }

    /// Builds and brings what was built to the node, unless it is what runs there already: a build may
    /// write among the sources, and would start the next one for ever.
    async fn round(
        &self,
        client: &Client,
        running: &mut Option<Digest>,
        ui: &Ui,
    ) -> anyhow::Result<Option<Round>> {
        let since = std::time::Instant::now();
        // Read again each time: Component.toml is one of the files that change.
        let project = Project::find(&self.project)?;
        let version = dev_version(&project.manifest.component.version, SystemTime::now())?;
        let built = project.build(Some(&version)).await?;
        let build_ms = since.elapsed().as_millis();
        if *running == Some(built.content) {
            return Ok(None);
        }
        let done = self.put(client, &built, ui).await?;
        *running = Some(built.content);
        let (service, version) = (built.name, built.version);
        Ok(Some(Round { service, version, done, build_ms, total_ms: since.elapsed().as_millis() }))
    }

    /// Deploys a service that is not there yet, updates one that is.
    async fn put(&self, client: &Client, built: &Built, ui: &Ui) -> anyhow::Result<&'static str> {
        let component = LocalComponent::read(&built.path)?;
        let named = command::Named { service: built.name.clone() };
        match client.ask::<ServiceStatus>(Command::Status(named)).await {
            // One whose first revision never ran is deployed anew.
            Ok(status) if status.active.is_some() => {
                self.update(client, &component, &built.name, ui).await?;
                Ok("updated")
            }
            Err(failure) if failure.code != Code::NotFound => Err(failure.into()),
            Ok(_) | Err(_) => {
                self.deploy(client, &component, ui).await?;
                Ok("deployed")
            }
        }
    }

    async fn deploy(
        &self,
        client: &Client,
        component: &LocalComponent,
        ui: &Ui,
    ) -> anyhow::Result<()> {
        let grants = self.grants.settle(&component.asked(), ui).await?;
        let command = Command::Deploy(command::Deploy {
            grants,
            ..command::Deploy::of(Source::Artifact(upload(client, component, ui).await?))
        });
        act_followed(client, command, ui).await?;
        Ok(())
    }

    async fn update(
        &self,
        client: &Client,
        component: &LocalComponent,
        service: &Name,
        ui: &Ui,
    ) -> anyhow::Result<()> {
        let active = granted(client, service, None).await?;
        let change = self.grants.settle_change(&component.asked(), &active, ui).await?;
        let command = Command::Update(command::Update {
            source: Some(Source::Artifact(upload(client, component, ui).await?)),
            rollout: RolloutChoice {
                strategy: Some(self.strategy),
                // In place of the manifest's: its gates and metrics are for what is delivered.
                settings: Some(Box::default()),
                ..RolloutChoice::default()
            },
            grants: change.grants,
            grant_asked: change.asked,
            ..command::Update::of(service.clone())
        });
        Ok(promoted(act_followed(client, command, ui).await?)?)
    }
}

/// An update that was taken back, or rests undecided, is answered as well as one that was promoted.
fn promoted(reply: Reply) -> Result<(), Failure> {
    let report = RolloutReport::try_from(reply)?;
    let (version, reason) = (&report.to.version, &report.reason);
    match report.outcome {
        Some(Outcome::Promoted | Outcome::Concluded) => Ok(()),
        Some(Outcome::Aborted) => {
            Err(Failure::new(Code::RolledBack, format!("{version} was taken back: {reason}")))
        }
        _ => Err(Failure::new(Code::Conflict, format!("the rollout of {version} rests: {reason}"))
            .help(format!(
                "end it with `airssys-wasm promote {0}` or `abort {0}`",
                report.service
            ))),
    }
}

/// The file that the project's own command leaves, where it has one.
fn output(project: &Path) -> Option<PathBuf> {
    let project = Project::find(project).ok()?;
    let output = project.manifest.build.output.as_ref()?;
    Some(project.dir.join(output))
}

/// A round that failed is shown and the watch goes on: the next change may mend it.
fn show(round: anyhow::Result<Option<Round>>, ui: &Ui) -> anyhow::Result<()> {
    match round {
        Ok(None) => Ok(()),
        Ok(Some(round)) => ui.answer(&round, |round| {
            let Round { service, version, done, build_ms, total_ms } = round;
            format!("{done} {service}@{version} in {total_ms} ms (build {build_ms} ms)")
        }),
        Err(error) => {
            exit::report(&error, ui);
            Ok(())
        }
    }
}

/// The version of a build: the manifest's own, before its release, and later than the build before.
fn dev_version(own: &Version, now: SystemTime) -> anyhow::Result<Version> {
    let since = now.duration_since(UNIX_EPOCH)?.as_millis();
    let text = own.to_string();
    let release = text.split(['-', '+']).next().unwrap_or_default();
    Ok(format!("{release}-dev.{since}").parse()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_update_that_was_taken_back_is_no_success() {
        let report = |outcome: &str| -> Reply {
            let report: RolloutReport = serde_json::from_value(serde_json::json!({
                "service": "greeter", "rollout": 1, "strategy": "all-at-once", "steps": [],
                "from": { "revision": 1, "version": "1.0.0" },
                "to": { "revision": 2, "version": "1.0.0-dev.7" },
                "outcome": outcome, "reason": "init refused", "timings_ms": {},
            }))
            .unwrap();
            report.into()
        };
        assert_eq!(promoted(report("promoted")), Ok(()));
        let failure = promoted(report("aborted")).unwrap_err();
        assert_eq!(failure.code.exit_code(), 6);
        assert_eq!(failure.message, "1.0.0-dev.7 was taken back: init refused");
        assert_eq!(promoted(report("paused")).unwrap_err().code, Code::Conflict);
    }

    #[test]
    fn a_later_build_has_a_later_version_below_the_release() {
        let own: Version = "1.2.0".parse().unwrap();
        let at = |ms| dev_version(&own, UNIX_EPOCH + Duration::from_millis(ms)).unwrap();
        assert_eq!(at(9).to_string(), "1.2.0-dev.9");
        assert!(at(9) < at(10) && at(10) < own);
    }
}
