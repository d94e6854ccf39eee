//! What the splits of a service stick to.

use airssys_wasm_model::StickyBy;

use crate::record::ServiceRecord;

/// What the splits of a service stick to, unless its table says otherwise, and the seed that they hash with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sticky {
    /// Which key.
    pub by: Option<StickyBy>,
    /// The service's own: no two services turn the same callers to their candidates.
    pub seed: u64,
}

impl ServiceRecord {
    /// What its splits stick to: the active revision says it, with the seed of the record. Those of an actor
    /// with a key stick to that key, for each key has one state and lives on one revision.
    pub fn sticky(&self) -> Sticky {
        let by = self.active().and_then(|active| {
            let settings = &active.settings;
            settings.instances.key.as_ref().or(settings.routing.sticky.as_ref()).cloned()
        });
        Sticky { by, seed: self.seed }
    }
}
