//! Does with files what a script says, by `wasi:filesystem@0.3`.

#[path = "../../files/src/script.rs"]
mod script;

wit_bindgen::generate!({ path: "wit", world: "files", generate_all });

use script::{Answer, How};
use wasi::filesystem::preopens::get_directories;
use wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};
use wit_bindgen::rt::async_support::{FutureReader, StreamReader};

struct Files;

export!(Files);

impl Guest for Files {
    async fn run(script: String) -> String {
        script::run(&Files, &script).await
    }
}

/// A stream that is read a few bytes at a time, and how it ends.
struct Reading {
    bytes: StreamReader<u8>,
    end: Option<FutureReader<Result<(), ErrorCode>>>,
}

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

impl script::Files for Files {
    type Fd = Descriptor;
    type Stream = Reading;

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
        dir.open_at(path_flags, path.into(), open, flags).await.map_err(named)
    }

    fn stream(&self, file: &Descriptor) -> Answer<Reading> {
        let (bytes, end) = file.read_via_stream(0);
        Ok(Reading { bytes, end: Some(end) })
    }

    async fn more(&self, stream: &mut Reading) -> Answer<String> {
        let (_result, bytes) = stream.bytes.read(Vec::with_capacity(4)).await;
        match (bytes.is_empty(), &mut stream.end) {
            (true, end) => match end.take() {
                Some(end) => end.await.map(|()| "end".into()).map_err(named),
                None => Ok("end".into()),
            },
            (false, _) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    async fn read(&self, file: &Descriptor) -> Answer<String> {
        let (stream, result) = file.read_via_stream(0);
        let bytes = stream.collect().await;
        result.await.map_err(named)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn write(&self, file: &Descriptor, text: &str) -> Answer<()> {
        let (mut writer, reader) = wit_stream::new();
        let result = file.write_via_stream(reader, 0);
        writer.write_all(text.into()).await;
        drop(writer);
        result.await.map_err(named)
    }

    async fn list(&self, dir: &Descriptor) -> Answer<Vec<String>> {
        let (stream, result) = dir.read_directory();
        let entries = stream.collect().await;
        result.await.map_err(named)?;
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    }

    async fn stat(&self, dir: &Descriptor, path: &str, follow: bool) -> Answer<String> {
        let flags = if follow { FOLLOW } else { PathFlags::empty() };
        let stat = dir.stat_at(flags, path.into()).await.map_err(named)?;
        let kind = format!("{:?}", stat.type_).replace("DescriptorType::", "");
        // A directory's size is its file system's own affair.
        Ok(if kind == "Directory" { kind } else { format!("{kind} {}", stat.size) })
    }

    async fn hash(&self, dir: &Descriptor, path: &str) -> Answer<bool> {
        let hash = dir.metadata_hash_at(FOLLOW, path.into()).await.map_err(named)?;
        let flags = (OpenFlags::empty(), DescriptorFlags::READ);
        let open = dir.open_at(FOLLOW, path.into(), flags.0, flags.1).await.map_err(named)?;
        let same = open.metadata_hash().await.map_err(named)?;
        Ok((hash.lower, hash.upper) == (same.lower, same.upper))
    }

    async fn create_directory(&self, dir: &Descriptor, path: &str) -> Answer<()> {
        dir.create_directory_at(path.into()).await.map_err(named)
    }

    async fn remove_directory(&self, dir: &Descriptor, path: &str) -> Answer<()> {
        dir.remove_directory_at(path.into()).await.map_err(named)
    }

    async fn unlink(&self, dir: &Descriptor, path: &str) -> Answer<()> {
        dir.unlink_file_at(path.into()).await.map_err(named)
    }

    async fn rename(&self, dir: &Descriptor, path: &str, to: &Descriptor, new: &str) -> Answer<()> {
        dir.rename_at(path.into(), to, new.into()).await.map_err(named)
    }

    async fn link(&self, dir: &Descriptor, path: &str, to: &Descriptor, new: &str) -> Answer<()> {
        dir.link_at(PathFlags::empty(), path.into(), to, new.into()).await.map_err(named)
    }

    async fn symlink(&self, dir: &Descriptor, target: &str, path: &str) -> Answer<()> {
        dir.symlink_at(target.into(), path.into()).await.map_err(named)
    }

    async fn read_link(&self, dir: &Descriptor, path: &str) -> Answer<String> {
        dir.readlink_at(path.into()).await.map_err(named)
    }

    async fn touch(&self, dir: &Descriptor, path: &str) -> Answer<()> {
        let (access, modification) = (NewTimestamp::Now, NewTimestamp::NoChange);
        dir.set_times_at(FOLLOW, path.into(), access, modification).await.map_err(named)
    }

    async fn touch_open(&self, file: &Descriptor) -> Answer<()> {
        file.set_times(NewTimestamp::Now, NewTimestamp::NoChange).await.map_err(named)
    }

    async fn set_size(&self, file: &Descriptor, size: u64) -> Answer<()> {
        file.set_size(size).await.map_err(named)
    }
}

/// `ErrorCode::NotPermitted` as `not-permitted`.
fn named(error: ErrorCode) -> String {
    let name = format!("{error:?}").replace("ErrorCode::", "");
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
