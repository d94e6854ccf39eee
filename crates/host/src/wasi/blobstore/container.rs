//! `wasi:blobstore/container`: the objects of one container.

use airssys_wasm_model::DataAccess;
use wasmtime::component::Resource;

use super::bindings::wasi::blobstore::container;
use super::bindings::wasi::blobstore::types::{ContainerMetadata, ObjectMetadata};
use super::{IncomingValue, ObjectNames, OpenContainer, OutgoingValue, Refusal, seconds};
use crate::guest::Guest;

type Handle = Resource<OpenContainer>;

/// Names that may be deleted at once: one transaction, which the writes of other services wait for.
const NAMES_MAX: usize = 1_000;

impl container::Host for Guest {}

impl container::HostContainer for Guest {
    fn name(&mut self, handle: Handle) -> Result<String, Refusal> {
        Ok(self.table.get(&handle)?.name.to_string())
    }

    async fn info(&mut self, handle: Handle) -> Result<ContainerMetadata, Refusal> {
        let OpenContainer { name, container, .. } = self.container(&handle, DataAccess::Read)?;
        let created_at = self.on_disk(move || container.created_at()).await?;
        Ok(ContainerMetadata { name: name.to_string(), created_at: seconds(created_at) })
    }

    async fn get_data(
        &mut self,
        handle: Handle,
        name: String,
        start: u64,
        end: u64,
    ) -> Result<Resource<IncomingValue>, Refusal> {
        let open = self.container(&handle, DataAccess::Read)?;
        // Both ends are included, so the whole of 64 bits has a length that 64 bits do not.
        let len = match end.checked_sub(start) {
            Some(len) => len.saturating_add(1),
            None => return Err(Refusal::Told("the range ends before it begins".to_owned())),
        };
        let place = self.object_place()?;
        let hold = self.container_hold(&open, DataAccess::Read);
        let reader = self.on_disk(move || open.container.read(&name, start, len)).await?;
        Ok(self.table.push(IncomingValue::new(reader, hold, place))?)
    }

    async fn write_data(
        &mut self,
        handle: Handle,
        name: String,
        data: Resource<OutgoingValue>,
    ) -> Result<(), Refusal> {
        let open = self.container(&handle, DataAccess::Write)?;
        self.begin_write(open, name, &data).await
    }

    fn list_objects(&mut self, handle: Handle) -> Result<Resource<ObjectNames>, Refusal> {
        let open = self.container(&handle, DataAccess::Read)?;
        Ok(self.table.push(ObjectNames::new(open))?)
    }

    async fn delete_object(&mut self, handle: Handle, name: String) -> Result<(), Refusal> {
        self.delete_objects(handle, vec![name]).await
    }

    async fn delete_objects(&mut self, handle: Handle, names: Vec<String>) -> Result<(), Refusal> {
        let open = self.container(&handle, DataAccess::Write)?;
        if names.len() > NAMES_MAX {
            let why = format!("{NAMES_MAX} objects are deleted at once at most");
            return Err(Refusal::Told(why));
        }
        self.on_disk(move || open.container.delete_many(&names)).await
    }

    async fn has_object(&mut self, handle: Handle, name: String) -> Result<bool, Refusal> {
        let open = self.container(&handle, DataAccess::Read)?;
        self.on_disk(move || open.container.has(&name)).await
    }

    async fn object_info(
        &mut self,
        handle: Handle,
        name: String,
    ) -> Result<ObjectMetadata, Refusal> {
        let open = self.container(&handle, DataAccess::Read)?;
        let asked = name.clone();
        let info = self.on_disk(move || open.container.info(&asked)).await?;
        let (container, created_at) = (open.name.to_string(), seconds(info.created_at));
        Ok(ObjectMetadata { name, container, created_at, size: info.size_bytes })
    }

    async fn clear(&mut self, handle: Handle) -> Result<(), Refusal> {
        let open = self.container(&handle, DataAccess::Write)?;
        self.on_disk(move || open.container.clear()).await
    }

    fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
