//! Leases: who may walk a rollout, and the number that stops whoever may no longer.

use redb::{ReadableTable, WriteTransaction};

use super::engine::{LEASES, Stop};
use super::error::PutError;
use super::{RecordError, Records, tick};

/// Proof of holding a lease. A put that carries it is refused once anyone has acquired the lease since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    lease: String,
    token: u64,
}

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseHolder {
    /// The name it was acquired under.
    pub owner: String,
    /// The fencing token, larger than all before it.
    pub token: u64,
}

impl Fence {
    /// The lease this is a proof of.
    pub fn lease(&self) -> &str {
        &self.lease
    }

    /// The fencing token, larger than all before it.
    pub fn token(&self) -> u64 {
        self.token
    }
}

impl Records {
    /// Acquires a lease, taking it over from whoever had it; their fence is void from here on.
    ///
    /// It never waits and never expires: the directory's lock already keeps other nodes out, so a
    /// former holder is a dead process or a task of this one that has been replaced. Use
    /// [`lease_holder`](Self::lease_holder) to ask first.
    pub fn acquire(&self, lease: &str, owner: &str) -> Result<Fence, PutError> {
        let body = |transaction: &WriteTransaction| {
            let token = tick(transaction)?;
            transaction.open_table(LEASES)?.insert(lease, (token, owner))?;
            Ok::<_, Stop<PutError>>(token)
        };
        let token = self.engine().write(body, |_| {})?;
        Ok(Fence { lease: lease.to_owned(), token })
    }

    /// Gives a lease back. One that was taken over stays with its new holder.
    pub fn release(&self, fence: &Fence) -> Result<(), PutError> {
        let body = |transaction: &WriteTransaction| {
            check(transaction, fence)?;
            transaction.open_table(LEASES)?.remove(fence.lease())?;
            Ok(())
        };
        match self.engine().write(body, |_| {}) {
            Err(PutError::Fenced { .. }) => Ok(()),
            result => result,
        }
    }

    /// Who holds a lease, if anyone.
    pub fn lease_holder(&self, lease: &str) -> Result<Option<LeaseHolder>, RecordError> {
        self.engine().read(|transaction| {
            let found = transaction.open_table(LEASES)?.get(lease)?;
            Ok(found.map(|found| holder(found.value())))
        })
    }
}

/// Refuses unless this fence is the lease's latest.
pub(super) fn check(transaction: &WriteTransaction, fence: &Fence) -> Result<(), Stop<PutError>> {
    let table = transaction.open_table(LEASES)?;
    let holder = table.get(fence.lease())?.map(|found| holder(found.value()));
    if holder.as_ref().is_some_and(|holder| holder.token == fence.token) {
        return Ok(());
    }
    Err(Stop::Refused(PutError::Fenced { lease: fence.lease.clone(), holder }))
}

fn holder((token, owner): (u64, &str)) -> LeaseHolder {
    LeaseHolder { owner: owner.to_owned(), token }
}
