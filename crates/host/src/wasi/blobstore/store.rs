//! `wasi:blobstore/blobstore`.

use std::time::SystemTime;

use airssys_wasm_model::DataAccess;
use wasmtime::component::Resource;

use super::bindings::wasi::blobstore::blobstore::{self, ObjectId};
use super::{OpenContainer, Refusal};
use crate::blobstore::BlobId;
use crate::guest::Guest;

impl blobstore::Host for Guest {
    async fn create_container(&mut self, name: String) -> Result<Resource<OpenContainer>, Refusal> {
        self.reach(&name, DataAccess::Write)?;
        let (blobs, made) = (self.blobs()?, name.clone());
        let container = self.on_disk(move || blobs.create(&made, SystemTime::now())).await?;
        Ok(self.table.push(OpenContainer { name: name.into(), container })?)
    }

    /// Either right opens it: what is done with it is looked at each time.
    async fn get_container(&mut self, name: String) -> Result<Resource<OpenContainer>, Refusal> {
        let rights = self.access_now(&name);
        if !rights.contains(DataAccess::Read) && !rights.contains(DataAccess::Write) {
            self.reach(&name, DataAccess::Read)?;
        }
        let (blobs, found) = (self.blobs()?, name.clone());
        let container = self.on_disk(move || blobs.container(&found)).await?;
        Ok(self.table.push(OpenContainer { name: name.into(), container })?)
    }

    async fn delete_container(&mut self, name: String) -> Result<(), Refusal> {
        self.reach(&name, DataAccess::Write)?;
        let blobs = self.blobs()?;
        self.on_disk(move || blobs.delete(&name)).await
    }

    async fn container_exists(&mut self, name: String) -> Result<bool, Refusal> {
        self.reach(&name, DataAccess::Read)?;
        let blobs = self.blobs()?;
        self.on_disk(move || blobs.exists(&name)).await
    }

    async fn copy_object(&mut self, src: ObjectId, dest: ObjectId) -> Result<(), Refusal> {
        self.reach(&src.container, DataAccess::Read)?;
        self.reach(&dest.container, DataAccess::Write)?;
        let (blobs, from, to) = (self.blobs()?, id(src), id(dest));
        self.on_disk(move || blobs.copy(&from, &to, SystemTime::now())).await
    }

    /// Takes both rights where the object was: it is read there, and taken away.
    async fn move_object(&mut self, src: ObjectId, dest: ObjectId) -> Result<(), Refusal> {
        self.reach(&src.container, DataAccess::Read)?;
        self.reach(&src.container, DataAccess::Write)?;
        if dest.container != src.container {
            self.reach(&dest.container, DataAccess::Write)?;
        }
        let (blobs, from, to) = (self.blobs()?, id(src), id(dest));
        self.on_disk(move || blobs.rename(&from, &to)).await
    }
}

fn id(ObjectId { container, object }: ObjectId) -> BlobId {
    BlobId { container, object }
}
