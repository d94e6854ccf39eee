//! The memories and tables of one instance, counted against its limit, and how many parts it may be made of.

use std::sync::Arc;

use airssys_wasm_model::{ByteSize, Limits};
use wasmtime::ResourceLimiter;

use crate::gauges::Gauges;

/// Counts the memories and tables of one instance against its limit.
pub(crate) struct MemoryMeter {
    limit: ByteSize,
    /// Core instances, memories and tables, of each.
    parts: usize,
    used: usize,
    /// Where the instance counts among its revision's live ones.
    gauges: Option<Arc<Gauges>>,
    /// Set once a growth was refused, so that the trap that follows is known for what it is.
    pub(crate) refused: bool,
}

/// A table's element is a pointer in the host's memory.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

impl MemoryMeter {
    pub(crate) fn new(limits: &Limits) -> Self {
        let &Limits { memory: limit, parts, .. } = limits;
        Self { limit, parts: parts as usize, used: 0, gauges: None, refused: false }
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.used
    }

    /// From here on, and with what it uses already, the instance counts among the live ones.
    pub(crate) fn count_into(&mut self, gauges: Arc<Gauges>) {
        gauges.begins(self.used);
        self.gauges = Some(gauges);
    }

    fn grow(&mut self, from: usize, to: usize) -> bool {
        let used = self.used.saturating_add(to.saturating_sub(from));
        if used > self.limit.bytes() {
            self.refused = true;
            return false;
        }
        if let Some(gauges) = &self.gauges {
            gauges.grows(used - self.used);
        }
        self.used = used;
        true
    }
}

impl Drop for MemoryMeter {
    fn drop(&mut self) {
        if let Some(gauges) = &self.gauges {
            gauges.ends(self.used);
        }
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(self.grow(bytes(current), bytes(desired)))
    }

    fn instances(&self) -> usize {
        self.parts
    }

    fn memories(&self) -> usize {
        self.parts
    }

    fn tables(&self) -> usize {
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_count_against_one_limit() {
        let mut meter = MemoryMeter::new(&Limits { memory: ByteSize(1 << 20), ..Limits::DEFAULT });
        assert!(meter.memory_growing(0, 512 << 10, None).unwrap());
        assert!(meter.memory_growing(0, 256 << 10, None).unwrap());
        assert!(!meter.table_growing(0, 64 << 10, None).unwrap(), "512 KiB more were allowed");
        assert!(meter.refused);
        assert!(meter.table_growing(0, 16 << 10, None).unwrap());
        let used = meter.used_bytes();
        assert!(!meter.memory_growing(0, usize::MAX, None).unwrap(), "the sum wrapped around");
        assert_eq!(meter.used_bytes(), used);
    }
}
