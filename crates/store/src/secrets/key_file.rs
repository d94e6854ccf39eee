//! The file that holds the key: its owner's alone, and never in the data directory's copies.
//!
//! It has one line, `current KEY`, and while a rotation is under way a second one, `former KEY`. It is
//! replaced by rename, so at every instant it holds a key for everything that is sealed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rand::TryRngCore;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::error::{KeyError, SecretError};
use super::key::{KeyRing, SecretKey};
use crate::disk::{create_private_folder, sync_folder};
use crate::private::private_file;

/// More than two keys and their comment ever take; what is longer is some other file.
const MAX_FILE_BYTES: u64 = 4096;

/// How a passing name ends.
const UNFINISHED: &str = ".unfinished";

const HEAD: &str =
    "# The key of a node's secrets. Keep a copy elsewhere: without it they cannot be read.\n";

/// The keys in the file; `None` if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<KeyRing>, KeyError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|source| failed("open", path, source))?,
    };
    refuse_exposed(&file, path)?;
    // Room for all of it from the start: growing would leave a copy of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize + 1));
    file.take(MAX_FILE_BYTES)
        .read_to_string(&mut text)
        .map_err(|source| failed("read", path, source))?;
    parse(&text).map(Some).ok_or_else(|| KeyError::MalformedFile { path: path.to_owned() })
}

/// Makes the file with a new key. If somebody else has made it in the meantime, theirs is taken.
pub(super) fn create(path: &Path) -> Result<KeyRing, SecretError> {
    let ring = KeyRing::of(SecretKey::generate()?);
    let folder = folder_of(path);
    create_private_folder(folder).map_err(|source| failed("make a folder for", path, source))?;
    let unfinished = write_beside(path, &ring)?;
    // A link, because a rename would replace a key that another node has made and already uses.
    let linked = fs::hard_link(&unfinished, path);
    let _ = fs::remove_file(&unfinished);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let missing = || failed("read", path, ErrorKind::NotFound.into());
            return Ok(read(path)?.ok_or_else(missing)?);
        }
        linked => linked.map_err(|source| failed("create", path, source))?,
    }
    sync_folder(folder).map_err(|source| failed("create", path, source))?;
    Ok(ring)
}

/// Where the file lies, its name being a link perhaps: it is replaced there, and no key is left behind the link.
pub(super) fn place(path: &Path) -> Result<PathBuf, KeyError> {
    fs::canonicalize(path).map_err(|source| failed("find", path, source))
}

/// Takes away what a killed node has left beside the file. It holds keys: the one in the file, that which was to follow
/// it and has sealed nothing, or a former one. Nobody else writes there now, for no two nodes share a key.
pub(super) fn sweep(path: &Path) {
    let folder = folder_of(path);
    let swept = fs::read_dir(folder).and_then(|entries| {
        let mut removed = false;
        for entry in entries {
            let entry = entry?;
            if is_unfinished(&entry.file_name(), path) {
                fs::remove_file(entry.path())?;
                removed = true;
            }
        }
        if removed { sync_folder(folder) } else { Ok(()) }
    });
    if let Err(error) = swept {
        tracing::warn!(path = %folder.display(), %error, "a copy of a key may be left behind");
    }
}

/// Whether it has a passing name beside this file.
fn is_unfinished(name: &OsStr, path: &Path) -> bool {
    let file = path.file_name().unwrap_or_default().as_encoded_bytes();
    let draw = name
        .as_encoded_bytes()
        .strip_prefix(file)
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(UNFINISHED.as_bytes()));
    draw.is_some_and(|draw| draw.len() == 16 && draw.iter().all(u8::is_ascii_hexdigit))
}

/// Replaces the file in one step. Durable when it returns.
pub(super) fn replace(path: &Path, ring: &KeyRing) -> Result<(), SecretError> {
    let unfinished = write_beside(path, ring)?;
    let replaced = fs::rename(&unfinished, path).and_then(|()| sync_folder(folder_of(path)));
    if replaced.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    Ok(replaced.map_err(|source| failed("replace", path, source))?)
}

/// Writes a ring to a file of a passing name in the same folder, synced.
fn write_beside(path: &Path, ring: &KeyRing) -> Result<PathBuf, SecretError> {
    let draw = OsRng.try_next_u64().map_err(|_| SecretError::NoRandomness)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{draw:016x}{UNFINISHED}"));
    let unfinished = path.with_file_name(name);
    let written = private_file()
        .create_new(true)
        .open(&unfinished)
        .and_then(|mut file| write(&mut file, ring).and_then(|()| file.sync_all()));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written.map_err(|source| failed("write", path, source))?;
    Ok(unfinished)
}

fn write(file: &mut File, ring: &KeyRing) -> io::Result<()> {
    file.write_all(HEAD.as_bytes())?;
    let former = ring.former.as_ref().map(|key| ("former", key));
    for (role, key) in std::iter::once(("current", &ring.current)).chain(former) {
        for part in [role, " ", &key.to_base64(), "\n"] {
            file.write_all(part.as_bytes())?;
        }
    }
    Ok(())
}

/// A line without a role is the current key, so that `openssl rand -base64 32` makes a file too.
fn parse(text: &str) -> Option<KeyRing> {
    let (mut current, mut former) = (None, None);
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (place, key) = match line.split_once(' ') {
            Some(("former", key)) => (&mut former, key),
            Some(("current", key)) => (&mut current, key),
            Some(_) => return None,
            None => (&mut current, line),
        };
        if place.replace(SecretKey::parse(key).ok()?).is_some() {
            return None;
        }
    }
    Some(KeyRing { current: current?, former })
}

#[cfg(unix)]
fn refuse_exposed(file: &File, path: &Path) -> Result<(), KeyError> {
    let found = file.metadata().map_err(|source| failed("look at", path, source))?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Exposed { path: path.to_owned(), mode }) }
}

/// Elsewhere rights are access lists, which the folder hands down.
#[cfg(not(unix))]
fn refuse_exposed(_file: &File, _path: &Path) -> Result<(), KeyError> {
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { doing, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_file_is_its_owners_alone_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/node.key");
        assert!(read(&path).unwrap().is_none());
        let made = create(&path).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().current.id(), made.current.id());
        #[cfg(unix)]
        {
            let mode = |path: &Path| {
                std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions())
            };
            assert_eq!(mode(&path) & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(dir.path().join("keys")).unwrap().count(), 1, "a copy was left");
    }

    #[test]
    fn a_key_file_that_is_there_is_never_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        let first = create(&path).unwrap();
        assert_eq!(create(&path).unwrap().current.id(), first.current.id());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn a_file_of_a_bare_key_is_read_and_anything_else_is_refused() {
        let key = "ab".repeat(32);
        assert!(parse(&format!("{key}\n")).unwrap().former.is_none());
        assert!(parse(&format!("# mine\n\ncurrent {key}\nformer {key}")).unwrap().former.is_some());
        let twice = format!("{key}\n{key}");
        let orphan = format!("former {key}");
        let unknown = format!("next {key}");
        for text in ["", "\n# only this\n", "current ", "nonsense", &twice, &orphan, &unknown] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}
