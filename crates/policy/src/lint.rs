//! What looks like a mistake in a policy that is correct: rules for everyone, and rules without effect.

use crate::act::Act;
use crate::decision::Effect;
use crate::finding::{Finding, Severity};
use crate::recording::CALL_UNRECORDED;
use crate::rule::Rule;

/// Warnings about these rules, besides those of Cedar's validator (which finds rules that never apply, and
/// characters that look like others).
pub(crate) fn check(rules: &[Rule]) -> Vec<Finding> {
    let mut found: Vec<_> = rules.iter().filter_map(too_wide).collect();
    found.extend(rules.iter().filter_map(|rule| without_effect(rule, rules)));
    found.extend(rules.iter().filter_map(permits_what_may_be));
    found.extend(locked_out(rules));
    found
}

fn too_wide(rule: &Rule) -> Option<Finding> {
    let (message, help) = match rule.effect {
        Effect::Permit if rule.is_unlimited() => {
            ("this lets everyone do everything", "name a role: `principal in Role::\"admin\"`")
        }
        Effect::Permit if rule.is_for_anyone() => (
            "this is for everyone, also for a token without a role",
            "name a role: `principal in Role::\"reader\"`",
        ),
        Effect::Forbid if rule.is_unlimited() => {
            ("this forbids everything to everyone", "name what is forbidden, or add `when`")
        }
        Effect::Permit | Effect::Forbid => return None,
    };
    Some(warning(rule, message.to_owned(), help.to_owned()))
}

/// A permit that another rule without conditions makes useless. Of two that say the same, the second.
fn without_effect(rule: &Rule, rules: &[Rule]) -> Option<Finding> {
    if rule.effect == Effect::Forbid {
        return None;
    }
    let forbids = |other: &&Rule| other.effect == Effect::Forbid && other.covers(rule);
    if let Some(other) = rules.iter().find(forbids) {
        let message = format!("this never permits anything: `{}` forbids all of it", other.name);
        return Some(warning(rule, message, "remove one of them, or narrow the forbid".to_owned()));
    }
    let permits = |other: &&Rule| {
        let is_other = other.position != rule.position;
        let is_first = !rule.covers(other) || other.position < rule.position;
        is_other && is_first && other.effect == Effect::Permit && other.covers(rule)
    };
    let other = rules.iter().find(permits)?;
    let message = format!("this adds nothing: `{}` permits all of it", other.name);
    Some(warning(rule, message, "remove it".to_owned()))
}

/// Calls go unrecorded where nothing forbids it.
fn permits_what_may_be(rule: &Rule) -> Option<Finding> {
    let permits = rule.effect == Effect::Permit && rule.names_alone(CALL_UNRECORDED);
    permits.then(|| {
        let message = format!("nobody is asked for a permit of `{CALL_UNRECORDED}`");
        warning(rule, message, "forbid it where calls have to be recorded".to_owned())
    })
}

/// A policy that nobody may replace can be replaced by no one who is asked for a token.
fn locked_out(rules: &[Rule]) -> Option<Finding> {
    let lets = |rule: &Rule| rule.effect == Effect::Permit && rule.names(Act::SetPolicy);
    (!rules.iter().any(lets)).then(|| Finding {
        severity: Severity::Warning,
        line: 1,
        column: 1,
        policy: None,
        message: "nobody may replace this policy: no rule permits `set-policy`".to_owned(),
        help: Some("permit it to a role".to_owned()),
    })
}

fn warning(rule: &Rule, message: String, help: String) -> Finding {
    let (line, column) = rule.position;
    let policy = Some(rule.name.clone());
    Finding { severity: Severity::Warning, line, column, policy, message, help: Some(help) }
}
