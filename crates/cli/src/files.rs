//! Reading what a user names: one bound on its size, and one exit code for each reason that it cannot be
//! read.

use std::fs::File;
use std::io::{ErrorKind, Read};
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
