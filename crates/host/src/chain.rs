//! Which calls of services led to a call, and wait for it: how deep they are, and which actors' turns they hold.

use std::sync::Arc;

use airssys_wasm_model::Name;

use crate::actor::ActorKey;

/// The calls that wait for a call's answer, each made by the guest of the one before. A call from outside has none.
#[derive(Debug, Clone, Default)]
pub struct Chain(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    service: Name,
    turn: Turn,
    depth: u32,
    before: Chain,
}

/// Whose turn a call holds while it waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nobody's: its service has no actors.
    None,
    /// That of this actor, or of the one that its service has.
    Actor(Option<ActorKey>),
}

/// A call would be deeper than calls may be: most likely services that call one another without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("calls of services are {max} deep at most: these call one another in a loop", max = Chain::DEPTH_MAX)]
pub struct TooDeep;

impl Chain {
    /// How many calls may wait for one another below the one from outside. Each holds a place of its service for as
    /// long as those below it run; requests through more services than this are seldom meant.
    pub const DEPTH_MAX: u32 = 8;

    /// How many calls wait for this one.
    pub fn depth(&self) -> u32 {
        self.0.as_ref().map_or(0, |link| link.depth)
    }

    /// Whether one of them holds the turn of this actor, which would wait for itself. `None` is the one actor of a
    /// service without a key.
    pub fn holds(&self, service: &Name, actor: Option<ActorKey>) -> bool {
        self.turns().any(|turn| turn == (service, actor))
    }

    /// The actors whose turns they hold, the latest first.
    pub fn turns(&self) -> impl Iterator<Item = (&Name, Option<ActorKey>)> {
        let links = std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref());
        links.filter_map(|link| match link.turn {
            Turn::Actor(actor) => Some((&link.service, actor)),
            Turn::None => None,
        })
    }

    /// That of the calls which the guest of a call with this one makes.
    ///
    /// # Errors
    /// When they would be too deep.
    pub(crate) fn and(&self, service: &Name, turn: Turn) -> Result<Self, TooDeep> {
        let depth = self.depth() + 1;
        if depth > Self::DEPTH_MAX {
            return Err(TooDeep);
        }
        let (service, before) = (service.clone(), self.clone());
        Ok(Self(Some(Arc::new(Link { service, turn, depth, before }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_ends_at_its_depth() {
        let service: Name = "a".parse().unwrap();
        let mut chain = Chain::default();
        for depth in 1..=Chain::DEPTH_MAX {
            chain = chain.and(&service, Turn::None).unwrap();
            assert_eq!(chain.depth(), depth);
        }
        assert_eq!(chain.and(&service, Turn::None).err(), Some(TooDeep));
    }

    #[test]
    fn a_turn_is_held_by_the_very_actor_alone() {
        let (cart, shop): (Name, Name) = ("cart".parse().unwrap(), "shop".parse().unwrap());
        let key = |text: &[u8]| ActorKey::of(text).ok();
        let chain = Chain::default().and(&cart, Turn::Actor(key(b"ada"))).unwrap();
        let chain = chain.and(&shop, Turn::None).unwrap();
        assert!(chain.holds(&cart, key(b"ada")));
        assert!(!chain.holds(&cart, key(b"bob")) && !chain.holds(&cart, None));
        assert!(!chain.holds(&shop, None), "it has no actors");
        let chain = chain.and(&shop, Turn::Actor(None)).unwrap();
        assert!(chain.holds(&shop, None) && !chain.holds(&shop, key(b"ada")));
    }
}
