//! The words of routing: what of a call a rule looks at, what it wants to find there, what a sticky split
//! goes by, and what a service lets its callers ask for.

mod attribute;
mod condition;
mod matching;
mod settings;

pub use attribute::{Attribute, AttributeError, FieldName, KEY_HEADER, StickyBy};
pub use condition::{Condition, ConditionError, Test};
pub use matching::{Match, MatchError};
pub use settings::RoutingSettings;
