//! Whose word the addresses are that a rollout asks.
//!
//! A manifest is its component's author's. Gates and metrics in it would have the node send requests to any
//! address that the author likes, from inside the operator's network; so they count when the operator says them.

use airssys_wasm_api::command::RolloutChoice;
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::{
    Endpoint, Gate, GateBy, RolloutSettings, StepAct, StepSettings, StrategyName,
};

use crate::releases::Release;

/// What a rollout would ask that only the manifest names.
pub(super) fn of_manifest(choice: &RolloutChoice, manifest: &RolloutSettings) -> Vec<Endpoint> {
    if choice.settings.is_some() {
        // In place of the manifest's.
        return Vec::new();
    }
    let strategy = choice.strategy.unwrap_or(manifest.strategy);
    let mut asked: Vec<_> = manifest.gates.iter().filter_map(|it| webhook(&it.gate)).collect();
    if matches!(strategy, StrategyName::Canary | StrategyName::Ab) {
        asked.extend(manifest.metrics.iter().map(|metric| metric.url.clone()));
    }
    if strategy == StrategyName::Canary && choice.steps.is_none() {
        asked.extend(manifest.steps.iter().filter_map(|step| match step {
            StepSettings::Act(StepAct::Gate(gate)) => webhook(gate),
            _ => None,
        }));
    }
    let mut seen = std::collections::HashSet::new();
    asked.retain(|url| seen.insert(url.clone()));
    asked
}

fn webhook(gate: &Gate) -> Option<Endpoint> {
    match &gate.by {
        GateBy::Webhook(url) => Some(url.clone()),
        GateBy::Operator => None,
    }
}

/// Refuses what the operator has not named, and says how to name it.
pub(super) fn check(release: &Release, unnamed: &[Endpoint]) -> Result<(), Failure> {
    if unnamed.is_empty() {
        return Ok(());
    }
    let urls: Vec<_> = unnamed.iter().map(Endpoint::as_str).collect();
    let message = format!(
        "the manifest of {}@{} has the node ask {} during a rollout; only its operator may",
        release.name,
        release.version,
        urls.join(", ")
    );
    Err(Failure::new(Code::Denied, message).help(
        "to allow it, write the [rollout] with the addresses to a file and add --rollout FILE \
         (`rollout.settings` of the command)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        strategy = "canary"
        steps = [5, { gate = { url = "http://step/" } }, { gate = { manual = true } }]
        metrics = [{ name = "m", url = "http://metric/", query = "q", max = 1 }]
        gates = [{ url = "http://gate/" }, { at = "end", url = "http://gate/" }]
    "#;

    fn unnamed(choice: &RolloutChoice) -> Vec<String> {
        let manifest = RolloutSettings::parse(MANIFEST).unwrap();
        of_manifest(choice, &manifest).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_rollout_would_ask_is_its_operators_to_name() {
        let silent = RolloutChoice::default();
        assert_eq!(unnamed(&silent), ["http://gate/", "http://metric/", "http://step/"]);
        let own_steps = RolloutChoice { steps: Some(vec![5.0.into()]), ..silent.clone() };
        assert_eq!(unnamed(&own_steps), ["http://gate/", "http://metric/"]);
        let at_once = RolloutChoice { strategy: Some(StrategyName::AllAtOnce), ..silent.clone() };
        assert_eq!(unnamed(&at_once), ["http://gate/"]);
        let file = RolloutSettings::parse(MANIFEST).unwrap();
        let said = RolloutChoice { settings: Some(Box::new(file)), ..silent };
        assert!(unnamed(&said).is_empty());
    }
}
