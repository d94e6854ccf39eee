//! What takes chance and time out of a build: a library that Python begins with, and a module that ends it.
//!
//! The library is `still/`, and beside its source what the pinned zig makes of it. The tool links what it finds as a
//! native extension, and what an extension does first it does before Python begins.

use std::io;
use std::path::Path;

use airssys_wasm_model::Digest;

use crate::build::find;

/// By its ending the tool knows it as an extension of its Python.
const NAME: &str = "still.cpython-314-wasm32-wasi.so";

const LIBRARY: &[u8] = include_bytes!("still/still.wasm");

/// What stands in it before the digits of the seed.
const SEED: &[u8] = b"airssys-wasm seed:";

/// As many digits as the largest seed has.
const DIGITS: usize = 10;

/// The module that the tool is told to load, in place of the SDK's: that may be of another version than this program,
/// and an instance's clock would stand for ever if nothing ended the build.
pub(super) const BUILD: &str = "airssys_build";

/// Writes both. `exports` is the SDK's module that the component exports, and `app` what texts are hashed by: whoever
/// has the component can read that seed, but it is no one seed for all.
pub(super) fn write(dir: &Path, exports: &str, app: &[u8]) -> io::Result<()> {
    std::fs::write(dir.join(NAME), library(seed(app)))?;
    let build = format!(
        "import random\n\
         import sys\n\
         import _airssys_still\n\
         random.seed(0)\n\
         import {exports} as exports\n\
         random.seed(0)\n\
         sys.modules[__name__] = exports\n\
         _airssys_still.end()\n\
         del sys.modules[\"_airssys_still\"]\n"
    );
    std::fs::write(dir.join(format!("{BUILD}.py")), build)
}

/// Python takes 32 bits, and 0 for none.
fn seed(app: &[u8]) -> u32 {
    let digest = Digest::of(app).hex();
    u32::from_str_radix(&digest[..8], 16).unwrap_or_default().max(1)
}

fn library(seed: u32) -> Vec<u8> {
    let mut library = LIBRARY.to_vec();
    if let Some(at) = find(LIBRARY, SEED) {
        let at = at + SEED.len();
        library[at..at + DIGITS].copy_from_slice(format!("{seed:0DIGITS$}").as_bytes());
    }
    library
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_the_projects_own_and_the_same_each_time() {
        let ours = library(seed(b"import airssys"));
        assert_eq!(ours, library(seed(b"import airssys")));
        let differ =
            |other: &[u8]| ours.iter().zip(other).filter(|(one, other)| one != other).count();
        assert!((1..=DIGITS).contains(&differ(&library(seed(b"import json")))));
        assert!(find(&library(u32::MAX), b"airssys-wasm seed:4294967295").is_some());
    }
}
