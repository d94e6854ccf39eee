//! Deciding, and what a decision says.

use std::fmt;

use cedar_policy::{AuthorizationError, Authorizer};
use serde::{Deserialize, Serialize};

use crate::cedar::Question;
use crate::policy::Policy;
use crate::request::Request;
use crate::rule::Rule;

/// Whether a denial stops anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// What is denied is not done.
    #[default]
    Enforce,
    /// What would be denied is done, and the decision says so.
    DryRun,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may be done.
    Allowed,
    /// It may be done because the policy is not enforced.
    WouldDeny,
    /// It may not be done.
    Denied,
}

/// What a rule does where it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Allows, where no rule forbids.
    Permit,
    /// Denies, whatever permits.
    Forbid,
}

/// An answer, and the rules that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// The rules that decided. Empty in a denial: no rule permits it.
    pub because: Vec<Because>,
    /// Rules that could not be evaluated, and why. A permit of these permits nothing; a forbid of these
    /// forbids, and is among `because`.
    pub errors: Vec<RuleError>,
}

/// A rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    /// Its `@id`, or `line-LINE-COLUMN`.
    pub rule: String,
    /// What it does.
    pub effect: Effect,
    /// Its `@reason`.
    pub reason: Option<String>,
    /// Where it begins, from 1.
    pub line: usize,
}

/// A rule that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleError {
    /// Its name.
    pub rule: String,
    /// Why.
    pub message: String,
}

impl Policy {
    /// Decides. Denies what no rule permits, and what any rule forbids.
    ///
    /// Unlike in Cedar itself, a forbid that can't be evaluated forbids: what a rule was to stop must not
    /// pass because the rule overflowed.
    pub fn decide(&self, request: &Request, enforcement: Enforcement) -> Decision {
        let denied = match enforcement {
            Enforcement::Enforce => Verdict::Denied,
            Enforcement::DryRun => Verdict::WouldDeny,
        };
        let Some(question) = Question::of(request) else {
            let error = RuleError { rule: String::new(), message: "not a request".to_owned() };
            return Decision { verdict: denied, because: Vec::new(), errors: vec![error] };
        };
        let response =
            Authorizer::new().is_authorized(&question.request, self.set(), &question.entities);
        let errors: Vec<_> = response.diagnostics().errors().map(rule_error).collect();
        let is_broken = |rule: &Rule| {
            rule.effect == Effect::Forbid && errors.iter().any(|error| error.rule == rule.name)
        };
        let broken: Vec<_> = self.rules().iter().filter(|rule| is_broken(rule)).collect();
        let is_allowed = response.decision() == cedar_policy::Decision::Allow && broken.is_empty();
        let decided = |rule: &&Rule| {
            response.diagnostics().reason().any(|id| AsRef::<str>::as_ref(id) == rule.name)
        };
        // In the order of the text. A permit is no reason for a denial.
        let mut because: Vec<&Rule> = self.rules().iter().filter(decided).collect();
        because.extend(broken);
        because.retain(|rule| is_allowed || rule.effect == Effect::Forbid);
        because.sort_by_key(|rule| rule.position);
        Decision {
            verdict: if is_allowed { Verdict::Allowed } else { denied },
            because: because.into_iter().map(Because::of).collect(),
            errors,
        }
    }
}

impl Decision {
    /// Whether it may be done. In a dry run everything may.
    pub fn is_allowed(&self) -> bool {
        self.verdict != Verdict::Denied
    }

    /// Whether the policy says no, be it enforced or not.
    pub fn would_deny(&self) -> bool {
        self.verdict != Verdict::Allowed
    }
}

impl Because {
    pub(crate) fn of(rule: &Rule) -> Self {
        Self {
            rule: rule.name.clone(),
            effect: rule.effect,
            reason: rule.reason.clone(),
            line: rule.position.0,
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Permit => "permits",
            Effect::Forbid => "forbids",
        };
        write!(f, "`{}` (line {}) {effect} it", self.rule, self.line)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

fn rule_error(error: &AuthorizationError) -> RuleError {
    let AuthorizationError::PolicyEvaluationError(error) = error;
    RuleError { rule: error.policy_id().to_string(), message: error.inner().to_string() }
}
