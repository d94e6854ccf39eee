//! What a call is routed by.

use airssys_wasm_model::{Attribute, Match, StickyBy};

/// What routing may want to know of a call. Nothing is asked of it unless the live table has a rule or sticks.
///
/// A value is lent to a closure, so that one which has to be made up (an address as text, a decoded query) can
/// be made up on the stack.
pub trait Attributes {
    /// Lends the attribute's value, or `None` where the call has no such attribute.
    fn value<R>(&self, of: &Attribute, see: impl FnOnce(Option<&[u8]>) -> R) -> R;

    /// Lends the key that a sticky split goes by.
    fn key<R>(&self, by: &StickyBy, see: impl FnOnce(Option<&[u8]>) -> R) -> R;
}

/// A call of which nothing is known.
impl Attributes for () {
    fn value<R>(&self, _: &Attribute, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        see(None)
    }

    fn key<R>(&self, _: &StickyBy, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        see(None)
    }
}

/// Whether a call meets every condition.
pub(super) fn meets(call: &impl Attributes, when: &Match) -> bool {
    when.conditions().iter().all(|condition| {
        let passes = |value: Option<&[u8]>| value.is_some_and(|it| condition.test().passes(it));
        call.value(condition.attribute(), passes)
    })
}
