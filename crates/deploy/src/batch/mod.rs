//! Several services updated as one: a record that decides for all of them, what each member does at it, and
//! the supervision that brings both together.
//!
//! It is a two-phase commit with the batch's record as its log. A member's rollout stands at its
//! [`Step::Join`](crate::Step) when nothing of its own is left to find out; the decision is one
//! compare-and-set on the batch's record; what a member makes of it can be done again at any time.

mod due;
mod member;
mod record;
mod supervise;
#[cfg(test)]
mod tests;

pub use due::MemberState;
pub use record::{
    BATCHES_KEPT, BatchId, BatchMember, BatchOrder, BatchRecord, Decision, MEMBERS_MAX,
};
pub use supervise::{BatchFleet, supervise, tell_decided};
