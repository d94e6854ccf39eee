//! What bounds a guest: which limits there are, what each says when it is reached, and how what cannot be seen in a
//! pool is counted against them.

mod handles;
mod memory;
mod metered;
mod meters;
mod rate;
mod stopping;

use std::fmt;
use std::time::Duration;

use airssys_wasm_model::{ByteSize, Limits, Span};
use wasmtime::component::ResourceTableError;

pub(crate) use self::handles::{HandleMeter, count_handles};
pub(crate) use self::memory::MemoryMeter;
pub(crate) use self::metered::{Halt, Metered};
pub(crate) use self::meters::{Level, Meters};

/// A limit of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Limit {
    /// Memories and tables of the instance, together.
    Memory,
    /// Wall clock.
    Time,
    /// Time on a processor.
    Cpu,
    /// The call stack. It is the engine's own, and no setting.
    Stack,
    /// Calls at once.
    Concurrency,
    /// Calls that wait.
    Queue,
    /// Open files.
    Files,
    /// Open sockets.
    Sockets,
    /// What else of the host an instance holds.
    Handles,
    /// Core instances, memories and tables.
    Parts,
    /// Bytes of an answer.
    Output,
    /// Lines of a call.
    LogLines,
    /// Bytes of lines in a second.
    LogRate,
    /// Outbound requests at once.
    Requests,
    /// Outbound requests begun in a second.
    RequestRate,
    /// Bytes sent and received by outbound requests.
    Transfer,
    /// Bytes in buckets.
    Keyvalue,
    /// Keys read and written in a second.
    KeyvalueRate,
    /// Actors with a key, of the service.
    Actors,
}

/// What a revision has of one of its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitUse {
    /// Which.
    pub limit: Limit,
    /// What it is set to, in bytes, seconds or a count; nothing for the one that is no setting.
    pub setting: Option<f64>,
    /// What is used now, all instances together, where it is a level.
    pub used: Option<f64>,
    /// How often something was refused or stopped by it.
    pub hits: u64,
}

/// What a limit is set to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Setting {
    Count(u32),
    Bytes(ByteSize),
    Span(Span),
}

impl Limit {
    /// Each of them.
    pub const ALL: [Self; 19] = [
        Self::Memory,
        Self::Time,
        Self::Cpu,
        Self::Stack,
        Self::Concurrency,
        Self::Queue,
        Self::Files,
        Self::Sockets,
        Self::Handles,
        Self::Parts,
        Self::Output,
        Self::LogLines,
        Self::LogRate,
        Self::Requests,
        Self::RequestRate,
        Self::Transfer,
        Self::Keyvalue,
        Self::KeyvalueRate,
        Self::Actors,
    ];

    /// The name by which manifests and answers know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Time => "time",
            Self::Cpu => "cpu",
            Self::Stack => "stack",
            Self::Concurrency => "concurrency",
            Self::Queue => "queue",
            Self::Files => "files",
            Self::Sockets => "sockets",
            Self::Handles => "handles",
            Self::Parts => "parts",
            Self::Output => "output",
            Self::LogLines => "log_lines",
            Self::LogRate => "log_rate",
            Self::Requests => "requests",
            Self::RequestRate => "request_rate",
            Self::Transfer => "transfer",
            Self::Keyvalue => "keyvalue",
            Self::KeyvalueRate => "keyvalue_rate",
            Self::Actors => "actors",
        }
    }

    /// Whether a manifest can set it.
    pub const fn is_setting(self) -> bool {
        !matches!(self, Self::Stack)
    }

    /// What these limits set it to.
    pub(crate) const fn setting(self, limits: &Limits) -> Option<Setting> {
        Some(match self {
            Self::Memory => Setting::Bytes(limits.memory),
            Self::Time => Setting::Span(limits.time),
            Self::Cpu => Setting::Span(limits.cpu),
            Self::Stack => return None,
            Self::Concurrency => Setting::Count(limits.concurrency),
            Self::Queue => Setting::Count(limits.queue),
            Self::Files => Setting::Count(limits.files),
            Self::Sockets => Setting::Count(limits.sockets),
            Self::Handles => Setting::Count(limits.handles),
            Self::Parts => Setting::Count(limits.parts),
            Self::Output => Setting::Bytes(limits.output),
            Self::LogLines => Setting::Count(limits.log_lines),
            Self::LogRate => Setting::Bytes(limits.log_rate),
            Self::Requests => Setting::Count(limits.requests),
            Self::RequestRate => Setting::Count(limits.request_rate),
            Self::Transfer => Setting::Bytes(limits.transfer),
            Self::Keyvalue => Setting::Bytes(limits.keyvalue),
            Self::KeyvalueRate => Setting::Count(limits.keyvalue_rate),
            Self::Actors => Setting::Count(limits.actors),
        })
    }

    /// The limit that the runtime's error is about, of those that it counts itself.
    pub(crate) fn of(error: &wasmtime::Error) -> Option<Self> {
        let cause = error.root_cause();
        if let Some(ResourceTableError::Full) = cause.downcast_ref() {
            return Some(Self::Handles);
        }
        // The runtime has no types for these. The tests that reach each limit fail when it words them otherwise.
        let said = cause.to_string();
        if said.contains("store handle limit exceeded") {
            Some(Self::Handles)
        } else if said.starts_with("resource limit exceeded") {
            Some(Self::Parts)
        } else {
            None
        }
    }
}

impl Setting {
    /// In bytes, seconds or a count.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Count(count) => f64::from(count),
            Self::Bytes(ByteSize(bytes)) => bytes as f64,
            Self::Span(Span(span)) => Duration::as_secs_f64(&span),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Bytes(size) => size.fmt(f),
            Self::Span(span) => span.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_a_place_of_its_own_and_the_name_of_its_setting() {
        let known = serde_json::to_value(Limits::DEFAULT).unwrap();
        for (place, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, place, "{limit}");
            let setting = limit.setting(&Limits::DEFAULT);
            assert_eq!(setting.is_some(), limit.is_setting(), "{limit}");
            let Some(setting) = setting else { continue };
            let as_written = known[limit.as_str()].as_f64().unwrap();
            let is_span = matches!(setting, Setting::Span(_));
            let written = if is_span { as_written / 1e3 } else { as_written };
            assert_eq!(setting.number(), written, "{limit}");
        }
        let settings = Limit::ALL.into_iter().filter(|limit| limit.is_setting()).count();
        assert_eq!(settings, known.as_object().unwrap().len(), "a setting without a limit");
    }
}
