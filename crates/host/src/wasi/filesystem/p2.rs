//! `wasi:filesystem@0.2`: each import that names a path is checked; what is done with an open handle is the
//! runtime's, for as long as the right that it was opened by stands.

use rustix::fs::{Timespec, Timestamps};
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    Filesize, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, ReaddirIterator};

use super::open::{Wish, open};
use super::opened::Act;
use super::walk::Last;
use super::{change, list, look, times};
use crate::guest::Guest;
use crate::wasi::streams;

type Fd = Resource<Descriptor>;

impl preopens::Host for Guest {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        self.preopens()
    }
}

impl types::Host for Guest {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        types::Host::convert_error_code(&mut self.filesystem(), error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        types::Host::filesystem_error_code(&mut self.filesystem(), error)
    }
}

impl types::HostDescriptor for Guest {
    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        let place = self.place(&fd)?;
        let slot = self.slot()?;
        let wish = wish(path_flags, open_flags, flags);
        let errand = self.errand();
        let report = errand.run(move |errand| open(errand, &place, &path, wish, slot)).await;
        let opened = self.settle(report)?;
        Ok(self.keep(opened)?)
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let place = self.place(&fd)?;
        let errand = self.errand();
        let report = errand.run(move |errand| change::create_directory(errand, &place, &path));
        Ok(self.settle(report.await)?)
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let place = self.place(&fd)?;
        let errand = self.errand();
        let report = errand.run(move |errand| change::remove_directory(errand, &place, &path));
        Ok(self.settle(report.await)?)
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let place = self.place(&fd)?;
        let errand = self.errand();
        let report = errand.run(move |errand| change::unlink(errand, &place, &path));
        Ok(self.settle(report.await)?)
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        let place = self.place(&fd)?;
        let errand = self.errand();
        let report = errand.run(move |errand| change::symlink(errand, &target, &place, &path));
        Ok(self.settle(report.await)?)
    }

    async fn link_at(
        &mut self,
        fd: Fd,
        old_flags: PathFlags,
        old_path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FsResult<()> {
        if old_flags.contains(PathFlags::SYMLINK_FOLLOW) {
            return Err(ErrorCode::Invalid.into());
        }
        let (old, new) = (self.place(&fd)?, self.place(&new_fd)?);
        let errand = self.errand();
        let report = errand
            .run(move |errand| change::link(errand, (&old, &old_path), (&new, &new_path)))
            .await;
        Ok(self.settle(report)?)
    }

    async fn rename_at(
        &mut self,
        fd: Fd,
        old_path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FsResult<()> {
        let (old, new) = (self.place(&fd)?, self.place(&new_fd)?);
        let errand = self.errand();
        let report = errand
            .run(move |errand| change::rename(errand, (&old, &old_path), (&new, &new_path)))
            .await;
        Ok(self.settle(report)?)
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FsResult<()> {
        let place = self.place(&fd)?;
        let (last_access, last_modification) = (time(access)?, time(modification)?);
        let times = Timestamps { last_access, last_modification };
        let (errand, last) = (self.errand(), last(path_flags));
        let report =
            errand.run(move |errand| change::set_times(errand, &place, &path, last, &times)).await;
        Ok(self.settle(report)?)
    }

    async fn stat_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let seen = self.look(fd, path_flags, path).await?;
        let lent = Resource::new_borrow(seen.rep());
        let stat = types::HostDescriptor::stat(&mut self.filesystem(), lent).await;
        self.filesystem().table.delete(seen)?;
        stat
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        let place = self.place(&fd)?;
        let errand = self.errand();
        let report = errand.run(move |errand| look::read_link(errand, &place, &path)).await;
        Ok(self.settle(report)?)
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let seen = self.look(fd, path_flags, path).await?;
        let lent = Resource::new_borrow(seen.rep());
        let hash = types::HostDescriptor::metadata_hash(&mut self.filesystem(), lent).await;
        self.filesystem().table.delete(seen)?;
        hash
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<ReaddirIterator>> {
        let (place, dir) = (self.place(&fd)?, self.dir(&fd)?);
        let slot = self.slot()?;
        let (errand, checked) = (self.errand(), place.clone());
        let report = errand.run(move |errand| {
            list::check(errand, &checked)?;
            list::check_size(&dir)
        });
        self.settle(report.await)?;
        let listing = types::HostDescriptor::read_directory(&mut self.filesystem(), fd).await?;
        self.files.lists(&listing, place, slot);
        Ok(listing)
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        let number = fd.rep();
        let dropped = types::HostDescriptor::drop(&mut self.filesystem(), fd);
        self.files.forget(number);
        dropped
    }

    async fn advise(
        &mut self,
        fd: Fd,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.may_act(&fd, Act::Ask)?;
        types::HostDescriptor::advise(&mut self.filesystem(), fd, offset, length, advice).await
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        self.may_act(&fd, Act::Ask)?;
        types::HostDescriptor::sync_data(&mut self.filesystem(), fd).await
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        self.may_act(&fd, Act::Ask)?;
        types::HostDescriptor::sync(&mut self.filesystem(), fd).await
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        self.may_act(&fd, Act::Ask)?;
        types::HostDescriptor::get_flags(&mut self.filesystem(), fd).await
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        self.may_act(&fd, Act::Ask)?;
        types::HostDescriptor::get_type(&mut self.filesystem(), fd).await
    }

    async fn set_size(&mut self, fd: Fd, size: Filesize) -> FsResult<()> {
        self.may_act(&fd, Act::Write)?;
        types::HostDescriptor::set_size(&mut self.filesystem(), fd, size).await
    }

    async fn set_times(
        &mut self,
        fd: Fd,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FsResult<()> {
        self.may_act(&fd, Act::Touch)?;
        types::HostDescriptor::set_times(&mut self.filesystem(), fd, access, modification).await
    }

    async fn read(
        &mut self,
        fd: Fd,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.may_act(&fd, Act::Read)?;
        types::HostDescriptor::read(&mut self.filesystem(), fd, length, offset).await
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        self.may_act(&fd, Act::Write)?;
        types::HostDescriptor::write(&mut self.filesystem(), fd, bytes, offset).await
    }

    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        let hold = self.hold(&fd, Act::Read)?;
        let stream = types::HostDescriptor::read_via_stream(&mut self.filesystem(), fd, offset)?;
        streams::hold_input(&mut self.table, &stream, hold)?;
        Ok(stream)
    }

    fn write_via_stream(
        &mut self,
        fd: Fd,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        let hold = self.hold(&fd, Act::Write)?;
        let stream = types::HostDescriptor::write_via_stream(&mut self.filesystem(), fd, offset)?;
        streams::hold_output(&mut self.table, &stream, hold)?;
        Ok(stream)
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        let hold = self.hold(&fd, Act::Write)?;
        let stream = types::HostDescriptor::append_via_stream(&mut self.filesystem(), fd)?;
        streams::hold_output(&mut self.table, &stream, hold)?;
        Ok(stream)
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        self.may_act(&fd, Act::Ask)?;
        types::HostDescriptor::stat(&mut self.filesystem(), fd).await
    }

    async fn is_same_object(&mut self, a: Fd, b: Fd) -> wasmtime::Result<bool> {
        types::HostDescriptor::is_same_object(&mut self.filesystem(), a, b).await
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        self.may_act(&fd, Act::Ask)?;
        types::HostDescriptor::metadata_hash(&mut self.filesystem(), fd).await
    }
}

impl Guest {
    /// A handle for the runtime to look at, so that what it says of a path is what it says of an open file.
    async fn look(&mut self, fd: Fd, flags: PathFlags, path: String) -> FsResult<Fd> {
        let place = self.place(&fd)?;
        let (errand, last) = (self.errand(), last(flags));
        let report = errand.run(move |errand| look::handle(errand, &place, &path, last)).await;
        let file = self.settle(report)?;
        Ok(self.filesystem().table.push(look::descriptor(file))?)
    }
}

impl types::HostDirectoryEntryStream for Guest {
    async fn read_directory_entry(
        &mut self,
        listing: Resource<ReaddirIterator>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.files.renew();
        let may = self.files.may_list(&listing);
        self.settled(may)?;
        loop {
            let lent = Resource::new_borrow(listing.rep());
            let mut view = self.filesystem();
            let entry = types::HostDirectoryEntryStream::read_directory_entry(&mut view, lent);
            match entry.await {
                Ok(Some(entry)) if !self.files.shows(&listing, &entry.name) => {}
                // A name that is no Unicode is one that no right can say.
                Err(error) if self.files.partial(&listing).is_some() && is_no_name(&error) => {}
                entry => return entry,
            }
        }
    }

    fn drop(&mut self, listing: Resource<ReaddirIterator>) -> wasmtime::Result<()> {
        self.files.forget_listing(&listing);
        types::HostDirectoryEntryStream::drop(&mut self.filesystem(), listing)
    }
}

fn is_no_name(error: &FsError) -> bool {
    matches!(error.downcast_ref(), Some(ErrorCode::IllegalByteSequence))
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
            let seconds = i64::try_from(at.seconds).map_err(|_| ErrorCode::Overflow)?;
            times::at(seconds, at.nanoseconds).ok_or(ErrorCode::Overflow)
        }
    }
}
