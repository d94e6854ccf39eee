//! Actors that would wait for one another in a ring, found when the call that closes it begins to wait.
//!
//! A call that an actor's guest makes is over before that actor's turn is, and so before the turns of all actors on its
//! chain are. While it waits for the turn of another, each of them waits for that one. A call whose own actors are
//! waited for by the one that it would wait for is refused: it would wait until its limit, and so would they.
//!
//! What a guest waits for besides its calls is not known here, nor what calls wait for at a service without actors.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airssys_wasm_host::ActorKey;
use airssys_wasm_model::Name;

/// A call that would wait for its own caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the actor that it is for waits for its caller, by itself or through others")]
pub(crate) struct Looped;

/// Which actors of a node wait for the turns of which. Only a call that has to wait, and that an actor made, comes here.
#[derive(Default)]
pub(crate) struct Waits {
    /// Guards a search and a change, never across an await. As large as the calls that wait, which the queues of their
    /// services bound, times the depth of calls.
    edges: Mutex<Edges>,
}

/// For each actor those that it waits for: several where its guest sends several requests at once.
#[derive(Default)]
struct Edges(HashMap<Actor, Vec<Actor>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Actor {
    service: Name,
    /// Nothing for the one actor of a service without a key.
    key: Option<ActorKey>,
}

/// That a call waits for an actor's turn, until it is dropped.
pub(crate) struct Wait {
    waits: Arc<Waits>,
    holders: Vec<Actor>,
    of: Actor,
}

/// Waiting actors that a search looks at: some tenths of a millisecond under the lock. In a node where one waits for more
/// than so many, a ring among them is ended by the limits on time, as if it had not been looked for.
const SEARCHED_MAX: usize = 4_096;

impl Waits {
    /// A call that holds the turns of these actors waits for that of another from now on. One from outside holds none,
    /// and closes no ring.
    ///
    /// # Errors
    /// When that actor waits for one of these.
    pub(crate) fn begin<'a>(
        self: &Arc<Self>,
        turns: impl Iterator<Item = (&'a Name, Option<ActorKey>)>,
        service: &Name,
        key: Option<ActorKey>,
    ) -> Result<Option<Wait>, Looped> {
        let actor = |(service, key): (&Name, _)| Actor { service: service.clone(), key };
        let holders: Vec<Actor> = turns.map(actor).collect();
        if holders.is_empty() {
            return Ok(None);
        }
        let of = actor((service, key));
        let mut edges = self.edges();
        if edges.lead(&of, &holders) {
            return Err(Looped);
        }
        for holder in &holders {
            edges.0.entry(holder.clone()).or_default().push(of.clone());
        }
        drop(edges);
        Ok(Some(Wait { waits: Arc::clone(self), holders, of }))
    }

    fn edges(&self) -> MutexGuard<'_, Edges> {
        // Nothing panics while it is held.
        self.edges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Edges {
    /// Whether this actor waits for one of those, by itself or through others.
    fn lead(&self, from: &Actor, to: &[Actor]) -> bool {
        let (mut seen, mut next) = (HashSet::new(), vec![from]);
        while let Some(actor) = next.pop() {
            if to.contains(actor) {
                return true;
            }
            if seen.len() < SEARCHED_MAX && seen.insert(actor) {
                next.extend(self.0.get(actor).into_iter().flatten());
            }
        }
        false
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut edges = self.waits.edges();
        for holder in &self.holders {
            let Some(waited) = edges.0.get_mut(holder) else { continue };
            if let Some(at) = waited.iter().position(|actor| *actor == self.of) {
                waited.swap_remove(at);
            }
            if waited.is_empty() {
                edges.0.remove(holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn key(text: &str) -> Option<ActorKey> {
        ActorKey::of(text.as_bytes()).ok()
    }

    /// A call that holds these turns waits for this actor.
    fn begin(
        waits: &Arc<Waits>,
        turns: &[(&str, &str)],
        (service, of): (&str, &str),
    ) -> Result<Option<Wait>, Looped> {
        let turns: Vec<_> = turns.iter().map(|(service, of)| (name(service), key(of))).collect();
        let turns = turns.iter().map(|(service, key)| (service, *key));
        waits.begin(turns, &name(service), key(of))
    }

    #[test]
    fn the_call_that_would_close_a_ring_is_refused_however_many_are_in_it() {
        let waits = Arc::new(Waits::default());
        let begin = |from, to| begin(&waits, &[(from, "")], (to, ""));
        let line: Vec<_> = ["a", "b", "c", "d"]
            .windows(2)
            .map(|two| begin(two[0], two[1]).expect("a line is no ring"))
            .collect();
        for closing in ["a", "b", "c"] {
            assert_eq!(begin("d", closing).err(), Some(Looped), "d waits for {closing}");
        }
        drop(begin("a", "d").expect("two ways to one are no ring"));
        drop(begin("d", "e").expect("e waits for nobody"));
        drop(line);
        assert!(waits.edges().0.is_empty(), "what is over is forgotten");
        drop(begin("d", "a").expect("none of them waits any more"));
    }

    #[test]
    fn an_actor_is_one_key_and_waits_for_what_any_call_below_it_waits_for() {
        let waits = Arc::new(Waits::default());
        let wait = begin(&waits, &[("relay", ""), ("cart", "ada")], ("stock", "7")).unwrap();
        let back =
            |stock: &str, cart: &str| begin(&waits, &[("stock", stock)], ("cart", cart)).map(drop);
        assert_eq!(back("7", "ada"), Err(Looped));
        assert_eq!(back("7", "bob"), Ok(()), "another cart waits for nobody");
        assert_eq!(back("8", "ada"), Ok(()), "that of another key is not waited for");
        let outside = begin(&waits, &[], ("cart", "ada")).unwrap();
        assert!(outside.is_none(), "from outside nobody's turn is held");
        drop(wait);
        assert_eq!(back("7", "ada"), Ok(()));
    }

    #[test]
    fn a_search_ends_where_very_many_wait() {
        let waits = Arc::new(Waits::default());
        let begin = |from: usize, to: usize| {
            begin(&waits, &[("cart", &from.to_string())], ("cart", &to.to_string()))
        };
        let last = SEARCHED_MAX + 10;
        let line: Vec<_> = (0..last).map(|from| begin(from, from + 1).unwrap()).collect();
        assert_eq!(begin(last, 100).err(), Some(Looped));
        assert!(begin(last, 0).is_ok(), "it waits until its limit");
        drop(line);
    }
}
