//! The contract that components are built against: the WIT in `wit/`, and the world of each kind of component.

use std::path::Path;

use include_dir::{Dir, include_dir};
use wit_parser::{Resolve, WorldId};

/// The WIT of the SDKs and of all that it names.
static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/wit");

/// Puts the WIT into a folder of its own, as tools read it: `sdk.wit`, and what it names under `deps/`. What was there
/// goes: a package that another version kept in another file would be there twice.
pub(crate) fn write(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => std::fs::create_dir_all(dir)?,
    }
    WIT.extract(dir)
}

/// The contract as read from where [`write`] put it, with one of its worlds.
pub(crate) fn read(dir: &Path, world: &str) -> Result<(Resolve, WorldId), String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(dir).map_err(|error| format!("{error:#}"))?;
    let world =
        resolve.select_world(&[package], Some(world)).map_err(|error| format!("{error:#}"))?;
    Ok((resolve, world))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_version_wrote_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        let stale = dir.path().join("deps/stale.wit");
        std::fs::write(&stale, "package wasi:io@0.2.12;").unwrap();
        write(dir.path()).unwrap();
        assert!(!stale.exists());
    }

    #[test]
    fn every_world_resolves_from_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        for world in ["imports", "handler", "stateful-handler", "http", "cli"] {
            read(dir.path(), world).unwrap();
        }
    }
}
