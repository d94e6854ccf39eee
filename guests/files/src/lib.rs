//! Does with files what a script says, by `wasi:filesystem@0.2`.

mod script;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use script::{Answer, How};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
    filesystem_error_code,
};
use wasip2::io::streams::{InputStream, StreamError};

wit_bindgen::generate!({ path: "wit", world: "files" });

struct Files;

export!(Files);

impl Guest for Files {
    fn run(script: String) -> String {
        // Nothing in 0.2 waits.
        match pin!(script::run(&Files, &script)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answers) => answers,
            Poll::Pending => unreachable!("a call of 0.2 waited"),
        }
    }
}

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

impl script::Files for Files {
    type Fd = Descriptor;
    type Stream = InputStream;

    fn preopens(&self) -> Vec<(Descriptor, String)> {
        get_directories()
    }

    async fn open(&self, dir: &Descriptor, path: &str, how: How) -> Answer<Descriptor> {
        let path_flags = if how.nofollow { PathFlags::empty() } else { FOLLOW };
        let open = [
            (how.create, OpenFlags::CREATE),
            (how.exclusive, OpenFlags::EXCLUSIVE),
            (how.truncate, OpenFlags::TRUNCATE),
            (how.directory, OpenFlags::DIRECTORY),
        ];
        let open = open.into_iter().filter(|(wanted, _)| *wanted);
        let open = open.fold(OpenFlags::empty(), |all, (_, flag)| all | flag);
        let flags = [(how.read, DescriptorFlags::READ), (how.write, DescriptorFlags::WRITE)];
        let flags = flags.into_iter().filter(|(wanted, _)| *wanted);
        let flags = flags.fold(DescriptorFlags::empty(), |all, (_, flag)| all | flag);
        dir.open_at(path_flags, path, open, flags).map_err(named)
    }

    async fn read(&self, file: &Descriptor) -> Answer<String> {
        let (bytes, _end) = file.read(1 << 16, 0).map_err(named)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn write(&self, file: &Descriptor, text: &str) -> Answer<()> {
        file.write(text.as_bytes(), 0).map(drop).map_err(named)
    }

    async fn list(&self, dir: &Descriptor) -> Answer<Vec<String>> {
        let listing = dir.read_directory().map_err(named)?;
        let mut names = Vec::new();
        while let Some(entry) = listing.read_directory_entry().map_err(named)? {
            names.push(entry.name);
        }
        Ok(names)
    }

    async fn stat(&self, dir: &Descriptor, path: &str, follow: bool) -> Answer<String> {
        let flags = if follow { FOLLOW } else { PathFlags::empty() };
        let stat = dir.stat_at(flags, path).map_err(named)?;
        let kind = format!("{:?}", stat.type_).replace("DescriptorType::", "");
        // A directory's size is its file system's own affair.
        Ok(if kind == "Directory" { kind } else { format!("{kind} {}", stat.size) })
    }

    async fn hash(&self, dir: &Descriptor, path: &str) -> Answer<bool> {
        let hash = dir.metadata_hash_at(FOLLOW, path).map_err(named)?;
        let flags = (OpenFlags::empty(), DescriptorFlags::READ);
        let open = dir.open_at(FOLLOW, path, flags.0, flags.1).map_err(named)?;
        let same = open.metadata_hash().map_err(named)?;
        Ok((hash.lower, hash.upper) == (same.lower, same.upper))
    }

    async fn create_directory(&self, dir: &Descriptor, path: &str) -> Answer<()> {
        dir.create_directory_at(path).map_err(named)
    }

    async fn remove_directory(&self, dir: &Descriptor, path: &str) -> Answer<()> {
        dir.remove_directory_at(path).map_err(named)
    }

    async fn unlink(&self, dir: &Descriptor, path: &str) -> Answer<()> {
        dir.unlink_file_at(path).map_err(named)
    }

    async fn rename(&self, dir: &Descriptor, path: &str, to: &Descriptor, new: &str) -> Answer<()> {
        dir.rename_at(path, to, new).map_err(named)
    }

    async fn link(&self, dir: &Descriptor, path: &str, to: &Descriptor, new: &str) -> Answer<()> {
        dir.link_at(PathFlags::empty(), path, to, new).map_err(named)
    }

    async fn symlink(&self, dir: &Descriptor, target: &str, path: &str) -> Answer<()> {
        dir.symlink_at(target, path).map_err(named)
    }

    async fn read_link(&self, dir: &Descriptor, path: &str) -> Answer<String> {
        dir.readlink_at(path).map_err(named)
    }

    async fn touch(&self, dir: &Descriptor, path: &str) -> Answer<()> {
        dir.set_times_at(FOLLOW, path, NewTimestamp::Now, NewTimestamp::NoChange).map_err(named)
    }

    async fn touch_open(&self, file: &Descriptor) -> Answer<()> {
        file.set_times(NewTimestamp::Now, NewTimestamp::NoChange).map_err(named)
    }

    fn stream(&self, file: &Descriptor) -> Answer<InputStream> {
        file.read_via_stream(0).map_err(named)
    }

    async fn more(&self, stream: &mut InputStream) -> Answer<String> {
        match stream.blocking_read(4) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(StreamError::Closed) => Ok("end".into()),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(filesystem_error_code(&error).map_or("other".into(), named))
            }
        }
    }

    async fn set_size(&self, file: &Descriptor, size: u64) -> Answer<()> {
        file.set_size(size).map_err(named)
    }
}

fn named(error: ErrorCode) -> String {
    error.name().to_owned()
}
