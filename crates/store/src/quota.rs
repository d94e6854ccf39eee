//! How much a service may keep: one kind of quota for key-value entries and for objects.

/// The bounds on what one service keeps in one kind of store, all its buckets or containers together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Names and contents together.
    pub bytes: u64,
    /// Entries or objects.
    pub entries: u64,
    /// The largest single content.
    pub value_bytes: u64,
    /// The longest name of an entry or object.
    pub name_bytes: u64,
}

/// What a service keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Names and contents together.
    pub bytes: u64,
    /// Entries or objects.
    pub entries: u64,
}

/// Which bound of a [`Quota`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaPart {
    /// [`Quota::bytes`].
    Bytes,
    /// [`Quota::entries`].
    Entries,
    /// [`Quota::value_bytes`].
    ValueBytes,
    /// [`Quota::name_bytes`].
    NameBytes,
}

/// A write that its quota does not allow. It has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the quota of {limit} {part} does not allow {asked}")]
pub struct QuotaExceeded {
    /// The bound it meets.
    pub part: QuotaPart,
    /// That bound.
    pub limit: u64,
    /// What there would be after the write.
    pub asked: u64,
}

impl Quota {
    /// What a service may keep in its key-value buckets unless the operator says otherwise: values are small
    /// there, and each is read into memory whole.
    pub const KEY_VALUE: Self =
        Self { bytes: 64 << 20, entries: 100_000, value_bytes: 1 << 20, name_bytes: 512 };

    /// What a service may keep in its blob containers unless the operator says otherwise: objects are
    /// streamed, so only the disk is spent.
    pub const OBJECTS: Self =
        Self { bytes: 1 << 30, entries: 10_000, value_bytes: 256 << 20, name_bytes: 1024 };

    /// Whether one entry is within the bounds that hold for each.
    pub(crate) fn admit_entry(&self, name: &str, value_bytes: u64) -> Result<(), QuotaExceeded> {
        within(QuotaPart::NameBytes, self.name_bytes, name.len() as u64)?;
        within(QuotaPart::ValueBytes, self.value_bytes, value_bytes)
    }

    /// The usage after a change, if there may be so much. What shrinks is always allowed: a quota that was
    /// lowered must not keep a service from tidying up.
    pub(crate) fn admit(&self, before: Usage, after: Usage) -> Result<Usage, QuotaExceeded> {
        if after.bytes > before.bytes {
            within(QuotaPart::Bytes, self.bytes, after.bytes)?;
        }
        if after.entries > before.entries {
            within(QuotaPart::Entries, self.entries, after.entries)?;
        }
        Ok(after)
    }
}

impl Usage {
    /// One entry of this name and content.
    pub(crate) fn of(name: &str, value_bytes: u64) -> Self {
        Self { bytes: (name.len() as u64).saturating_add(value_bytes), entries: 1 }
    }

    pub(crate) fn plus(self, more: Self) -> Self {
        let bytes = self.bytes.saturating_add(more.bytes);
        Self { bytes, entries: self.entries.saturating_add(more.entries) }
    }

    pub(crate) fn minus(self, less: Self) -> Self {
        let bytes = self.bytes.saturating_sub(less.bytes);
        Self { bytes, entries: self.entries.saturating_sub(less.entries) }
    }
}

impl std::fmt::Display for QuotaPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Entries => "entries",
            Self::ValueBytes => "bytes of a value",
            Self::NameBytes => "bytes of a name",
        })
    }
}

fn within(part: QuotaPart, limit: u64, asked: u64) -> Result<(), QuotaExceeded> {
    if asked <= limit { Ok(()) } else { Err(QuotaExceeded { part, limit, asked }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shrinks_is_allowed_even_above_a_lowered_quota() {
        let quota = Quota { bytes: 10, entries: 1, ..Quota::KEY_VALUE };
        let usage = |bytes, entries| Usage { bytes, entries };
        assert_eq!(quota.admit(usage(100, 9), usage(99, 8)), Ok(usage(99, 8)));
        assert_eq!(quota.admit(usage(5, 1), usage(10, 1)), Ok(usage(10, 1)));
        let refused = quota.admit(usage(5, 1), usage(11, 1)).unwrap_err();
        assert_eq!((refused.part, refused.limit, refused.asked), (QuotaPart::Bytes, 10, 11));
        let refused = quota.admit(usage(5, 1), usage(6, 2)).unwrap_err();
        assert_eq!(refused.part, QuotaPart::Entries);
    }
}
