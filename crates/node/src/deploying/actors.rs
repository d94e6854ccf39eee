//! What an update of an actor may do: its state is in one place, and so are its calls.
//!
//! Without a key there is one state, and nothing to split. With one, each key lives on one revision: shares are of
//! keys, rules look at the key, and the key stays the same one from revision to revision.

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::ServiceRecord;
use airssys_wasm_model::{
    InstanceModel, Instances, Match, Name, RolloutSettings, StepAct, StepSettings, StickyBy,
    StrategyName,
};

/// A rollout to a revision with these instances keeps each actor's state in one place.
pub(super) fn check_actors(
    record: &ServiceRecord,
    rollout: &RolloutSettings,
    to: &Instances,
) -> Result<(), Failure> {
    let active = record.active().map(|active| &active.settings.instances);
    let name = &record.name;
    if let Some(active) = active.filter(|it| is_actor(it) && is_actor(to)) {
        check_same_key(name, active, to)?;
    }
    if ![active, Some(to)].into_iter().flatten().any(is_actor) {
        return Ok(());
    }
    let strategy = rollout.strategy;
    if strategy == StrategyName::Shadow || mirrors(rollout) {
        return Err(refused(format!(
            "`{name}` is an actor, so its calls cannot be copied: a copy would change its state"
        )));
    }
    if !matches!(strategy, StrategyName::Canary | StrategyName::Ab) {
        return Ok(());
    }
    match (active.map(|active| &active.key), &to.key) {
        (Some(Some(key)), Some(_)) => check_split(name, rollout, key),
        // There is nothing to split with.
        (None, _) => Ok(()),
        (Some(_), _) => Err(refused(format!(
            "`{name}` is an actor without a key, before or after this, so {strategy} cannot split its calls: \
             it has one state"
        ))),
    }
}

fn is_actor(instances: &Instances) -> bool {
    instances.model == InstanceModel::Actor
}

/// States are found by the key's value: under another key, or none, each caller would lose its own.
fn check_same_key(name: &Name, active: &Instances, to: &Instances) -> Result<(), Failure> {
    if active.key == to.key {
        return Ok(());
    }
    let said = |key: &Option<StickyBy>| match key {
        Some(key) => format!("the key `{key}`"),
        None => "no key".to_owned(),
    };
    let (was, is) = (said(&active.key), said(&to.key));
    let message = format!(
        "the actors of `{name}` have {was}, and this release says {is}: their states would be lost"
    );
    Err(Failure::new(Code::Conflict, message).help("deploy it under another name with --name"))
}

/// Whatever decides beside the split looks at the key alone.
fn check_split(name: &Name, rollout: &RolloutSettings, key: &StickyBy) -> Result<(), Failure> {
    let experiment = &rollout.experiment;
    if rollout.strategy == StrategyName::Ab {
        if let Some(by) = experiment.sticky.as_ref().filter(|by| *by != key) {
            return Err(Failure::new(
                Code::Usage,
                format!(
                    "the calls of `{name}` stick to its actors' key, `{key}`, and not to `{by}`"
                ),
            )
            .help("leave `sticky` out"));
        }
        return experiment.only.iter().try_for_each(|when| check_rule(name, when, key));
    }
    rollout.steps.iter().try_for_each(|step| match step {
        StepSettings::Act(StepAct::Match(when)) => check_rule(name, when, key),
        _ => Ok(()),
    })
}

fn check_rule(name: &Name, when: &Match, key: &StickyBy) -> Result<(), Failure> {
    let other = when.conditions().iter().find(|it| !key.decides(it.attribute()));
    let Some(other) = other else { return Ok(()) };
    let message = format!(
        "the rule `{when}` looks at `{}`, by which one key of `{name}` could be on two revisions at once",
        other.attribute()
    );
    let help = match key {
        StickyBy::Address => "leave it out: no rule can tell addresses".to_owned(),
        StickyBy::Key => "match on header:x-airssys-key, which is its actors' key".to_owned(),
        key => format!("match on {key}, which is its actors' key"),
    };
    Err(Failure::new(Code::Usage, message).help(help))
}

fn mirrors(rollout: &RolloutSettings) -> bool {
    let mirrors = |step: &StepSettings| matches!(step, StepSettings::Act(StepAct::Mirror(_)));
    rollout.strategy == StrategyName::Canary && rollout.steps.iter().any(mirrors)
}

fn refused(message: String) -> Failure {
    Failure::new(Code::Usage, message).help("use --strategy blue-green or all-at-once")
}

#[cfg(test)]
mod tests {
    use airssys_wasm_deploy::Timestamp;

    use super::*;
    use crate::testing;

    fn actor(key: Option<&str>) -> Instances {
        let key = key.map(|key| key.parse().unwrap());
        Instances { model: InstanceModel::Actor, key, ..Instances::default() }
    }

    fn active(instances: Instances) -> ServiceRecord {
        let mut record = ServiceRecord::new("a".parse().unwrap());
        let settings = airssys_wasm_deploy::RevisionSettings { instances, ..testing::revision() };
        record.active = Some(record.add_revision(settings, "tester", "test", Timestamp::now()));
        record
    }

    fn rollout(text: &str) -> RolloutSettings {
        RolloutSettings::parse(text).unwrap()
    }

    #[test]
    fn keys_are_split_by_what_looks_at_the_key_alone() {
        let key = Some("header:x-user");
        let record = active(actor(key));
        let check = |text: &str| check_actors(&record, &rollout(text), &actor(key));
        for sound in [
            "strategy = \"canary\"",
            "strategy = \"ab\"",
            "strategy = \"blue-green\"",
            "strategy = \"canary\"\nsteps = [{ match = [\"header:x-user=ada\"] }, { observe = \"1s\" }, 50]",
            "strategy = \"ab\"\n[experiment]\nsticky = \"header:x-user\"",
        ] {
            check(sound).unwrap_or_else(|failure| panic!("{sound}: {failure}"));
        }
        for (refused, words) in [
            ("strategy = \"shadow\"", "cannot be copied"),
            (
                "strategy = \"canary\"\nsteps = [{ mirror = 5 }, { observe = \"1s\" }]",
                "cannot be copied",
            ),
            (
                "strategy = \"canary\"\nsteps = [{ match = [\"header:x-user=ada\", \"path=/a\"] }]",
                "looks at `path`",
            ),
            ("strategy = \"ab\"\n[experiment]\nmatch = [\"header:x-beta\"]", "two revisions"),
            ("strategy = \"ab\"\n[experiment]\nsticky = \"cookie:session\"", "and not to"),
        ] {
            let failure = check(refused).unwrap_err();
            assert_eq!(failure.code, Code::Usage, "{refused}");
            assert!(failure.message.contains(words), "{refused}: {failure}");
        }
    }

    #[test]
    fn what_has_no_key_is_not_split_and_a_key_does_not_change() {
        let fresh = Instances::default();
        let (user, other) = (actor(Some("header:x-user")), actor(Some("cookie:user")));
        let (canary, blue_green) = ("strategy = \"canary\"", "strategy = \"blue-green\"");
        for (from, to) in [(&actor(None), &actor(None)), (&fresh, &user), (&user, &fresh)] {
            let record = active(from.clone());
            let failure = check_actors(&record, &rollout(canary), to).unwrap_err();
            assert!(failure.message.contains("without a key"), "{failure}");
            assert!(check_actors(&record, &rollout(blue_green), to).is_ok());
        }
        for (from, to) in [(&user, &other), (&user, &actor(None)), (&actor(None), &user)] {
            let failure =
                check_actors(&active(from.clone()), &rollout(blue_green), to).unwrap_err();
            assert_eq!(failure.code, Code::Conflict, "{failure}");
        }
    }
}
