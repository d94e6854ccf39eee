//! One rule of a policy: its name, its place, and its parts.

use cedar_policy::pst::{
    ActionConstraint, Clause, Effect as CedarEffect, PrincipalConstraint, ResourceConstraint,
    Template,
};

use crate::act::Act;
use crate::decision::Effect;

/// A rule, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Its `@id`, or its place.
    pub(crate) name: String,
    /// Its `@reason`.
    pub(crate) reason: Option<String>,
    pub(crate) effect: Effect,
    /// Line and character of it, both from 1.
    pub(crate) position: (usize, usize),
    pub(crate) body: Template,
}

impl Rule {
    /// The longest `@id`: it stands in every audit record of a decision by it.
    const MAX_NAME_BYTES: usize = 128;

    /// Takes a rule apart, or says what is wrong with its annotations.
    pub(crate) fn of(
        policy: &cedar_policy::Policy,
        position: (usize, usize),
    ) -> Result<Self, String> {
        let parts = policy.to_pst().map_err(|error| error.to_string())?;
        let body = parts.body().clone();
        // Several rules may stand on one line.
        let by_place = || format!("line-{}-{}", position.0, position.1);
        let id = policy.annotation("id").filter(|id| !id.is_empty());
        if id.is_some_and(|id| id.len() > Self::MAX_NAME_BYTES || id.chars().any(char::is_control))
        {
            return Err(format!(
                "an `@id` has at most {} bytes and no control characters",
                Self::MAX_NAME_BYTES
            ));
        }
        let effect = match body.effect {
            CedarEffect::Permit => Effect::Permit,
            CedarEffect::Forbid => Effect::Forbid,
        };
        let reason = policy.annotation("reason").filter(|reason| !reason.is_empty());
        Ok(Self {
            name: id.map_or_else(by_place, str::to_owned),
            reason: reason.map(str::to_owned),
            effect,
            position,
            body,
        })
    }

    pub(crate) const fn principal(&self) -> &PrincipalConstraint {
        &self.body.principal
    }

    pub(crate) const fn resource(&self) -> &ResourceConstraint {
        &self.body.resource
    }

    pub(crate) fn clauses(&self) -> &[Clause] {
        self.body.clauses()
    }

    /// Whether its head names the act, alone or in a group.
    pub(crate) fn names(&self, act: Act) -> bool {
        let means = |id: &str| act.name() == id || act.group().is_some_and(|g| g.name() == id);
        match &self.body.action {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(action) => action.eid == act.name(),
            ActionConstraint::In(actions) => actions.iter().any(|action| means(&action.eid)),
        }
    }

    /// Whether its head names an act that is in no group by its own name.
    pub(crate) fn names_alone(&self, act: &str) -> bool {
        match &self.body.action {
            ActionConstraint::Any => false,
            ActionConstraint::Eq(action) => action.eid == act,
            ActionConstraint::In(actions) => actions.iter().any(|action| action.eid == act),
        }
    }

    /// Whether it applies to whatever the other applies to: nothing but heads is compared.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let principal = match self.principal() {
            PrincipalConstraint::Any => true,
            mine => mine == other.principal(),
        };
        let resource = match self.resource() {
            ResourceConstraint::Any => true,
            mine => mine == other.resource(),
        };
        let acts = || Act::ALL.into_iter().filter(|act| other.names(*act));
        self.clauses().is_empty() && principal && resource && acts().all(|act| self.names(act))
    }

    /// Whether its head and conditions leave out nobody and nothing.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.is_for_anyone()
            && *self.resource() == ResourceConstraint::Any
            && Act::ALL.into_iter().all(|act| self.names(act))
    }

    /// Whether it asks nothing of whoever asks.
    pub(crate) fn is_for_anyone(&self) -> bool {
        *self.principal() == PrincipalConstraint::Any && self.clauses().is_empty()
    }
}
