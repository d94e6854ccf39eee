//! An object on its way from a guest: each piece goes to the disk before the next one is taken.
//!
//! A guest may write before it says where to. So much waits in memory, and no more.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use airssys_wasm_model::DataAccess;
use bytes::Bytes;
use tokio::task::JoinHandle;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::{OpenContainer, PIECE_BYTES, REVOKED, Refusal, told};
use crate::blobstore::{BlobStoreError, BlobWriter};
use crate::guest::Guest;
use crate::rights::Hold;
use crate::wasi::FilePlace;
use crate::watch::Teller;

/// A value that a guest writes.
#[derive(Default)]
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub struct OutgoingValue {
    upload: Upload,
    /// Its place among the instance's open files, from when it has a stream or an object.
    place: Option<FilePlace>,
    has_stream: bool,
}

/// The stream of a value.
struct BlobOutput {
    upload: Upload,
    /// The piece that is being written.
    piece: Option<JoinHandle<Written>>,
    /// Whether the guest knows that it was given up: from then on the stream is closed.
    is_closed: bool,
    teller: Teller,
}

/// What a value shares with its stream. Locked for a look or a change, never across an await.
#[derive(Clone, Default)]
struct Upload {
    state: Arc<Mutex<State>>,
    /// What it takes to go on, once an object is named.
    hold: Arc<OnceLock<Arc<Hold>>>,
}

enum State {
    /// No object is named yet, and this waits for one.
    Waiting(Vec<u8>),
    Writing(Box<dyn BlobWriter>),
    /// Whoever is at the disk has the writer.
    Lent,
    /// Given up, and why.
    Failed(String),
}

type Written = Result<Box<dyn BlobWriter>, BlobStoreError>;

/// Bytes that may be written before the object is named. With the limit on open files this is 16 MiB an instance,
/// a quarter of what its memory may be.
const WAITING_BYTES_MAX: usize = 256 << 10;

impl Default for State {
    fn default() -> Self {
        Self::Waiting(Vec::new())
    }
}

impl Upload {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it may still be written.
    fn is_allowed(&self) -> bool {
        self.hold.get().is_none_or(|hold| hold.check())
    }

    fn take(&self) -> State {
        mem::replace(&mut *self.state(), State::Lent)
    }

    /// Takes what waits for an object; there is none to take once one is named.
    fn take_waiting(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        let State::Waiting(waiting) = &mut *state else { return None };
        let waiting = mem::take(waiting);
        *state = State::Lent;
        Some(waiting)
    }

    fn put(&self, state: State) {
        *self.state() = state;
    }
}

impl Guest {
    /// The stream of a value, given once.
    pub(super) fn value_stream(
        &mut self,
        handle: &Resource<OutgoingValue>,
    ) -> Result<Resource<Box<dyn OutputStream>>, Refusal> {
        let value = self.table.get(handle)?;
        if value.has_stream {
            return Err(Refusal::Told("the value's stream was given before".to_owned()));
        }
        self.take_place(handle)?;
        let teller = self.teller();
        let value = self.table.get_mut(handle)?;
        value.has_stream = true;
        let upload = value.upload.clone();
        let stream = BlobOutput { upload, piece: None, is_closed: false, teller };
        let stream: Box<dyn OutputStream> = Box::new(stream);
        Ok(self.table.push_child(stream, handle)?)
    }

    /// Gives a value its place, if it has none yet.
    fn take_place(&mut self, handle: &Resource<OutgoingValue>) -> Result<(), Refusal> {
        if self.table.get(handle)?.place.is_none() {
            let place = self.object_place()?;
            self.table.get_mut(handle)?.place = Some(place);
        }
        Ok(())
    }

    /// Names the object that a value becomes.
    pub(super) async fn begin_write(
        &mut self,
        open: OpenContainer,
        name: String,
        handle: &Resource<OutgoingValue>,
    ) -> Result<(), Refusal> {
        self.take_place(handle)?;
        let upload = self.table.get(handle)?.upload.clone();
        let Some(waiting) = upload.take_waiting() else {
            return Err(Refusal::Told("the value is written to an object already".to_owned()));
        };
        // Set once: a value is taken from those that wait once.
        let _ = upload.hold.set(self.container_hold(&open, DataAccess::Write));
        let begun = self.on_disk(move || {
            let mut writer = open.container.write(&name)?;
            if !waiting.is_empty() {
                writer.append(&waiting)?;
            }
            Ok(writer)
        });
        match begun.await {
            Ok(writer) => upload.put(State::Writing(writer)),
            Err(refusal) => {
                if let Refusal::Told(why) = &refusal {
                    upload.put(State::Failed(why.clone()));
                }
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Puts a whole value in its object's place.
    pub(super) async fn finish_write(&mut self, value: OutgoingValue) -> Result<(), Refusal> {
        let told = |why: &str| Err(Refusal::Told(why.to_owned()));
        if !value.upload.is_allowed() {
            return told(REVOKED);
        }
        match value.upload.take() {
            State::Writing(writer) => self.on_disk(move || writer.finish(SystemTime::now())).await,
            State::Failed(why) => told(&why),
            State::Waiting(_) => told("no object is named: call `write-data` before `finish`"),
            State::Lent => told("the value is still being written"),
        }
    }
}

impl BlobOutput {
    fn fails(&mut self, why: String) -> StreamError {
        self.is_closed = true;
        StreamError::LastOperationFailed(wasmtime::Error::msg(why))
    }
}

#[async_trait]
impl OutputStream for BlobOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.piece.is_some() || bytes.len() > PIECE_BYTES {
            return Err(StreamError::trap("more was written than `check-write` allowed"));
        }
        if !self.upload.is_allowed() {
            self.upload.put(State::Failed(REVOKED.to_owned()));
            return Err(self.fails(REVOKED.to_owned()));
        }
        match self.upload.take() {
            State::Waiting(mut waiting) => {
                if bytes.len() > WAITING_BYTES_MAX - waiting.len() {
                    let why = format!(
                        "{WAITING_BYTES_MAX} bytes wait for an object at most: name it with \
                         `write-data` and then write"
                    );
                    self.upload.put(State::Failed(why.clone()));
                    return Err(self.fails(why));
                }
                waiting.extend_from_slice(&bytes);
                self.upload.put(State::Waiting(waiting));
            }
            State::Writing(mut writer) => {
                self.piece = Some(tokio::task::spawn_blocking(move || {
                    writer.append(&bytes)?;
                    Ok(writer)
                }));
            }
            State::Failed(why) => {
                self.upload.put(State::Failed(why));
                return Err(StreamError::Closed);
            }
            State::Lent => return Err(StreamError::Closed),
        }
        Ok(())
    }

    /// Nothing is kept back: a piece is on its way as soon as it is written.
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if self.piece.is_some() {
            return Ok(0);
        }
        let why = match &*self.upload.state() {
            State::Waiting(_) | State::Writing(_) => return Ok(PIECE_BYTES),
            State::Failed(why) if !self.is_closed => why.clone(),
            State::Failed(_) | State::Lent => return Err(StreamError::Closed),
        };
        Err(self.fails(why))
    }

    /// What was written counts, also when the stream is let go of at once.
    async fn cancel(&mut self) {
        self.ready().await;
    }
}

#[async_trait]
impl Pollable for BlobOutput {
    async fn ready(&mut self) {
        let Some(piece) = &mut self.piece else { return };
        let written = piece.await;
        self.piece = None;
        let written =
            written.unwrap_or_else(|panicked| Err(BlobStoreError::Failed(panicked.into())));
        self.upload.put(match written {
            Ok(writer) => State::Writing(writer),
            Err(error) => State::Failed(told(&self.teller, error)),
        });
    }
}
