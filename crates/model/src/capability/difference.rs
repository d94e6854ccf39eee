//! What a manifest asks for beyond its predecessor.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::kind::Kind;
use super::meeting::Ask;

/// The asks of a manifest that its predecessor's do not hold: what an operator decides on before any traffic
/// reaches the new revision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Difference(pub Vec<MoreAsked>);

/// One ask that is new, or wider than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MoreAsked {
    /// Its kind, by name: also one that this version does not know the content of.
    pub kind: String,
    /// What is asked, as a person would say it.
    pub asked: String,
    /// Why, in the manifest's words.
    pub reason: String,
}

impl Difference {
    /// Whether nothing more is asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Asked {
    /// What is asked here and was not asked by `previous`. An ask counts as new unless what was asked surely
    /// holds all of it; other words for its reason are no difference.
    pub fn more_than(&self, previous: &Self) -> Difference {
        let mut all = Vec::new();
        add(&mut all, &self.files, &previous.files);
        add(&mut all, &self.http, &previous.http);
        add(&mut all, &self.net, &previous.net);
        add(&mut all, &self.dns, &previous.dns);
        add(&mut all, &self.listen, &previous.listen);
        add(&mut all, &self.env, &previous.env);
        add(&mut all, &self.secrets, &previous.secrets);
        add(&mut all, &self.keyvalue, &previous.keyvalue);
        add(&mut all, &self.blobstore, &previous.blobstore);
        add(&mut all, &self.messaging, &previous.messaging);
        add(&mut all, &self.services, &previous.services);
        add(&mut all, &self.process, &previous.process);
        let unread = self.unenforced.iter().filter(|kind| {
            !previous.unenforced.contains(kind)
                && Kind::named(kind).is_none_or(|kind| !self.names(kind))
        });
        all.extend(unread.map(|kind| MoreAsked {
            kind: kind.clone(),
            asked: format!("`{kind}`"),
            reason: String::new(),
        }));
        Difference(all)
    }
}

fn add<A: Ask>(all: &mut Vec<MoreAsked>, asks: &[A], before: &[A]) {
    let more = asks.iter().filter(|ask| !ask.is_covered(before));
    all.extend(more.map(|ask| MoreAsked {
        kind: A::KIND.to_string(),
        asked: ask.said(),
        reason: ask.reason().to_owned(),
    }));
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, MoreAsked { kind, asked, reason }) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{kind}: {asked} ({reason})")?;
        }
        Ok(())
    }
}
