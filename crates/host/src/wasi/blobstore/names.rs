//! The listing of a container, a part at a time. It keeps where it is and no name.

use airssys_wasm_model::DataAccess;
use wasmtime::component::Resource;

use super::bindings::wasi::blobstore::container;
use super::{OpenContainer, Refusal};
use crate::blobstore::BlobNames;
use crate::guest::Guest;

/// A listing under way.
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub struct ObjectNames {
    of: OpenContainer,
    /// The last name that was told.
    after: Option<String>,
    is_over: bool,
}

type Handle = Resource<ObjectNames>;

/// Names read at once: with the longest names a megabyte of them.
const NAMES_MAX: usize = 1_000;

impl ObjectNames {
    pub(super) fn new(of: OpenContainer) -> Self {
        Self { of, after: None, is_over: false }
    }
}

impl container::HostStreamObjectNames for Guest {
    async fn read_stream_object_names(
        &mut self,
        handle: Handle,
        len: u64,
    ) -> Result<(Vec<String>, bool), Refusal> {
        let names = self.next_names(&handle, len).await?;
        Ok((names, self.table.get(&handle)?.is_over))
    }

    async fn skip_stream_object_names(
        &mut self,
        handle: Handle,
        num: u64,
    ) -> Result<(u64, bool), Refusal> {
        let mut skipped = 0;
        while skipped < num && !self.table.get(&handle)?.is_over {
            skipped += self.next_names(&handle, num - skipped).await?.len() as u64;
        }
        Ok((skipped, self.table.get(&handle)?.is_over))
    }

    fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl Guest {
    async fn next_names(&mut self, handle: &Handle, len: u64) -> Result<Vec<String>, Refusal> {
        let listing = self.table.get(handle)?;
        if listing.is_over || len == 0 {
            return Ok(Vec::new());
        }
        self.may_use(&listing.of.name, DataAccess::Read)?;
        // A guest's number, clamped.
        let limit = usize::try_from(len).unwrap_or(NAMES_MAX).min(NAMES_MAX);
        let (container, after) = (listing.of.container.clone(), listing.after.clone());
        let page = self.on_disk(move || container.list(after, limit)).await?;
        let BlobNames { names, next } = page;
        let listing = self.table.get_mut(handle)?;
        listing.is_over = next.is_none();
        listing.after = next;
        Ok(names)
    }
}
