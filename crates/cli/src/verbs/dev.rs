//! `dev`: watches a project, and on every change builds it and updates its service in place.
//!
//! A build that fails changes nothing: the service goes on with what it had. Each build is a release of its
//! own, `1.2.0-dev.…`, because a release is never changed.

mod watch;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use airssys_wasm_api::command::{self, RolloutChoice, Source};
use airssys_wasm_api::reply::ServiceStatus;
use airssys_wasm_api::{Client, Code, Command};
use airssys_wasm_model::{Name, StrategyName, Version};
use serde::Serialize;

use self::watch::Watch;
use super::build::{Built, Project};
use super::deploy::upload;
use super::granting::GrantFlags;
use super::rolling::act_shown;
use crate::component::LocalComponent;
use crate::exit;
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
        loop {
            // Ctrl-C stops a build; a rollout that has begun is the node's, which finishes it.
            tokio::select! {
                round = self.round(&client, ui) => show(round, ui)?,
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
            tokio::select! {
                () = watch.changed() => {}
                _ = tokio::signal::ctrl_c() => return Ok(()),
            }
        }
    }

    async fn round(&self, client: &Client, ui: &Ui) -> anyhow::Result<Round> {
        let since = std::time::Instant::now();
        // Read again each time: Component.toml is one of the files that change.
        let project = Project::find(&self.project)?;
        let version = dev_version(&project.manifest.component.version, SystemTime::now())?;
        let built = project.build(Some(&version), ui).await?;
        let build_ms = since.elapsed().as_millis();
        let done = self.put(client, &built, ui).await?;
        let (service, version) = (built.name, built.version);
        Ok(Round { service, version, done, build_ms, total_ms: since.elapsed().as_millis() })
    }

    /// Deploys a service that is not there yet, updates one that is.
    async fn put(&self, client: &Client, built: &Built, ui: &Ui) -> anyhow::Result<&'static str> {
        let component = LocalComponent::read(&built.path)?;
        let named = command::Named { service: built.name.clone() };
        let exists = match client.ask::<ServiceStatus>(Command::Status(named)).await {
            Ok(_) => true,
            Err(failure) if failure.code == Code::NotFound => false,
            Err(failure) => return Err(failure.into()),
        };
        let granted = match exists {
            true if self.grants.is_silent() => None,
            _ => Some(self.grants.settle(&component.asked(), ui)?),
        };
        let source = Source::Artifact(upload(client, &component, ui).await?);
        let command = match exists {
            false => Command::Deploy(command::Deploy {
                source,
                name: None,
                version: None,
                config: None,
                grants: granted.unwrap_or_default(),
                grant_asked: false,
                plan_only: false,
            }),
            true => Command::Update(command::Update {
                service: built.name.clone(),
                source: Some(source),
                version: None,
                rollout: RolloutChoice {
                    strategy: Some(self.strategy),
                    ..RolloutChoice::default()
                },
                config: None,
                grants: granted,
                grant_asked: false,
                detached: false,
                plan_only: false,
            }),
        };
        act_shown(client, command, ui).await?;
        Ok(if exists { "updated" } else { "deployed" })
    }
}

/// A round that failed is shown and the watch goes on: the next change may mend it.
fn show(round: anyhow::Result<Round>, ui: &Ui) -> anyhow::Result<()> {
    match round {
        Ok(round) => ui.answer(&round, |round| {
            let Round { service, version, done, build_ms, total_ms } = round;
            format!("{done} {service}@{version} in {total_ms} ms (build {build_ms} ms)")
        }),
        Err(error) if error.is::<exit::Exit>() => Err(error),
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
    fn a_later_build_has_a_later_version_below_the_release() {
        let own: Version = "1.2.0".parse().unwrap();
        let at = |ms| dev_version(&own, UNIX_EPOCH + Duration::from_millis(ms)).unwrap();
        assert_eq!(at(9).to_string(), "1.2.0-dev.9");
        assert!(at(9) < at(10) && at(10) < own);
    }
}
