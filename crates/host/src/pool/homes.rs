//! Instances that wait with an actor's state in them, of a revision with an actor for each key.
//!
//! An instance has the calls of one actor alone and is dropped when its place is needed for another's: what a
//! guest keeps beside its state would otherwise go from one caller to the next. So an instance that waits is no
//! more than a saved start, and which of them go is a matter of speed: those whose actor was called longest ago.

use std::collections::{BTreeMap, HashMap};

use crate::actor::ActorKey;

/// What waits, by the actor that it is of. No actor has two: its calls take turns.
pub(crate) struct Homes<I> {
    waiting: HashMap<ActorKey, (u64, I)>,
    /// The same, by when they came: the one that has waited longest first.
    order: BTreeMap<u64, ActorKey>,
    next: u64,
    /// What came before this has waited since the pool was asked to rest.
    rested: u64,
}

impl<I> Homes<I> {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes the one of this actor.
    pub(crate) fn take(&mut self, actor: ActorKey) -> Option<I> {
        let (since, instance) = self.waiting.remove(&actor)?;
        self.order.remove(&since);
        Some(instance)
    }

    /// Lets one wait. Gives back the actor's former one, which is behind it.
    pub(crate) fn put(&mut self, actor: ActorKey, instance: I) -> Option<I> {
        let former = self.take(actor);
        let since = self.next;
        self.next += 1;
        self.order.insert(since, actor);
        self.waiting.insert(actor, (since, instance));
        former
    }

    /// Takes out what is beyond so many, those that have waited longest.
    pub(crate) fn keep(&mut self, count: usize) -> Vec<I> {
        let beyond = self.len().saturating_sub(count);
        (0..beyond).map_while(|_| self.take_oldest()).collect()
    }

    /// Takes out what has waited since this was asked last.
    pub(crate) fn rest(&mut self) -> Vec<I> {
        let mut resting = Vec::new();
        while let Some((&since, _)) = self.order.first_key_value()
            && since < self.rested
        {
            resting.extend(self.take_oldest());
        }
        self.rested = self.next;
        resting
    }

    /// Takes out those that this says of.
    pub(crate) fn leave_out(&mut self, mut is_out: impl FnMut(&I) -> bool) -> Vec<I> {
        let out = self.waiting.extract_if(|_, (_, instance)| is_out(instance));
        let out: Vec<_> = out.collect();
        let gone = out.into_iter().map(|(_, (since, instance))| {
            self.order.remove(&since);
            instance
        });
        gone.collect()
    }

    /// All of them.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = I> {
        self.waiting.into_values().map(|(_, instance)| instance)
    }

    fn take_oldest(&mut self) -> Option<I> {
        let (_, actor) = self.order.pop_first()?;
        self.waiting.remove(&actor).map(|(_, instance)| instance)
    }
}

impl<I> Default for Homes<I> {
    fn default() -> Self {
        let (waiting, order) = (HashMap::new(), BTreeMap::new());
        Self { waiting, order, next: 0, rested: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(name: &str) -> ActorKey {
        ActorKey::of(name.as_bytes()).unwrap()
    }

    #[test]
    fn an_actor_finds_its_own_and_those_that_waited_longest_go_first() {
        let mut homes = Homes::default();
        for (name, number) in [("a", 1), ("b", 2), ("c", 3)] {
            assert_eq!(homes.put(actor(name), number), None);
        }
        assert_eq!(homes.put(actor("a"), 4), Some(1), "one for each actor");
        assert_eq!(homes.keep(2), [2]);
        assert_eq!((homes.take(actor("b")), homes.take(actor("a"))), (None, Some(4)));
        assert_eq!(homes.len(), 1);
    }

    #[test]
    fn what_has_waited_since_the_last_rest_goes() {
        let mut homes = Homes::default();
        homes.put(actor("a"), 1);
        assert!(homes.rest().is_empty());
        homes.put(actor("b"), 2);
        assert_eq!(homes.rest(), [1]);
        assert_eq!(homes.rest(), [2]);
        assert!(homes.len() == 0 && homes.rest().is_empty());
    }
}
