//! Commands that change something: recorded before they are carried out, and again with what came of them.
//!
//! The first record is on the disk before anything is done, so nothing is done that is not recorded. The second
//! follows within the trail's window; a node that dies in between has recorded who asked for what, and its
//! services' history says whether it was done.

use std::sync::Arc;
use std::time::SystemTime;

use airssys_wasm_api::command::{RollbackTo, Source, Update};
use airssys_wasm_api::{By, Code, Command, Failure, Reply};
use airssys_wasm_model::{Digest, Grant, Grants, Name, RevisionNumber};
use airssys_wasm_store::audit::{Decision, Entry, Kind};

use super::levels::CONTROL;
use super::trail::Trail;

/// A command that is carried out, as the trail has it.
pub(crate) struct Act {
    kind: Kind,
    service: Option<Name>,
    target: String,
    who: Arc<str>,
    request: Arc<str>,
    asked: String,
}

impl Act {
    /// Records a command that is about to be carried out. None for what only asks for a plan.
    ///
    /// # Errors
    /// When it cannot be recorded: then it must not be carried out.
    pub(crate) async fn begin(
        trail: &Trail,
        command: &Command,
        by: &By,
    ) -> Result<Option<Self>, Failure> {
        let Some(act) = Self::of(command, by) else { return Ok(None) };
        trail.record(act.entry(Decision::Allowed, &act.asked)).await.map_err(|failure| {
            Failure {
                message: format!(
                    "nothing was changed, for it can't be recorded: {}",
                    failure.message
                ),
                ..failure
            }
        })?;
        Ok(Some(act))
    }

    /// Records what came of it.
    pub(crate) async fn end(self, trail: &Trail, done: &Result<Reply, Failure>) {
        let outcome = self.outcome(done);
        // A disk that is full has room for commands, but only for those who wait until it is found.
        if !trail.note(outcome.clone())
            && let Err(failure) = trail.record(outcome).await
        {
            tracing::error!(request = %self.request, "what came of a command is not recorded: {failure}");
        }
    }

    /// Records a command that the policy refused, and the outcome stays the caller's. Nobody waits for the record,
    /// and whoever keeps asking is counted.
    pub(crate) fn refused(trail: &Trail, command: &Command, by: &By, why: &Failure) {
        let target = format!("{} {}", command.name(), target(command));
        let mut entry = Entry::new(SystemTime::now(), CONTROL, target, Decision::Denied);
        entry.service = service(command).map(|service| service.as_str().into());
        entry.call = Some(by.request_id.as_str().into());
        entry.principal = Some(by.who.as_str().into());
        entry.detail = Some(why.message.as_str().into());
        trail.note(entry);
    }

    fn of(command: &Command, by: &By) -> Option<Self> {
        if is_plan_only(command) {
            return None;
        }
        Some(Self {
            kind: Kind::control(command.name()),
            service: service(command),
            target: target(command),
            who: by.who.as_str().into(),
            request: by.request_id.as_str().into(),
            asked: asked(command),
        })
    }

    fn outcome(&self, done: &Result<Reply, Failure>) -> Entry {
        let (decision, detail) = match done {
            Ok(reply) => (Decision::Allowed, outcome(reply)),
            Err(failure) => {
                let denied = matches!(failure.code, Code::Denied | Code::Unauthorized);
                let decision = if denied { Decision::Denied } else { Decision::Allowed };
                (decision, format!("failed ({}): {}", failure.code, failure.message))
            }
        };
        let mut entry = self.entry(decision, &detail);
        if let Some((service, revision)) = done.as_ref().ok().and_then(changed) {
            entry.service = Some(service.as_str().into());
            entry.revision = revision.map(|revision| u64::from(revision.0));
        }
        entry
    }

    fn entry(&self, decision: Decision, detail: &str) -> Entry {
        let target = self.target.as_str();
        let mut entry = Entry::new(SystemTime::now(), self.kind, target, decision);
        entry.service = self.service.as_ref().map(|service| service.as_str().into());
        entry.call = Some(Arc::clone(&self.request));
        entry.principal = Some(Arc::clone(&self.who));
        entry.detail = Some(detail.into());
        entry
    }
}

fn is_plan_only(command: &Command) -> bool {
    match command {
        Command::Deploy(deploy) => deploy.plan_only,
        Command::Update(update) => update.plan_only,
        Command::Updates(updates) => updates.plan_only,
        Command::Rollback(rollback) => rollback.plan_only,
        _ => false,
    }
}

fn service(command: &Command) -> Option<Name> {
    let named = match command {
        Command::Deploy(deploy) => deploy.name.as_ref(),
        Command::Push(push) => push.name.as_ref(),
        other => other.service(),
    };
    named.cloned()
}

/// What the command is done to or with. A configuration is left out: it may hold what nobody should read here.
fn target(command: &Command) -> String {
    match command {
        Command::Deploy(deploy) => source(&deploy.source),
        Command::Push(push) => push.artifact.to_string(),
        Command::Update(update) => brings(update),
        Command::Updates(updates) => {
            let each = updates.updates.iter().map(|it| format!("{} {}", it.service, brings(it)));
            each.collect::<Vec<_>>().join(", ")
        }
        Command::AbortUpdate(joint) => joint.update.to_string(),
        Command::Rollback(rollback) => match &rollback.to {
            RollbackTo::Former => "the former revision".to_owned(),
            RollbackTo::Version(version) => version.to_string(),
            RollbackTo::Revision(revision) => revision.to_string(),
        },
        Command::Scale(scale) => {
            let bound = |bound: Option<u32>| bound.map_or("same".to_owned(), |it| it.to_string());
            format!("min {}, max {}", bound(scale.min), bound(scale.max))
        }
        Command::AddGrants(add) => named(&add.grants),
        Command::RevokeGrants(revoke) if revoke.all => "all".to_owned(),
        Command::RevokeGrants(revoke) => named(&revoke.grants),
        Command::SetSecret(set) => set.name.to_string(),
        Command::RemoveSecret(named) => named.name.to_string(),
        Command::CreateToken(create) => create.name.to_string(),
        Command::RevokeToken(revoke) => revoke.token.to_string(),
        Command::SetPolicy(set) => Digest::of(set.policy.as_bytes()).to_string(),
        other => other.service().map(ToString::to_string).unwrap_or_default(),
    }
}

fn source(source: &Source) -> String {
    match source {
        Source::Artifact(digest) => digest.to_string(),
        Source::Release(release) => release.to_string(),
    }
}

fn brings(update: &Update) -> String {
    update.source.as_ref().map_or("the active release".to_owned(), source)
}

/// What was asked for besides: what is granted by it.
fn asked(command: &Command) -> String {
    let granting = match command {
        Command::Deploy(deploy) => Some((Some(&deploy.grants), deploy.grant_asked)),
        Command::Update(update) => Some((update.grants.as_ref(), update.grant_asked)),
        _ => None,
    };
    let mut words = vec!["asked for".to_owned()];
    if let Some((Some(Grants(grants)), _)) = granting
        && !grants.is_empty()
    {
        words.push(format!("granting {}", named(&Grants(grants.clone()))));
    }
    if let Some((_, true)) = granting {
        words.push("granting all that it asks for".to_owned());
    }
    words.join(", ")
}

fn named(grants: &Grants) -> String {
    let grants: Vec<_> = grants.0.iter().map(without_value).collect();
    grants.join(" ")
}

/// A grant without a variable's value, which may be a password.
fn without_value(grant: &Grant) -> String {
    match grant {
        Grant::Env(env) => format!("env:{}", env.name),
        other => other.to_string(),
    }
}

/// Which service is another now, and by which revision.
fn changed(reply: &Reply) -> Option<(&Name, Option<RevisionNumber>)> {
    match reply {
        Reply::Deployed(deployed) => Some((&deployed.service, Some(deployed.revision))),
        Reply::Rollout(rollout) => Some((&rollout.service, Some(rollout.to.revision))),
        Reply::Scaled(scaled) => Some((&scaled.service, Some(scaled.revision))),
        Reply::Grants(report) => Some((&report.service, None)),
        Reply::Removed(removed) => Some((&removed.service, None)),
        Reply::Pushed(pushed) => Some((&pushed.name, None)),
        _ => None,
    }
}

fn outcome(reply: &Reply) -> String {
    match reply {
        Reply::Deployed(deployed) => format!("done: {} is {}", deployed.version, deployed.state),
        Reply::Pushed(pushed) => format!("done: {} {}", pushed.version, pushed.state),
        Reply::Rollout(rollout) => match rollout.outcome {
            Some(outcome) => format!("{outcome}: {}", rollout.reason),
            None => format!("rollout {} is under way", rollout.rollout),
        },
        Reply::Grants(report) if !report.also_revoked.is_empty() => {
            format!("done, and with it {}", named(&Grants(report.also_revoked.clone())))
        }
        Reply::Joint(joint) => match joint.outcome {
            Some(outcome) => format!("{outcome}: {}", joint.reason),
            None => format!("update {} is under way", joint.update),
        },
        _ => "done".to_owned(),
    }
}
