//! Message topics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::TopicAccess;
use super::kind::Kind;
use super::meeting::Ask;
use super::scope::{Scope, WordPattern};

/// Topics that a component wants to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessagingAsk {
    /// Which topic, or which ones: `orders.new`, `orders.*`, where the star is any rest.
    pub topic: WordPattern,
    /// What it does there.
    pub access: Vec<TopicAccess>,
    /// Why.
    pub reason: String,
}

impl MessagingAsk {
    fn scope(&self) -> Scope<TopicAccess> {
        Scope { name: self.topic.clone(), access: self.access.clone() }
    }
}

impl Ask for MessagingAsk {
    const KIND: Kind = Kind::Messaging;
    type Grant = Scope<TopicAccess>;
    type Right = Scope<TopicAccess>;

    fn of(grant: &Self::Grant) -> Self {
        let Scope { name, access } = grant.clone();
        Self { topic: name, access, reason: String::new() }
    }

    fn meet(&self, grant: &Self::Grant) -> Option<Self::Right> {
        self.scope().meet(grant)
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        self.scope().is_covered(before.iter().map(Self::scope))
    }

    fn said(&self) -> String {
        self.scope().said("topic")
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("messaging:{}", self.scope())]
    }
}
