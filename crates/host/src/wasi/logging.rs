//! `wasi:logging/logging`: a guest's own log lines, with their levels.

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::wasi::logging::logging::{self, Level as GuestLevel};
use crate::guest::Guest;
use crate::output::{LINE_BYTES_MAX, Level, LineSource};

impl logging::Host for Guest {
    fn log(&mut self, level: GuestLevel, context: String, message: String) -> wasmtime::Result<()> {
        let level = match level {
            GuestLevel::Trace => Level::Trace,
            GuestLevel::Debug => Level::Debug,
            GuestLevel::Info => Level::Info,
            GuestLevel::Warn => Level::Warn,
            GuestLevel::Error => Level::Error,
            GuestLevel::Critical => Level::Critical,
        };
        self.speaker.say(LineSource::Log(level), cut(&context), cut(&message));
        Ok(())
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    logging::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LINE_BYTES_MAX)]
}
