//! A decision in words: which rules decided and, where none permits, what each permit would have wanted.

use std::fmt;
use std::sync::Arc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, Effect as CedarEffect, EntityOrSlot, Expr, PolicyID,
    PrincipalConstraint, ResourceConstraint, StaticPolicy, Template,
};
use cedar_policy::{Authorizer, PolicySet};
use serde::Serialize;

use crate::cedar::Question;
use crate::decision::{Because, Decision, Effect, RuleError, Verdict};
use crate::policy::Policy;
use crate::request::Request;
use crate::rule::Rule;

/// A decision in words. Printed, it is a paragraph for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Who wants to do what to what.
    pub request: String,
    /// The answer.
    pub verdict: Verdict,
    /// The rules that decided.
    pub because: Vec<Because>,
    /// Where no rule decided: the permits for this act, those that want least first.
    pub nearest: Vec<Near>,
    /// Rules that could not be evaluated.
    pub errors: Vec<RuleError>,
}

/// A permit that did not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Near {
    /// The rule's name.
    pub rule: String,
    /// Where it begins, from 1.
    pub line: usize,
    /// What it wants and does not find.
    pub wants: Vec<String>,
}

impl Policy {
    /// The most permits that an explanation names: more are no help.
    pub const MAX_NEAREST: usize = 8;

    /// Puts a decision about a request in words. Takes some times as long as deciding did: it is for who was
    /// denied and asks why.
    pub fn explain(&self, request: &Request, decision: &Decision) -> Explanation {
        let is_silent = decision.would_deny() && decision.because.is_empty();
        Explanation {
            request: request.to_string(),
            verdict: decision.verdict,
            because: decision.because.clone(),
            nearest: if is_silent { self.nearest(request) } else { Vec::new() },
            errors: decision.errors.clone(),
        }
    }

    fn nearest(&self, request: &Request) -> Vec<Near> {
        let Some(question) = Question::of(request) else { return Vec::new() };
        let is_near = |rule: &&Rule| rule.effect == Effect::Permit && rule.names(request.act());
        let near = |rule: &Rule| Near {
            rule: rule.name.clone(),
            line: rule.position.0,
            wants: wants(rule, request, &question),
        };
        let mut nearest: Vec<_> = self.rules().iter().filter(is_near).map(near).collect();
        nearest.sort_by_key(|near| near.wants.len());
        nearest.truncate(Self::MAX_NEAREST);
        nearest
    }
}

/// What the rule wants and the request does not have: its head's parts, and the first condition that fails.
fn wants(rule: &Rule, request: &Request, question: &Question) -> Vec<String> {
    let mut wants = Vec::new();
    let mut by_principal = anything();
    by_principal.principal = rule.principal().clone();
    if !holds(by_principal, question) {
        wants.push(principal_wanted(rule.principal(), request));
    }
    let mut on_resource = anything();
    on_resource.resource = rule.resource().clone();
    if !holds(on_resource, question) {
        wants.push(format!("wants `{}`", rule.resource()));
    }
    wants.extend(rule.clauses().iter().flat_map(conditions).find_map(|condition| {
        let alone = anything().try_with_clauses([condition.clone()]).ok()?;
        (!holds(alone, question)).then(|| format!("wants `{condition}`"))
    }));
    wants
}

fn principal_wanted(wanted: &PrincipalConstraint, request: &Request) -> String {
    let asker = request.principal();
    match wanted {
        PrincipalConstraint::In(EntityOrSlot::Entity(role)) if role.ty.to_string() == "Role" => {
            let has: Vec<_> = asker.roles().iter().map(|role| format!("`{role}`")).collect();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            format!("wants the role `{}`; {asker} has {has}", role.eid)
        }
        wanted => format!("wants `{wanted}`"),
    }
}

/// A clause as its parts: `when { a && b }` wants `a` and wants `b`.
fn conditions(clause: &Clause) -> Vec<Clause> {
    match clause {
        Clause::When(condition) => conjuncts(condition).into_iter().map(Clause::When).collect(),
        Clause::Unless(_) => vec![clause.clone()],
    }
}

fn conjuncts(condition: &Arc<Expr>) -> Vec<Arc<Expr>> {
    match &**condition {
        Expr::BinaryOp { op: BinaryOp::And, left, right } => {
            let mut parts = conjuncts(left);
            parts.extend(conjuncts(right));
            parts
        }
        _ => vec![Arc::clone(condition)],
    }
}

/// A permit without a condition, to be given one part of a rule.
fn anything() -> Template {
    Template::new(
        PolicyID("part".into()),
        CedarEffect::Permit,
        PrincipalConstraint::Any,
        ActionConstraint::Any,
        ResourceConstraint::Any,
    )
}

/// Whether a part of a rule applies to the request. What can't be evaluated alone does not.
fn holds(part: Template, question: &Question) -> bool {
    let Ok(part) = StaticPolicy::try_from(part) else { return false };
    let Ok(part) = cedar_policy::Policy::from_pst(cedar_policy::pst::Policy::Static(part)) else {
        return false;
    };
    let Ok(set) = PolicySet::from_policies([part]) else { return false };
    let response = Authorizer::new().is_authorized(&question.request, &set, &question.entities);
    response.decision() == cedar_policy::Decision::Allow
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Allowed => "allowed",
            Verdict::WouldDeny => "allowed in this dry run, denied otherwise",
            Verdict::Denied => "denied",
        };
        write!(f, "{}: {verdict}", self.request)?;
        for because in &self.because {
            write!(f, "\n  {because}")?;
        }
        if self.because.is_empty() {
            write!(f, "\n  no rule permits it")?;
        }
        for near in &self.nearest {
            write!(f, "\n  `{}` (line {}) {}", near.rule, near.line, near.wants.join(", and "))?;
        }
        for error in &self.errors {
            write!(f, "\n  `{}` can't be evaluated: {}", error.rule, error.message)?;
        }
        Ok(())
    }
}
