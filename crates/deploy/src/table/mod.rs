//! The routing table of a service: match rules in their order, then a split of the calls that no rule takes,
//! by a key that sticks or by a random draw.
//!
//! A table is a value. It holds no pool and counts no call: [`Switch`](crate::Switch) does.

mod attributes;
mod routes;
mod rule;
mod split;
#[cfg(test)]
mod stickiness;
mod weight;

pub use attributes::Attributes;
pub(crate) use routes::Picked;
pub use routes::{Table, TableError};
pub use rule::Rule;
pub use split::{Part, Share, Split, SplitError};
pub use weight::{Weight, WeightError};
