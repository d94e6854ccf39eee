//! `wasi:keyvalue/atomics`.

use airssys_wasm_model::DataAccess;
use wasmtime::component::Resource;

use super::bindings::wasi::keyvalue::atomics::{self, CasError};
use super::{Cas, OpenBucket, Refusal};
use crate::guest::Guest;
use crate::keyvalue::Swap;

impl atomics::Host for Guest {
    /// Takes both rights: the sum says what was there.
    async fn increment(
        &mut self,
        handle: Resource<OpenBucket>,
        key: String,
        delta: i64,
    ) -> Result<i64, Refusal> {
        self.bucket(&handle, DataAccess::Read, 0)?;
        let open = self.bucket(&handle, DataAccess::Write, 1)?;
        let sum = open.bucket.increment(key, delta).await;
        sum.map_err(|error| self.failed(error))
    }

    async fn swap(
        &mut self,
        handle: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), CasError>> {
        let Cas { mut of, key, seen } = self.table.delete(handle)?;
        of.renew(&self.files.revision().rights);
        let allowed = self.may(&of, DataAccess::Write).and_then(|()| self.in_time(1));
        if let Err(refusal) = allowed {
            return Ok(Err(CasError::StoreError(refusal.told()?)));
        }
        match of.bucket.swap(key.clone(), seen, value).await {
            Ok(Swap::Done) => Ok(Ok(())),
            Ok(Swap::Changed(seen)) => {
                let again = self.table.push(Cas { of, key, seen })?;
                Ok(Err(CasError::CasFailed(again)))
            }
            Err(error) => Ok(Err(CasError::StoreError(self.failed(error).told()?))),
        }
    }
}

impl atomics::HostCas for Guest {
    fn new(&mut self, handle: Resource<OpenBucket>, key: String) -> Result<Resource<Cas>, Refusal> {
        let of = self.bucket(&handle, DataAccess::Read, 1)?;
        let seen = of.bucket.get(&key).map_err(|error| self.failed(error))?;
        Ok(self.table.push(Cas { of, key, seen: seen.map(|entry| entry.version) })?)
    }

    fn current(&mut self, handle: Resource<Cas>) -> Result<Option<Vec<u8>>, Refusal> {
        let Cas { of, key, .. } = self.table.get_mut(&handle)?;
        of.renew(&self.files.revision().rights);
        let (of, key) = (of.clone(), key.clone());
        self.may(&of, DataAccess::Read)?;
        self.in_time(1)?;
        let found = of.bucket.get(&key).map_err(|error| self.failed(error))?;
        Ok(found.map(|entry| entry.value))
    }

    fn drop(&mut self, handle: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
