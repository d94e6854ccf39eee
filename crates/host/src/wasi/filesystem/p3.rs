//! `wasi:filesystem@0.3`: the same checks; what is done with an open handle is the runtime's, for as
//! long as the right that it was opened by stands.

use rustix::fs::{Timespec, Timestamps};
use tokio::sync::oneshot;
use wasmtime::AsContextMut;
use wasmtime::component::{Access, Accessor, FutureReader, Resource, StreamReader};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p3::bindings::filesystem::preopens;
use wasmtime_wasi::p3::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    Filesize, HostDescriptorWithStore as Runtime, MetadataHashValue, NewTimestamp, OpenFlags,
    PathFlags,
};
use wasmtime_wasi::p3::filesystem::{FilesystemError, FilesystemResult};

use super::errand::{Errand, Report};
use super::listing::Listing;
use super::open::{Wish, open};
use super::opened::Act;
use super::refusal::Refusal;
use super::walk::Last;
use super::{Fd, Files, change, look, times};
use crate::guest::Guest;
use crate::wasi::streams;

type Store = Accessor<Guest, Files>;
type Finished = FutureReader<Result<(), ErrorCode>>;

impl preopens::Host for Guest {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        self.preopens()
    }
}

impl types::Host for Guest {
    fn convert_error_code(&mut self, error: FilesystemError) -> wasmtime::Result<ErrorCode> {
        types::Host::convert_error_code(&mut self.filesystem(), error)
    }
}

impl types::HostDescriptor for Guest {
    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        let number = fd.rep();
        let dropped = types::HostDescriptor::drop(&mut self.filesystem(), fd);
        self.files.forget(number);
        dropped
    }
}

/// The store as the runtime's own implementation takes it.
fn runtime(store: &Store) -> Accessor<Guest, WasiFilesystem> {
    store.with_getter::<WasiFilesystem>(|guest| guest.filesystem())
}

fn runtime_now<'a>(store: &'a mut Access<'_, Guest, Files>) -> Access<'a, Guest, WasiFilesystem> {
    Access::<Guest, WasiFilesystem>::new(store.as_context_mut(), |guest| guest.filesystem())
}

/// Asks the guest's state something, between two waits.
fn with<T>(store: &Store, ask: impl FnOnce(&mut Guest) -> T) -> T {
    store.with(|mut store| ask(store.get()))
}

/// Does one import's work, and settles it.
async fn run<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Errand) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let report: Report<T> = with(store, |guest| guest.errand()).run(work).await;
    with(store, |guest| guest.settle(report))
}

impl types::HostDescriptorWithStore<Guest> for Files {
    async fn open_at(
        store: &Store,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FilesystemResult<Fd> {
        let place = with(store, |guest| guest.place(&fd))?;
        let slot = with(store, Guest::slot)?;
        let wish = wish(path_flags, open_flags, flags);
        let opened = run(store, move |errand| open(errand, &place, &path, wish, slot)).await?;
        Ok(with(store, |guest| guest.keep(opened))?)
    }

    async fn create_directory_at(store: &Store, fd: Fd, path: String) -> FilesystemResult<()> {
        let place = with(store, |guest| guest.place(&fd))?;
        Ok(run(store, move |errand| change::create_directory(errand, &place, &path)).await?)
    }

    async fn remove_directory_at(store: &Store, fd: Fd, path: String) -> FilesystemResult<()> {
        let place = with(store, |guest| guest.place(&fd))?;
        Ok(run(store, move |errand| change::remove_directory(errand, &place, &path)).await?)
    }

    async fn unlink_file_at(store: &Store, fd: Fd, path: String) -> FilesystemResult<()> {
        let place = with(store, |guest| guest.place(&fd))?;
        Ok(run(store, move |errand| change::unlink(errand, &place, &path)).await?)
    }

    async fn symlink_at(
        store: &Store,
        fd: Fd,
        target: String,
        path: String,
    ) -> FilesystemResult<()> {
        let place = with(store, |guest| guest.place(&fd))?;
        Ok(run(store, move |errand| change::symlink(errand, &target, &place, &path)).await?)
    }

    async fn link_at(
        store: &Store,
        fd: Fd,
        old_flags: PathFlags,
        old_path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FilesystemResult<()> {
        if old_flags.contains(PathFlags::SYMLINK_FOLLOW) {
            return Err(ErrorCode::Invalid.into());
        }
        let old = with(store, |guest| guest.place(&fd))?;
        let new = with(store, |guest| guest.place(&new_fd))?;
        let link =
            move |errand: &mut Errand| change::link(errand, (&old, &old_path), (&new, &new_path));
        Ok(run(store, link).await?)
    }

    async fn rename_at(
        store: &Store,
        fd: Fd,
        old_path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FilesystemResult<()> {
        let old = with(store, |guest| guest.place(&fd))?;
        let new = with(store, |guest| guest.place(&new_fd))?;
        let rename =
            move |errand: &mut Errand| change::rename(errand, (&old, &old_path), (&new, &new_path));
        Ok(run(store, rename).await?)
    }

    async fn set_times_at(
        store: &Store,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FilesystemResult<()> {
        let place = with(store, |guest| guest.place(&fd))?;
        let (last_access, last_modification) = (time(access)?, time(modification)?);
        let (times, last) = (Timestamps { last_access, last_modification }, last(path_flags));
        Ok(run(store, move |errand| change::set_times(errand, &place, &path, last, &times)).await?)
    }

    async fn stat_at(
        store: &Store,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
    ) -> FilesystemResult<DescriptorStat> {
        let seen = look_at(store, fd, path_flags, path).await?;
        let lent = Resource::new_borrow(seen.rep());
        let stat = Runtime::stat(&runtime(store), lent).await;
        with(store, |guest| guest.table.delete(seen))?;
        stat
    }

    async fn metadata_hash_at(
        store: &Store,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
    ) -> FilesystemResult<MetadataHashValue> {
        let seen = look_at(store, fd, path_flags, path).await?;
        let lent = Resource::new_borrow(seen.rep());
        let hash = Runtime::metadata_hash(&runtime(store), lent).await;
        with(store, |guest| guest.table.delete(seen))?;
        hash
    }

    async fn readlink_at(store: &Store, fd: Fd, path: String) -> FilesystemResult<String> {
        let place = with(store, |guest| guest.place(&fd))?;
        Ok(run(store, move |errand| look::read_link(errand, &place, &path)).await?)
    }

    fn read_directory(
        mut store: Access<'_, Guest, Self>,
        fd: Fd,
    ) -> wasmtime::Result<(StreamReader<DirectoryEntry>, Finished)> {
        let (done, finished) = oneshot::channel();
        let guest = store.get();
        let found = guest.place(&fd).and_then(|place| Ok((place, guest.dir(&fd)?, guest.slot()?)));
        let stream = match found {
            Ok((place, dir, slot)) => {
                let listing = Listing::begin(guest.errand(), place, dir, slot, done);
                StreamReader::new(&mut store, listing)?
            }
            Err(refusal) => {
                let error = FilesystemError::from(refusal).downcast()?;
                let _unless_dropped = done.send(Err(error));
                StreamReader::new(&mut store, std::iter::empty())?
            }
        };
        Ok((stream, FutureReader::new(&mut store, finished)?))
    }

    fn read_via_stream(
        mut store: Access<'_, Guest, Self>,
        fd: Fd,
        offset: Filesize,
    ) -> wasmtime::Result<(StreamReader<u8>, Finished)> {
        let hold = match store.get().hold(&fd, Act::Read) {
            Ok(Some(hold)) => hold,
            Ok(None) => return Runtime::read_via_stream(runtime_now(&mut store), fd, offset),
            Err(refusal) => {
                let data = StreamReader::new(&mut store, std::iter::empty())?;
                return Ok((data, ended(store, refusal)?));
            }
        };
        let (data, finished) = Runtime::read_via_stream(runtime_now(&mut store), fd, offset)?;
        let data = streams::hold(&mut store, data, &hold)?;
        Ok((
            data,
            streams::hold_end(
                &mut store,
                finished,
                streams::revoked(hold, ErrorCode::NotPermitted),
                (),
            )?,
        ))
    }

    fn write_via_stream(
        mut store: Access<'_, Guest, Self>,
        fd: Fd,
        mut data: StreamReader<u8>,
        offset: Filesize,
    ) -> wasmtime::Result<Finished> {
        let hold = match store.get().hold(&fd, Act::Write) {
            Ok(Some(hold)) => hold,
            Ok(None) => {
                return Runtime::write_via_stream(runtime_now(&mut store), fd, data, offset);
            }
            Err(refusal) => {
                data.close(&mut store)?;
                return ended(store, refusal);
            }
        };
        let data = streams::hold(&mut store, data, &hold)?;
        let finished = Runtime::write_via_stream(runtime_now(&mut store), fd, data, offset)?;
        streams::hold_end(&mut store, finished, streams::revoked(hold, ErrorCode::NotPermitted), ())
    }

    fn append_via_stream(
        mut store: Access<'_, Guest, Self>,
        fd: Fd,
        mut data: StreamReader<u8>,
    ) -> wasmtime::Result<Finished> {
        let hold = match store.get().hold(&fd, Act::Write) {
            Ok(Some(hold)) => hold,
            Ok(None) => return Runtime::append_via_stream(runtime_now(&mut store), fd, data),
            Err(refusal) => {
                data.close(&mut store)?;
                return ended(store, refusal);
            }
        };
        let data = streams::hold(&mut store, data, &hold)?;
        let finished = Runtime::append_via_stream(runtime_now(&mut store), fd, data)?;
        streams::hold_end(&mut store, finished, streams::revoked(hold, ErrorCode::NotPermitted), ())
    }

    async fn advise(
        store: &Store,
        fd: Fd,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FilesystemResult<()> {
        with(store, |guest| guest.may_act(&fd, Act::Ask))?;
        Runtime::advise(&runtime(store), fd, offset, length, advice).await
    }

    async fn sync_data(store: &Store, fd: Fd) -> FilesystemResult<()> {
        with(store, |guest| guest.may_act(&fd, Act::Ask))?;
        Runtime::sync_data(&runtime(store), fd).await
    }

    async fn sync(store: &Store, fd: Fd) -> FilesystemResult<()> {
        with(store, |guest| guest.may_act(&fd, Act::Ask))?;
        Runtime::sync(&runtime(store), fd).await
    }

    async fn get_flags(store: &Store, fd: Fd) -> FilesystemResult<DescriptorFlags> {
        with(store, |guest| guest.may_act(&fd, Act::Ask))?;
        Runtime::get_flags(&runtime(store), fd).await
    }

    async fn get_type(store: &Store, fd: Fd) -> FilesystemResult<DescriptorType> {
        with(store, |guest| guest.may_act(&fd, Act::Ask))?;
        Runtime::get_type(&runtime(store), fd).await
    }

    async fn set_size(store: &Store, fd: Fd, size: Filesize) -> FilesystemResult<()> {
        with(store, |guest| guest.may_act(&fd, Act::Write))?;
        Runtime::set_size(&runtime(store), fd, size).await
    }

    async fn set_times(
        store: &Store,
        fd: Fd,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FilesystemResult<()> {
        with(store, |guest| guest.may_act(&fd, Act::Touch))?;
        Runtime::set_times(&runtime(store), fd, access, modification).await
    }

    async fn stat(store: &Store, fd: Fd) -> FilesystemResult<DescriptorStat> {
        with(store, |guest| guest.may_act(&fd, Act::Ask))?;
        Runtime::stat(&runtime(store), fd).await
    }

    async fn is_same_object(store: &Store, fd: Fd, other: Fd) -> wasmtime::Result<bool> {
        Runtime::is_same_object(&runtime(store), fd, other).await
    }

    async fn metadata_hash(store: &Store, fd: Fd) -> FilesystemResult<MetadataHashValue> {
        with(store, |guest| guest.may_act(&fd, Act::Ask))?;
        Runtime::metadata_hash(&runtime(store), fd).await
    }
}

/// How a stream ends that is not begun.
fn ended(mut store: Access<'_, Guest, Files>, refusal: Refusal) -> wasmtime::Result<Finished> {
    let error = FilesystemError::from(refusal).downcast()?;
    FutureReader::new(&mut store, async move { wasmtime::error::Ok(Err(error)) })
}

/// A handle for the runtime to look at, so that what it says of a path is what it says of an open file.
async fn look_at(store: &Store, fd: Fd, flags: PathFlags, path: String) -> FilesystemResult<Fd> {
    let (place, last) = (with(store, |guest| guest.place(&fd))?, last(flags));
    let file = run(store, move |errand| look::handle(errand, &place, &path, last)).await?;
    Ok(with(store, |guest| guest.table.push(look::descriptor(file)))?)
}

fn last(flags: PathFlags) -> Last {
    if flags.contains(PathFlags::SYMLINK_FOLLOW) { Last::Follow } else { Last::Keep }
}

fn wish(path: PathFlags, open: OpenFlags, flags: DescriptorFlags) -> Wish {
    let sync = DescriptorFlags::FILE_INTEGRITY_SYNC
        | DescriptorFlags::DATA_INTEGRITY_SYNC
        | DescriptorFlags::REQUESTED_WRITE_SYNC;
    Wish {
        last: last(path),
        create: open.contains(OpenFlags::CREATE),
        exclusive: open.contains(OpenFlags::EXCLUSIVE),
        truncate: open.contains(OpenFlags::TRUNCATE),
        directory: open.contains(OpenFlags::DIRECTORY),
        read: flags.contains(DescriptorFlags::READ),
        write: flags.contains(DescriptorFlags::WRITE),
        sync: flags.intersects(sync),
    }
}

fn time(time: NewTimestamp) -> Result<Timespec, ErrorCode> {
    match time {
        NewTimestamp::NoChange => Ok(times::UNCHANGED),
        NewTimestamp::Now => Ok(times::NOW),
        NewTimestamp::Timestamp(at) => {
            times::at(at.seconds, at.nanoseconds).ok_or(ErrorCode::Overflow)
        }
    }
}
