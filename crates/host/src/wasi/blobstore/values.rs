//! `wasi:blobstore/types`.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::bindings::wasi::blobstore::types::{self, Error};
use super::{IncomingValue, OutgoingValue, REVOKED, Refusal};
use crate::guest::Guest;

/// The largest value that is given whole. For a moment its bytes are in the host's memory besides the guest's.
const WHOLE_BYTES_MAX: u64 = 16 << 20;

impl types::Host for Guest {
    fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<Error> {
        match refusal {
            Refusal::Told(why) => Ok(why),
            Refusal::Trap(error) => Err(error),
        }
    }
}

impl types::HostOutgoingValue for Guest {
    fn new_outgoing_value(&mut self) -> wasmtime::Result<Resource<OutgoingValue>> {
        Ok(self.table.push(OutgoingValue::default())?)
    }

    fn outgoing_value_write_body(
        &mut self,
        handle: Resource<OutgoingValue>,
    ) -> wasmtime::Result<Result<Resource<DynOutputStream>, ()>> {
        match self.value_stream(&handle) {
            Ok(stream) => Ok(Ok(stream)),
            Err(Refusal::Told(_)) => Ok(Err(())),
            Err(Refusal::Trap(error)) => Err(error),
        }
    }

    async fn finish(&mut self, handle: Resource<OutgoingValue>) -> Result<(), Refusal> {
        let value = self.table.delete(handle)?;
        self.finish_write(value).await
    }

    fn drop(&mut self, handle: Resource<OutgoingValue>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl types::HostIncomingValue for Guest {
    async fn incoming_value_consume_sync(
        &mut self,
        handle: Resource<IncomingValue>,
    ) -> Result<Vec<u8>, Refusal> {
        let mut value = self.table.delete(handle)?;
        if !value.may_be_read() {
            return Err(Refusal::Told(REVOKED.to_owned()));
        }
        let size = value.remaining_bytes();
        if size > WHOLE_BYTES_MAX {
            let why = format!(
                "{WHOLE_BYTES_MAX} bytes are given whole at most, and these are {size}: read them as \
                 a stream"
            );
            return Err(Refusal::Told(why));
        }
        self.on_disk(move || value.read(WHOLE_BYTES_MAX as usize)).await
    }

    fn incoming_value_consume_async(
        &mut self,
        handle: Resource<IncomingValue>,
    ) -> Result<Resource<DynInputStream>, Refusal> {
        let value = self.table.delete(handle)?;
        let stream: DynInputStream = Box::new(value.stream(self.teller()));
        Ok(self.table.push(stream)?)
    }

    fn size(&mut self, handle: Resource<IncomingValue>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&handle)?.remaining_bytes())
    }

    fn drop(&mut self, handle: Resource<IncomingValue>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
