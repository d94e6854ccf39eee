//! Resources of the host that are taken and never let go.

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::Fields;

/// So many sets of header fields.
pub(crate) fn fields(count: usize) -> String {
    let held: Vec<_> = (0..count).map(|_| Fields::new()).collect();
    held.len().to_string()
}

/// So many alarms that never ring.
pub(crate) fn clocks(count: usize) -> String {
    let held: Vec<_> = (0..count).map(|_| monotonic_clock::subscribe_duration(u64::MAX)).collect();
    held.len().to_string()
}
