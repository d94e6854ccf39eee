//! A listing as a stream of WASI 0.3.

use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::fs::FileType;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};
use wasmtime_wasi::p3::bindings::filesystem::types::{DescriptorType, DirectoryEntry, ErrorCode};
use wasmtime_wasi::p3::filesystem::FilesystemError;

use super::errand::{Errand, Report};
use super::held::FilePlace;
use super::list::{self, Entry};
use super::mount::Place;
use crate::guest::Guest;

/// A directory that is being read. It counts as an open file.
pub(super) struct Listing {
    /// Until it is done: the stream may be asked once more for what it has not handed over yet.
    reading: Option<JoinHandle<Report<Vec<Entry>>>>,
    _slot: FilePlace,
    /// Taken when the listing ends.
    done: Option<oneshot::Sender<Result<(), ErrorCode>>>,
}

impl Listing {
    pub(super) fn begin(
        errand: Errand,
        place: Place,
        dir: Arc<File>,
        slot: FilePlace,
        done: oneshot::Sender<Result<(), ErrorCode>>,
    ) -> Self {
        let reading = errand.run(move |errand| {
            list::check(errand, &place)?;
            list::entries(&dir, &place)
        });
        Self { reading: Some(tokio::spawn(reading)), _slot: slot, done: Some(done) }
    }

    fn end(&mut self, result: Result<(), ErrorCode>) {
        if let Some(done) = self.done.take() {
            let _unless_dropped = done.send(result);
        }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.end(Ok(()));
    }
}

impl StreamProducer<Guest> for Listing {
    type Item = DirectoryEntry;
    type Buffer = VecBuffer<DirectoryEntry>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, Guest>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(Ok(StreamResult::Dropped));
        };
        let report = match Pin::new(reading).poll(cx) {
            // It is kept for the next read.
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            polled => ready!(polled)?,
        };
        self.reading = None;
        match store.data_mut().settle(report) {
            Ok(entries) => {
                let entries: Vec<_> = entries.into_iter().map(DirectoryEntry::from).collect();
                destination.set_buffer(entries.into());
                self.end(Ok(()));
            }
            Err(refusal) => {
                let error = FilesystemError::from(refusal).downcast()?;
                self.end(Err(error));
            }
        }
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}

impl From<Entry> for DirectoryEntry {
    fn from(entry: Entry) -> Self {
        let type_ = match entry.kind {
            FileType::RegularFile => DescriptorType::RegularFile,
            FileType::Directory => DescriptorType::Directory,
            FileType::Symlink => DescriptorType::SymbolicLink,
            FileType::Fifo => DescriptorType::Fifo,
            FileType::Socket => DescriptorType::Socket,
            FileType::CharacterDevice => DescriptorType::CharacterDevice,
            FileType::BlockDevice => DescriptorType::BlockDevice,
            FileType::Unknown => DescriptorType::Other(None),
        };
        Self { type_, name: entry.name }
    }
}
