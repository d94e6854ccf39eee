//! Lines for the service's log: `log::info!("{count} words")`.
//!
//! They go through `wasi:logging` with their level and the module they come from; natively, in tests, to
//! stderr. The node bounds how many lines a call may say and how long each may be.

use std::fmt::Arguments;

pub use crate::{
    __critical as critical, __debug as debug, __error as error, __info as info, __trace as trace,
    __warn as warn,
};

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The flow of control and the values of variables.
    Trace,
    /// For somebody who debugs the component.
    Debug,
    /// For somebody who watches over it.
    Info,
    /// Something hazardous.
    Warn,
    /// Something serious.
    Error,
    /// Something fatal.
    Critical,
}

/// One line, as the macros write it.
#[cfg(target_arch = "wasm32")]
pub fn line(level: Level, module: &str, message: Arguments<'_>) {
    use crate::bindings::wasi::logging::logging;
    let level = match level {
        Level::Trace => logging::Level::Trace,
        Level::Debug => logging::Level::Debug,
        Level::Info => logging::Level::Info,
        Level::Warn => logging::Level::Warn,
        Level::Error => logging::Level::Error,
        Level::Critical => logging::Level::Critical,
    };
    logging::log(level, module, &message.to_string());
}

/// One line, as the macros write it.
#[cfg(not(target_arch = "wasm32"))]
pub fn line(level: Level, module: &str, message: Arguments<'_>) {
    eprintln!("{level:?} {module}: {message}");
}

/// Says that something happened in this call, such as `bought`: an experiment whose success is `event:bought`
/// counts the call. It is a line of the log too, under the module `event`.
pub fn event(name: &str) {
    line(Level::Info, "event", format_args!("{name}"));
}

#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($($message:tt)+) => { $crate::__line!(Trace, $($message)+) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($($message:tt)+) => { $crate::__line!(Debug, $($message)+) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($($message:tt)+) => { $crate::__line!(Info, $($message)+) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($($message:tt)+) => { $crate::__line!(Warn, $($message)+) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($($message:tt)+) => { $crate::__line!(Error, $($message)+) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __critical {
    ($($message:tt)+) => { $crate::__line!(Critical, $($message)+) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __line {
    ($level:ident, $($message:tt)+) => {
        $crate::log::line(
            $crate::log::Level::$level,
            ::core::module_path!(),
            ::core::format_args!($($message)+),
        )
    };
}
