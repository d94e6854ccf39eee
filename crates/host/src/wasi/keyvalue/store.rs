//! `wasi:keyvalue/store`.

use airssys_wasm_model::{DataAccess, WordPattern};
use wasmtime::component::Resource;

use super::bindings::wasi::keyvalue::store::{self, Error, KeyResponse};
use super::{OpenBucket, Refusal};
use crate::guest::Guest;

type Handle = Resource<OpenBucket>;

impl store::Host for Guest {
    async fn open(&mut self, identifier: String) -> Result<Handle, Refusal> {
        let revision = self.revision();
        // The number first: rights that come in between are looked at on the first use.
        let seen = revision.rights.epoch();
        let access = revision.rights.now().rights.keyvalue.access(&identifier);
        if !access.contains(DataAccess::Read) && !access.contains(DataAccess::Write) {
            // What no grant could name is no bucket.
            if identifier.ends_with('*') || identifier.parse::<WordPattern>().is_err() {
                return Err(Refusal::NoSuchStore);
            }
            return Err(self.denied_bucket("open the bucket", &identifier, DataAccess::Read));
        }
        let spec = &revision.spec;
        let store = spec.backends.keyvalue.clone().ok_or(Refusal::NoSuchStore)?;
        let bucket = store.bucket(&identifier, spec.limits.keyvalue.0).await;
        let bucket = bucket.map_err(|error| self.failed(error))?;
        Ok(self.table.push(OpenBucket { name: identifier.into(), access, seen, bucket })?)
    }

    fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<Error> {
        refusal.told()
    }
}

impl store::HostBucket for Guest {
    fn get(&mut self, handle: Handle, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        let open = self.bucket(&handle, DataAccess::Read, 1)?;
        let found = open.bucket.get(&key).map_err(|error| self.failed(error))?;
        Ok(found.map(|entry| entry.value))
    }

    async fn set(&mut self, handle: Handle, key: String, value: Vec<u8>) -> Result<(), Refusal> {
        let open = self.bucket(&handle, DataAccess::Write, 1)?;
        let set = open.bucket.set_many(vec![(key, value)]).await;
        set.map_err(|error| self.failed(error))
    }

    async fn delete(&mut self, handle: Handle, key: String) -> Result<(), Refusal> {
        let open = self.bucket(&handle, DataAccess::Write, 1)?;
        let deleted = open.bucket.delete_many(vec![key]).await;
        deleted.map_err(|error| self.failed(error))
    }

    fn exists(&mut self, handle: Handle, key: String) -> Result<bool, Refusal> {
        let open = self.bucket(&handle, DataAccess::Read, 1)?;
        open.bucket.exists(&key).map_err(|error| self.failed(error))
    }

    fn list_keys(
        &mut self,
        handle: Handle,
        cursor: Option<String>,
    ) -> Result<KeyResponse, Refusal> {
        let open = self.bucket(&handle, DataAccess::Read, 1)?;
        let page = open.bucket.list_keys(cursor).map_err(|error| self.failed(error))?;
        Ok(KeyResponse { keys: page.keys, cursor: page.next })
    }

    fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
