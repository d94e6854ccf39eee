//! Streams of WASI 0.2 that are asked for their right on each use.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::Errno;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};
use wasmtime_wasi::p2::bindings::sockets::network::ErrorCode;
use wasmtime_wasi::p2::pipe::{ClosedInputStream, ClosedOutputStream};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

use crate::rights::{Hold, Needs};

struct Held<S> {
    stream: S,
    hold: Arc<Hold>,
}

/// Puts a hold before a stream that the guest is about to get.
pub(in crate::wasi) fn hold_input(
    table: &mut ResourceTable,
    stream: &Resource<DynInputStream>,
    hold: Option<Arc<Hold>>,
) -> Result<(), ResourceTableError> {
    let Some(hold) = hold else { return Ok(()) };
    let held = table.get_mut(stream)?;
    let stream = std::mem::replace(held, Box::new(ClosedInputStream));
    *held = Box::new(Held { stream, hold });
    Ok(())
}

/// The same for one that is written to.
pub(in crate::wasi) fn hold_output(
    table: &mut ResourceTable,
    stream: &Resource<DynOutputStream>,
    hold: Option<Arc<Hold>>,
) -> Result<(), ResourceTableError> {
    let Some(hold) = hold else { return Ok(()) };
    let held = table.get_mut(stream)?;
    let stream = std::mem::replace(held, Box::new(ClosedOutputStream));
    *held = Box::new(Held { stream, hold });
    Ok(())
}

impl<S> Held<S> {
    fn check(&self) -> StreamResult<()> {
        if self.hold.check() { Ok(()) } else { Err(revoked(&self.hold)) }
    }
}

/// What the guest is told: as at the import of the same kind.
fn revoked(hold: &Hold) -> StreamError {
    StreamError::LastOperationFailed(match hold.needs() {
        Needs::File { .. } => io::Error::from(Errno::PERM).into(),
        _ => ErrorCode::AccessDenied.into(),
    })
}

#[wasmtime_wasi::async_trait]
impl<S: Pollable> Pollable for Held<S> {
    async fn ready(&mut self) {
        tokio::select! {
            biased;
            () = self.stream.ready() => {}
            () = Arc::clone(&self.hold).revoked() => {}
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Held<DynInputStream> {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.check()?;
        self.stream.read(size)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.check()?;
        tokio::select! {
            biased;
            () = Arc::clone(&self.hold).revoked() => {}
            read = self.stream.blocking_read(size) => return read,
        }
        self.check().and(Ok(Bytes::new()))
    }

    fn skip(&mut self, size: usize) -> StreamResult<usize> {
        self.check()?;
        self.stream.skip(size)
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Held<DynOutputStream> {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.check()?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.check()?;
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.check()?;
        self.stream.check_write()
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.check()?;
        tokio::select! {
            biased;
            () = Arc::clone(&self.hold).revoked() => {}
            written = self.stream.blocking_write_and_flush(bytes) => return written,
        }
        self.check()
    }

    fn write_zeroes(&mut self, size: usize) -> StreamResult<()> {
        self.check()?;
        self.stream.write_zeroes(size)
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}
