//! Which services' calls must not go unrecorded: decided for a service, and kept by whoever records them.

use cedar_policy::{Authorizer, Policy as CedarPolicy, PolicyId, PolicySet};

use crate::cedar::Question;
use crate::decision::{Because, Effect};
use crate::policy::Policy;
use crate::rule::Rule;
use crate::subject::Service;

/// The act of a call that is not recorded, as a policy names it.
pub const CALL_UNRECORDED: &str = "call-unrecorded";

impl Policy {
    /// The rules by which the calls of this service must not go unrecorded; none where they may.
    ///
    /// Only rules that name the act are asked: what forbids everything to somebody says nothing of records.
    pub fn demands_record(&self, service: &Service) -> Vec<Because> {
        let recording = self.recording();
        if recording.is_empty() {
            return Vec::new();
        }
        let Some(Question { request, entities }) = Question::of_recording(service) else {
            return self
                .rules()
                .iter()
                .filter(|rule| rule.is_recording())
                .map(Because::of)
                .collect();
        };
        let response = Authorizer::new().is_authorized(&request, recording, &entities);
        let diagnostics = response.diagnostics();
        let broken = diagnostics.errors().map(|error| {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            error.policy_id()
        });
        // One that can't be evaluated forbids.
        let decided: Vec<&PolicyId> = diagnostics.reason().chain(broken).collect();
        let is_decided =
            |rule: &&Rule| decided.iter().any(|id| AsRef::<str>::as_ref(*id) == rule.name);
        self.rules().iter().filter(is_decided).map(Because::of).collect()
    }
}

impl Rule {
    /// Whether it forbids calls to go unrecorded.
    pub(crate) fn is_recording(&self) -> bool {
        self.effect == Effect::Forbid && self.names_alone(CALL_UNRECORDED)
    }
}

/// Those of the rules that forbid calls to go unrecorded.
pub(crate) fn of(rules: &[Rule], set: &PolicySet) -> PolicySet {
    let recording = rules.iter().filter(|rule| rule.is_recording());
    let recording = recording.filter_map(|rule| set.policy(&PolicyId::new(&rule.name)).cloned());
    // Each has an id of its own, for they come from a set.
    PolicySet::from_policies(recording).unwrap_or_default()
}

/// What is wrong with a rule about records, if anything is: of a single call nothing is known when it is decided.
pub(crate) fn mistake(rule: &Rule, policy: &CedarPolicy) -> Option<String> {
    let asks = || policy.to_json().is_ok_and(|json| json.to_string().contains(CONTEXT));
    (rule.names_alone(CALL_UNRECORDED) && asks()).then(|| {
        format!("`{CALL_UNRECORDED}` is decided for a service and not for each call: leave out `context`")
    })
}

/// The word in Cedar's JSON; in a text of a rule's its quotes would be escaped.
const CONTEXT: &str = r#"{"Var":"context"}"#;
