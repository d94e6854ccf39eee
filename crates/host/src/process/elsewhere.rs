//! Where there is no way to wait for a program's end and its output at once, none is run.

use std::io;

use airssys_wasm_model::Program;

use super::leash::Leash;
use super::{Finished, RunError};

pub(super) fn run(
    _program: &Program,
    _stdin: Vec<u8>,
    _leash: &Leash,
) -> Result<Finished, RunError> {
    Err(io::Error::from(io::ErrorKind::Unsupported).into())
}
