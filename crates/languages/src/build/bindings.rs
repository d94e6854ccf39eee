//! Bindings that generators in this binary make, and the world that a core module names.

use std::path::Path;

use wit_bindgen_core::{Files, WorldGenerator};
use wit_component::StringEncoding;

use crate::{BuildError, Language, contract};

/// Makes the bindings of a world by a generator and puts them into a folder, which is emptied before.
pub(super) fn generate(
    language: Language,
    mut generator: Box<dyn WorldGenerator>,
    wit: &Path,
    world: &str,
    into: &Path,
) -> Result<(), BuildError> {
    let failed = |why: String| BuildError::Bindings { language, why };
    let (mut resolve, world) = contract::read(wit, world).map_err(failed)?;
    let mut files = Files::default();
    generator
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| failed(format!("{error:#}")))?;
    let file = |error| BuildError::File { path: into.to_owned(), error };
    if into.exists() {
        std::fs::remove_dir_all(into).map_err(file)?;
    }
    for (name, bytes) in files.iter() {
        let path = into.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(into)).map_err(file)?;
        std::fs::write(&path, bytes).map_err(file)?;
    }
    Ok(())
}

/// Writes into a core module which world it was built for.
pub(super) fn embed(
    language: Language,
    wit: &Path,
    world: &str,
    mut module: Vec<u8>,
) -> Result<Vec<u8>, BuildError> {
    let failed = |why: String| BuildError::Bindings { language, why };
    let (resolve, world) = contract::read(wit, world).map_err(failed)?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| failed(format!("{error:#}")))?;
    Ok(module)
}
