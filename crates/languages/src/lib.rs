//! The guest languages: which there are, what each needs to be built, and what a project in it begins with.
//!
//! A language is a folder under `sdk/` (what a project's code is written against), one under `templates/` (what
//! `init` writes) and a file in `src/build/` (how its tools are driven). The contract that all are built against is
//! in `wit/`. What comes out of a build is a component, or a core module that says its world and is made one by the
//! host with the preview 1 adapter.

mod build;
mod contract;
mod engine;
mod language;
mod project;
mod toolchain;

pub use airssys_wasm_model::ComponentKind;

pub use self::build::{BuildError, Compiled, Job, build, target_is_installed};
pub use self::engine::{Engine, EngineError};
pub use self::language::{Language, NameError, UnknownLanguage};
pub use self::project::{NoTemplate, ProjectFile, new_project, sdk_files};
pub use self::toolchain::{
    Fetcher, Finding, InstallError, Needed, NeededError, PYTHON, Toolchains, Why, install_command,
};
