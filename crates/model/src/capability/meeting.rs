//! How asks and grants of one kind meet.

use super::kind::Kind;
use super::missing::MissingGrant;

/// What a manifest asks for of one kind.
pub(super) trait Ask: Sized {
    const KIND: Kind;
    type Grant;
    type Right;

    /// The ask that this grant answers exactly, for a file that has no way to ask.
    fn of(grant: &Self::Grant) -> Self;

    /// What both allow, if that is anything.
    fn meet(&self, grant: &Self::Grant) -> Option<Self::Right>;

    /// Whether what was asked before surely holds all of this one.
    fn is_covered(&self, before: &[Self]) -> bool;

    /// What is asked, as a person would say it.
    fn said(&self) -> String;

    fn reason(&self) -> &str;

    /// The grants that would allow it.
    fn suggestions(&self) -> Vec<String>;
}

/// The asks of one kind while the grants come by.
pub(super) struct Meeting<'a, A: Ask> {
    asks: &'a [A],
    met: Vec<bool>,
    unstated: bool,
    pub(super) rights: Vec<A::Right>,
}

impl<'a, A: Ask> Meeting<'a, A> {
    pub(super) fn new(asks: &'a [A], unstated: bool) -> Self {
        Self { asks, met: vec![false; asks.len()], unstated, rights: Vec::new() }
    }

    /// Adds what the grant allows of what is asked. Says whether that is anything.
    pub(super) fn add(&mut self, grant: &A::Grant) -> bool {
        if self.unstated {
            self.rights.extend(A::of(grant).meet(grant));
            return true;
        }
        let before = self.rights.len();
        for (ask, met) in self.asks.iter().zip(&mut self.met) {
            if let Some(right) = ask.meet(grant) {
                self.rights.push(right);
                *met = true;
            }
        }
        self.rights.len() > before
    }

    /// The asks that no grant has touched.
    pub(super) fn missing(&self) -> impl Iterator<Item = MissingGrant> {
        let unmet = self.asks.iter().zip(&self.met).filter(|(_, met)| !**met);
        unmet.flat_map(|(ask, _)| {
            ask.suggestions().into_iter().map(|grant| MissingGrant {
                asked: ask.said(),
                reason: ask.reason().to_owned(),
                grant,
            })
        })
    }
}
