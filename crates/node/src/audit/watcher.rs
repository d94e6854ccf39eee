//! What guests do with their rights, on its way into the trail.

use std::sync::Arc;
use std::time::SystemTime;

use airssys_wasm_host::{Caller, Use, User, Watch};
use airssys_wasm_model::{Denial, Kind, Name};
use airssys_wasm_store::audit::{self, Decision, Entry};

use super::levels::usage;
use super::trail::Trail;

/// Watches the guests of one service.
pub(crate) struct Watcher {
    trail: Arc<Trail>,
    service: Arc<str>,
}

impl Watcher {
    pub(crate) fn new(trail: Arc<Trail>, service: &Name) -> Self {
        Self { trail, service: service.as_str().into() }
    }

    fn entry(&self, by: User<'_>, kind: audit::Kind, target: &str, decision: Decision) -> Entry {
        let mut entry = Entry::new(SystemTime::now(), kind, target, decision);
        entry.service = Some(Arc::clone(&self.service));
        entry.revision = Some(u64::from(by.revision.0));
        entry.instance = Some(by.instance);
        entry.call = Some(by.request_id.text());
        entry.principal = by.caller.map(Caller::text);
        entry
    }
}

impl Watch for Watcher {
    fn sees_uses(&self, kind: Kind) -> bool {
        self.trail.sees(kind)
    }

    fn used(&self, by: User<'_>, used: Use<'_>) {
        let kind = usage(used.kind);
        let Some(one_in) = self.trail.wants(kind, Decision::Allowed) else { return };
        let mut entry = self.entry(by, kind, used.target, Decision::Allowed);
        entry.detail = (!used.access.is_empty()).then(|| used.access.into());
        entry.one_in = one_in;
        self.trail.note(entry);
    }

    fn denied(&self, by: User<'_>, denial: &Denial) {
        let mut entry = self.entry(by, usage(denial.kind), &denial.target, Decision::Denied);
        entry.detail = Some(format!("{}; {}", denial.act, denial.help()).into());
        self.trail.note(entry);
    }
}
