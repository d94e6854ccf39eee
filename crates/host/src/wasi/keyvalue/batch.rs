//! `wasi:keyvalue/batch`.

use airssys_wasm_model::DataAccess;
use wasmtime::component::Resource;

use super::bindings::wasi::keyvalue::batch;
use super::{OpenBucket, Refusal};
use crate::guest::Guest;

type Handle = Resource<OpenBucket>;

impl batch::Host for Guest {
    fn get_many(
        &mut self,
        handle: Handle,
        keys: Vec<String>,
    ) -> Result<Vec<Option<(String, Vec<u8>)>>, Refusal> {
        let open = self.bucket(&handle, DataAccess::Read, keys.len())?;
        let values = open.bucket.get_many(&keys).map_err(|error| self.failed(error))?;
        let pairs = keys.into_iter().zip(values);
        Ok(pairs.map(|(key, value)| value.map(|value| (key, value))).collect())
    }

    async fn set_many(
        &mut self,
        handle: Handle,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Result<(), Refusal> {
        let open = self.bucket(&handle, DataAccess::Write, entries.len())?;
        let set = open.bucket.set_many(entries).await;
        set.map_err(|error| self.failed(error))
    }

    async fn delete_many(&mut self, handle: Handle, keys: Vec<String>) -> Result<(), Refusal> {
        let open = self.bucket(&handle, DataAccess::Write, keys.len())?;
        let deleted = open.bucket.delete_many(keys).await;
        deleted.map_err(|error| self.failed(error))
    }
}
