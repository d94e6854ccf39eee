//! Commands that change something: recorded before they are carried out, and again with what came of them.
//!
//! The first record is on the disk before anything is done, so nothing is done that is not recorded. The second
//! follows within the trail's window; a node that dies in between has recorded who asked for what, and its
//! services' history says whether it was done.
//!
//! What comes to nothing before the policy has let it through is noted, and like refusals of one principal are
//! counted as a guest's denials are: whoever may not do a thing cannot fill the trail by trying.

use std::iter;
use std::sync::Arc;
use std::time::SystemTime;

use airssys_wasm_api::command::{RollbackTo, Source, Update};
use airssys_wasm_api::{By, Code, Command, Failure, Reply};
use airssys_wasm_model::{Digest, Grant, Grants, Name, RevisionNumber};
use airssys_wasm_store::audit::{Decision, Entry, Kind};

use super::levels::{CONTROL, UPLOAD};
use super::trail::Trail;

/// A command on its way, as the trail has it.
pub(crate) struct Act {
    trail: Arc<Trail>,
    kind: Kind,
    service: Option<Name>,
    target: String,
    who: Arc<str>,
    request: Arc<str>,
    asked: String,
    state: State,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody has said that it may be done.
    Undecided,
    /// It may, and changes nothing: a plan.
    Planned,
    /// It may, and that it was asked for is on the disk.
    Recorded,
}

impl Act {
    pub(crate) fn of(trail: &Arc<Trail>, command: &Command, by: &By) -> Self {
        Self {
            trail: Arc::clone(trail),
            kind: Kind::control(command.name()),
            service: service(command),
            target: target(command),
            who: by.who.as_str().into(),
            request: by.request_id.as_str().into(),
            asked: asked(command),
            state: State::Undecided,
        }
    }

    /// Records a command that is about to be carried out: it may be, and nothing of it is done yet. One that only
    /// asks for a plan is not waited for.
    ///
    /// # Errors
    /// When it cannot be recorded: then it must not be carried out.
    pub(crate) async fn begin(&mut self, plan_only: bool) -> Result<(), Failure> {
        if plan_only {
            self.state = State::Planned;
            return Ok(());
        }
        let recorded = self.trail.record(self.entry(Decision::Allowed, &self.asked)).await;
        recorded.map_err(|failure| Failure {
            message: format!("nothing was changed, for it can't be recorded: {}", failure.message),
            ..failure
        })?;
        self.state = State::Recorded;
        Ok(())
    }

    /// Records what came of it.
    pub(crate) async fn end(self, done: &Result<Reply, Failure>) {
        let outcome = match (self.state, done) {
            (State::Undecided, Err(why)) => return self.come_to_nothing(why),
            (State::Planned, done) => {
                let detail = match done {
                    Ok(_) => format!("{}: a plan, and nothing was changed", self.asked),
                    Err(failure) => format!("no plan ({}): {}", failure.code, failure.message),
                };
                self.entry(Decision::Allowed, &detail)
            }
            (_, done) => self.outcome(done),
        };
        // A disk that is full has room for commands, but only for those who wait until it is found.
        if !self.trail.note(outcome.clone())
            && self.state == State::Recorded
            && let Err(failure) = self.trail.record(outcome).await
        {
            tracing::error!(request = %self.request, "what came of a command is not recorded: {failure}");
        }
    }

    fn come_to_nothing(&self, why: &Failure) {
        let what = spoken(self.kind.name(), self.service.as_ref(), &self.target);
        let mut entry = refusal(&what, &self.who, &self.request, why);
        entry.service = self.service.as_ref().map(|service| service.as_str().into());
        self.trail.note(entry);
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

impl Trail {
    /// Notes what the policy refused: a command before it was looked at any further. Nobody waits for it, and whoever
    /// keeps asking is counted.
    pub(crate) fn refused(self: &Arc<Self>, command: &Command, by: &By, why: &Failure) {
        Act::of(self, command, by).come_to_nothing(why);
    }

    /// The same of what is no command: bytes that are brought, numbers that are read.
    pub(crate) fn refused_access(&self, what: &str, by: &By, why: &Failure) {
        self.note(refusal(what, &by.who, &by.request_id, why));
    }

    /// Notes what the policy would refuse, were it enforced.
    pub(crate) fn would_be_refused(&self, what: &str, by: &By) {
        let mut entry = Entry::new(SystemTime::now(), CONTROL, what, Decision::WouldBeDenied);
        entry.call = Some(by.request_id.as_str().into());
        entry.principal = Some(by.who.as_str().into());
        entry.detail = Some("the policy is not enforced".into());
        self.note(entry);
    }

    /// Notes bytes that were brought to the node.
    pub(crate) fn uploaded(&self, digest: &Digest, size_bytes: u64, by: &By) {
        let mut entry =
            Entry::new(SystemTime::now(), UPLOAD, digest.to_string(), Decision::Allowed);
        entry.call = Some(by.request_id.as_str().into());
        entry.principal = Some(by.who.as_str().into());
        entry.detail = Some(format!("{size_bytes} bytes").into());
        self.note(entry);
    }
}

/// Of no kind of command, so that like ones are counted.
fn refusal(what: &str, who: &str, request: &str, why: &Failure) -> Entry {
    let mut entry = Entry::new(SystemTime::now(), CONTROL, what, Decision::Denied);
    entry.call = Some(request.into());
    entry.principal = Some(who.into());
    entry.detail = Some(why.message.as_str().into());
    entry
}

/// A command in words, in which those that differ differ.
fn spoken(command: &str, service: Option<&Name>, target: &str) -> String {
    let service = service.map(Name::as_str).filter(|service| *service != target);
    let words = [Some(command), service, Some(target)];
    words.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
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
        Command::AddGrants(add) => named(&add.grants.0),
        Command::RevokeGrants(revoke) if revoke.all => "all".to_owned(),
        Command::RevokeGrants(revoke) => named(&revoke.grants.0),
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
    let of_update = |update: &Update| granting(update.grants.as_ref(), update.grant_asked);
    let granting = match command {
        Command::Deploy(deploy) => granting(Some(&deploy.grants), deploy.grant_asked),
        Command::Update(update) => of_update(update),
        Command::Updates(several) => {
            let each = several.updates.iter().flat_map(|update| {
                let words = of_update(update).into_iter();
                words.map(|words| format!("`{}` {words}", update.service))
            });
            each.collect()
        }
        _ => Vec::new(),
    };
    let words: Vec<_> = iter::once("asked for".to_owned()).chain(granting).collect();
    words.join(", ")
}

fn granting(grants: Option<&Grants>, all_asked: bool) -> Vec<String> {
    let named = grants.filter(|grants| !grants.0.is_empty());
    let named = named.map(|grants| format!("granting {}", self::named(&grants.0)));
    let all = all_asked.then(|| "granting all that it asks for".to_owned());
    named.into_iter().chain(all).collect()
}

fn named(grants: &[Grant]) -> String {
    let grants: Vec<_> = grants.iter().map(without_value).collect();
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
            format!("done, and with it {}", named(&report.also_revoked))
        }
        Reply::Joint(joint) => match joint.outcome {
            Some(outcome) => format!("{outcome}: {}", joint.reason),
            None => format!("update {} is under way", joint.update),
        },
        _ => "done".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use airssys_wasm_api::command::{UpdateOrder, Updates};

    use super::*;

    #[test]
    fn what_is_granted_is_said_for_each_of_several_and_no_value_of_a_variable() {
        let grants =
            |texts: &[&str]| Some(Grants(texts.iter().map(|text| text.parse().unwrap()).collect()));
        let update = |service: &str| Update::of(service.parse().unwrap());
        let one = Update { grants: grants(&["env:TOKEN=secret", "env:TZ"]), ..update("orders") };
        let alone = asked(&Command::Update(one.clone()));
        assert_eq!(alone, "asked for, granting env:TOKEN env:TZ");
        let other = Update { grant_asked: true, ..update("billing") };
        let updates = vec![one, other, update("mail")];
        let order = UpdateOrder::Together;
        let several = Updates { updates, order, detached: false, plan_only: false };
        assert_eq!(
            asked(&Command::Updates(several)),
            "asked for, `orders` granting env:TOKEN env:TZ, `billing` granting all that it asks for"
        );
    }
}
