//! Installs the peer for calls of plugins: Extism's shared library, out of the wheel that PyPI has. The crate of
//! the same version needs a newer Rust than this workspace.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::shell;

const VERSION: &str = "1.41.0";

/// The SHA-256 of each platform's wheel of that version, as PyPI tells them. pip takes the wheel that fits the
/// machine, and only if its digest is one of these.
const WHEELS: [&str; 7] = [
    // Linux with glibc: x86_64, aarch64.
    "ec20105dc6f80a545b421717a89e849b80677a9337f3ed7f0367f4c89ad6e998",
    "dadbb2530a964a83b7fcd09ced1abfd639b7fbffebce7024eb50ad47b2efce40",
    // Linux with musl: x86_64, aarch64.
    "1026ebecb94bdff66b8966c46396584fc8a91f9f6536faa84f92640ca91bf4c8",
    "2d1be54970a257d705054e15796a79b22b4338ae313f31fa836d1e37fcec2486",
    // macOS: x86_64, arm64.
    "25ed46b33b99b9a177d9abc488c1f2a8df3790d35ec8a22547d14f6bdeeda284",
    "2f76f1cdc6eb8bb14947fbf78feb90c8f4d94f045c7677ceb4175a0f91faedf0",
    // Windows: x86_64.
    "b74f3fe656202dc49c0d877c9ede58e68affda8aa2eaeb6e08c9a5a98a528b35",
];

/// The library, installed under `target/peers` unless it is there.
pub(crate) fn library() -> Result<PathBuf> {
    let peers = shell::root().join("target/peers");
    let installed = peers.join(format!("extism-{VERSION}"));
    let library = |folder: &Path| {
        folder.join("extism_sys").join(format!("{DLL_PREFIX}extism_sys{DLL_SUFFIX}"))
    };
    if !library(&installed).is_file() {
        eprintln!("installing Extism {VERSION} as a peer, from PyPI");
        let begun = peers.join("extism.part");
        install(&begun)?;
        ensure!(library(&begun).is_file(), "the wheel of extism-sys {VERSION} has no library");
        // Under its own name only when it is whole.
        fs::rename(&begun, &installed)?;
    }
    Ok(library(&installed))
}

/// Downloads the wheel, checks it and unpacks it into this folder.
fn install(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let wanted = folder.join("wanted.txt");
    let hashes = WHEELS.map(|wheel| format!(" --hash=sha256:{wheel}")).concat();
    fs::write(&wanted, format!("extism-sys=={VERSION}{hashes}\n"))?;
    shell::run(
        shell::program("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"])
            .args(["--require-hashes", "--dest"])
            .arg(folder)
            .arg("--requirement")
            .arg(&wanted),
    )
    .context("Extism comes from PyPI, by `python3 -m pip`")?;
    let files = fs::read_dir(folder)?.filter_map(|file| Some(file.ok()?.path()));
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    let wheel = files.into_iter().find(is_wheel).context("pip has downloaded no wheel")?;
    shell::run(
        shell::program("python3").args(["-m", "zipfile", "--extract"]).arg(wheel).arg(folder),
    )
}
