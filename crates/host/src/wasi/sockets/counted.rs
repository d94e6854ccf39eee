//! The streams of a connection of WASI 0.2, whose bytes count against the call's `transfer`.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};
use wasmtime_wasi::p2::pipe::{ClosedInputStream, ClosedOutputStream};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

use super::checks::{Checks, USED_UP};

struct Counted<S> {
    stream: S,
    checks: Arc<Checks>,
    /// What did not fit any more was read and is lost, or was not written: nothing comes after it.
    is_over: bool,
}

/// Counts what comes and leaves by the streams of a connection that the guest is about to get.
pub(super) fn count(
    table: &mut ResourceTable,
    input: &Resource<DynInputStream>,
    output: &Resource<DynOutputStream>,
    checks: &Arc<Checks>,
) -> Result<(), ResourceTableError> {
    let input = table.get_mut(input)?;
    let stream = std::mem::replace(input, Box::new(ClosedInputStream));
    *input = Box::new(Counted { stream, checks: Arc::clone(checks), is_over: false });
    let output = table.get_mut(output)?;
    let stream = std::mem::replace(output, Box::new(ClosedOutputStream));
    *output = Box::new(Counted { stream, checks: Arc::clone(checks), is_over: false });
    Ok(())
}

impl<S> Counted<S> {
    fn go_on(&self) -> StreamResult<()> {
        if self.is_over { Err(StreamError::Closed) } else { Ok(()) }
    }

    fn moves(&mut self, bytes: usize) -> StreamResult<()> {
        if self.checks.moves(bytes) {
            return Ok(());
        }
        self.is_over = true;
        Err(StreamError::LastOperationFailed(wasmtime::Error::msg(USED_UP)))
    }
}

#[wasmtime_wasi::async_trait]
impl<S: Pollable> Pollable for Counted<S> {
    async fn ready(&mut self) {
        if !self.is_over {
            self.stream.ready().await;
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Counted<DynInputStream> {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.go_on()?;
        let read = self.stream.read(size)?;
        self.moves(read.len())?;
        Ok(read)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.go_on()?;
        let read = self.stream.blocking_read(size).await?;
        self.moves(read.len())?;
        Ok(read)
    }

    fn skip(&mut self, size: usize) -> StreamResult<usize> {
        self.go_on()?;
        let skipped = self.stream.skip(size)?;
        self.moves(skipped)?;
        Ok(skipped)
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Counted<DynOutputStream> {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.go_on()?;
        self.moves(bytes.len())?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.go_on()?;
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.go_on()?;
        self.stream.check_write()
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.go_on()?;
        self.moves(bytes.len())?;
        self.stream.blocking_write_and_flush(bytes).await
    }

    fn write_zeroes(&mut self, size: usize) -> StreamResult<()> {
        self.go_on()?;
        self.moves(size)?;
        self.stream.write_zeroes(size)
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}
