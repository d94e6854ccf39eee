//! Reading what a user names, with one bound on its size and one exit code for each reason that it cannot be read,
//! and writing what a user gets.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::Path;

use airssys_wasm_api::{Code, Failure, MAX_COMMAND_BYTES};

/// The text of a file that a person wrote: a configuration, a manifest, a list of grants. A node takes no
/// larger ones either.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = read_bytes(path, MAX_COMMAND_BYTES)?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::new(Code::Invalid, format!("{} is no text", path.display())))
}

/// A file's bytes, if they are no more than this.
pub(crate) fn read_bytes(path: &Path, bound: usize) -> Result<Vec<u8>, Failure> {
    let unreadable = |error| unreadable(path, &error);
    let file = File::open(path).map_err(unreadable)?;
    // Found before it is read, where the file knows its size.
    if file.metadata().map_err(unreadable)?.len() > bound as u64 {
        return Err(too_large(&path.display(), bound));
    }
    read_from(&path.display(), file, bound)
}

/// What is read from here until its end, if it is no more than this.
pub(crate) fn read_from(
    name: &dyn std::fmt::Display,
    from: impl Read,
    bound: usize,
) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = from.take(bound as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(code(&error), format!("{name} cannot be read: {error}")))?;
    if bytes.len() > bound { Err(too_large(name, bound)) } else { Ok(bytes) }
}

/// Writes the whole file or none of it: a watcher or a deploy may read at any time.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        let file = file.persist(path)?;
        // What a temporary file is made with is too narrow for a file that others deploy.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        drop(file);
        Ok(())
    };
    write().map_err(|error| unwritable(path, &error))
}

/// Writes a file that is not there yet, with these permissions from the first byte on.
pub(crate) fn create(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(Code::Conflict, format!("{} is there already", path.display()))
                .help("name another file")
        }
        _ => unwritable(path, &error),
    })
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(code(error), format!("{} cannot be written: {error}", path.display()))
}

/// Why a file cannot be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(code(error), format!("{} cannot be read: {error}", path.display()))
}

fn code(error: &std::io::Error) -> Code {
    match error.kind() {
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::PermissionDenied => Code::Denied,
        _ => Code::Failed,
    }
}

fn too_large(name: &dyn std::fmt::Display, bound: usize) -> Failure {
    Failure::new(Code::TooLarge, format!("{name} has more than {bound} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_code_whoever_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(read_bytes(&path, 2).unwrap_err().code, Code::NotFound);
        std::fs::write(&path, [0xff, 0]).unwrap();
        assert_eq!(read_bytes(&path, 2).unwrap(), [0xff, 0]);
        assert_eq!(read_bytes(&path, 1).unwrap_err().code, Code::TooLarge);
        assert_eq!(read_text(&path).unwrap_err().code, Code::Invalid);
        let endless = read_from(&"stdin", std::io::repeat(0), 9);
        assert_eq!(endless.unwrap_err().code, Code::TooLarge);
        let denied = std::io::Error::from(ErrorKind::PermissionDenied);
        assert_eq!(unreadable(&path, &denied).code.exit_code(), 4);
    }
}
