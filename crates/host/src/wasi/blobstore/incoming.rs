//! An object on its way to a guest: a piece at a time, read when the guest wants it.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, Pollable, StreamError, StreamResult};

use super::{PIECE_BYTES, REVOKED, told};
use crate::blobstore::{BlobReader, BlobStoreError};
use crate::rights::Hold;
use crate::wasi::FilePlace;
use crate::watch::Teller;

/// A part of an object that a guest may read.
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub struct IncomingValue {
    reader: Box<dyn BlobReader>,
    hold: Arc<Hold>,
    /// Its place among the instance's open files.
    _place: FilePlace,
}

/// The same as a stream.
pub(super) struct BlobInput {
    state: State,
    hold: Arc<Hold>,
    teller: Teller,
}

enum State {
    Idle(IncomingValue),
    /// A piece is read on a thread of its own.
    Reading(JoinHandle<Read>),
    /// Read, and not yet taken.
    Ahead(IncomingValue, Bytes),
    Failed(String),
    Closed,
}

type Read = Result<(IncomingValue, Bytes), BlobStoreError>;

impl IncomingValue {
    pub(super) fn new(reader: Box<dyn BlobReader>, hold: Arc<Hold>, place: FilePlace) -> Self {
        Self { reader, hold, _place: place }
    }

    /// Whether it may still be read.
    pub(super) fn may_be_read(&self) -> bool {
        self.hold.check()
    }

    pub(super) fn remaining_bytes(&self) -> u64 {
        self.reader.remaining_bytes()
    }

    /// Reads so many bytes at most, and fewer only at the end. Blocks.
    pub(super) fn read(&mut self, most: usize) -> Result<Vec<u8>, BlobStoreError> {
        let len = usize::try_from(self.remaining_bytes()).unwrap_or(most).min(most);
        let (mut bytes, mut filled) = (vec![0; len], 0);
        while filled < len {
            match self.reader.read(&mut bytes[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    pub(super) fn stream(self, teller: Teller) -> BlobInput {
        let hold = Arc::clone(&self.hold);
        BlobInput { state: State::Idle(self), hold, teller }
    }
}

impl BlobInput {
    fn begin(mut value: IncomingValue, size: usize) -> State {
        if value.remaining_bytes() == 0 {
            return State::Closed;
        }
        State::Reading(tokio::task::spawn_blocking(move || -> Read {
            let bytes = value.read(size.clamp(1, PIECE_BYTES))?;
            Ok((value, bytes.into()))
        }))
    }

    /// Waits for the piece that is read.
    async fn settle(&mut self) {
        let State::Reading(reading) = &mut self.state else { return };
        let read = reading.await;
        let read = read.unwrap_or_else(|panicked| Err(BlobStoreError::Failed(panicked.into())));
        self.state = match read {
            // The object is shorter than it was said to be.
            Ok((_, bytes)) if bytes.is_empty() => State::Closed,
            Ok((value, bytes)) => State::Ahead(value, bytes),
            Err(error) => State::Failed(told(&self.teller, error)),
        };
    }
}

#[async_trait]
impl InputStream for BlobInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if !matches!(self.state, State::Closed) && !self.hold.check() {
            self.state = State::Closed;
            return Err(StreamError::LastOperationFailed(wasmtime::Error::msg(REVOKED)));
        }
        match mem::replace(&mut self.state, State::Closed) {
            State::Idle(value) if size == 0 => {
                self.state = State::Idle(value);
                Ok(Bytes::new())
            }
            State::Idle(value) => {
                self.state = Self::begin(value, size);
                match self.state {
                    State::Closed => Err(StreamError::Closed),
                    _ => Ok(Bytes::new()),
                }
            }
            State::Ahead(value, mut bytes) => {
                let piece = bytes.split_to(size.min(bytes.len()));
                self.state = match bytes.is_empty() {
                    true => State::Idle(value),
                    false => State::Ahead(value, bytes),
                };
                Ok(piece)
            }
            State::Reading(reading) => {
                self.state = State::Reading(reading);
                Ok(Bytes::new())
            }
            State::Failed(why) => Err(StreamError::LastOperationFailed(wasmtime::Error::msg(why))),
            State::Closed => Err(StreamError::Closed),
        }
    }

    /// A thread is not to be left behind for a stream that is gone.
    async fn cancel(&mut self) {
        self.settle().await;
    }
}

#[async_trait]
impl Pollable for BlobInput {
    async fn ready(&mut self) {
        if let State::Idle(_) = self.state
            && let State::Idle(value) = mem::replace(&mut self.state, State::Closed)
        {
            self.state = Self::begin(value, PIECE_BYTES);
        }
        self.settle().await;
    }
}
