//! What guests say: standard output, standard error and `wasi:logging`, cut into bounded lines.

mod masks;
mod voice;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use airssys_wasm_model::{Name, RevisionNumber};
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use self::masks::Masks;
pub(crate) use self::voice::Voice;
use crate::context::RequestId;
use crate::limit::Limit;
use crate::secret::SecretValue;

/// Where guests' lines go. Called on the call path: it must neither block nor grow without bound.
pub trait LogSink: Send + Sync {
    /// Takes one line.
    fn line(&self, line: Line<'_>);
}

/// A sink that keeps nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoLog;

impl LogSink for NoLog {
    fn line(&self, _line: Line<'_>) {}
}

/// One line of a guest.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The guest's service.
    pub service: &'a Name,
    /// The guest's revision.
    pub revision: RevisionNumber,
    /// The call during which it was said.
    pub request_id: RequestId,
    /// Where it was said.
    pub source: LineSource,
    /// The guest's own word for its origin, for `wasi:logging`.
    pub context: &'a str,
    /// What was said, [`LINE_BYTES_MAX`] bytes at most, without its newline.
    pub text: &'a str,
}

/// Where a guest said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineSource {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// `wasi:logging`, at this level.
    Log(Level),
}

/// The levels of `wasi:logging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}

impl Level {
    /// The level's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// A longer line is cut into several: a guest that never ends its line must not fill the host's memory.
pub(crate) const LINE_BYTES_MAX: usize = 8 << 10;

/// A guest's mouth: whose lines these are, and how many more it may say.
pub(crate) struct Speaker {
    voice: Arc<Voice>,
    /// Guards a few plain values, never across an await.
    speech: Mutex<Speech>,
}

struct Speech {
    request_id: RequestId,
    lines_left: u32,
    /// The lines of standard output and standard error that have no newline yet.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    masks: Masks,
}

/// Where a stream of bytes goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Standard {
    Output,
    Error,
}

impl Speaker {
    pub(crate) fn new(voice: Arc<Voice>, request_id: RequestId) -> Self {
        let (stdout, stderr) = (Vec::new(), Vec::new());
        let (lines_left, masks) = (voice.lines, Masks::default());
        let speech = Speech { request_id, lines_left, stdout, stderr, masks };
        Self { voice, speech: Mutex::new(speech) }
    }

    /// A reused instance begins another call.
    pub(crate) fn begin(&self, request_id: RequestId) {
        let mut speech = self.speech();
        (speech.request_id, speech.lines_left) = (request_id, self.voice.lines);
    }

    /// Keeps a value out of the lines from now on.
    pub(crate) fn mask(&self, name: &str, value: Arc<dyn SecretValue>) {
        self.speech().masks.add(name, value);
    }

    /// A whole line.
    pub(crate) fn say(&self, source: LineSource, context: &str, text: &str) {
        self.speech().say(&self.voice, source, context, text);
    }

    /// What the host itself has to say of the guest, among the guest's own lines and within their bound.
    pub(crate) fn warns(&self, context: &str, text: &str) {
        self.say(
            LineSource::Log(Level::Warn),
            context,
            &text[..text.floor_char_boundary(LINE_BYTES_MAX)],
        );
    }

    /// A piece of a stream, which becomes lines.
    fn take(&self, from: Standard, bytes: &[u8]) {
        let mut speech = self.speech();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            for part in text.chunks(LINE_BYTES_MAX) {
                if speech.line(from).len() + part.len() > LINE_BYTES_MAX {
                    speech.flush(&self.voice, from);
                }
                speech.line(from).extend_from_slice(part);
            }
            if ended {
                speech.flush(&self.voice, from);
            }
        }
    }

    fn speech(&self) -> MutexGuard<'_, Speech> {
        self.speech.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Speech {
    fn say(&mut self, voice: &Voice, source: LineSource, context: &str, text: &str) {
        let left = self.lines_left;
        self.lines_left = left.saturating_sub(1);
        let text = match left {
            0 => return,
            1 => {
                voice.meters.hit(Limit::LogLines);
                "this call said as much as its limit `log_lines` allows: its further lines are dropped"
            }
            _ => text,
        };
        let (context, text) = (&*self.masks.hide(context), &*self.masks.hide(text));
        voice.say(self.request_id, source, context, text);
    }

    fn line(&mut self, from: Standard) -> &mut Vec<u8> {
        match from {
            Standard::Output => &mut self.stdout,
            Standard::Error => &mut self.stderr,
        }
    }

    fn flush(&mut self, voice: &Voice, from: Standard) {
        let mut line = std::mem::take(self.line(from));
        let source = match from {
            Standard::Output => LineSource::Stdout,
            Standard::Error => LineSource::Stderr,
        };
        self.say(voice, source, "", &String::from_utf8_lossy(&line));
        line.clear();
        // Its room is for the next line.
        *self.line(from) = line;
    }
}

/// The last lines need no newline.
impl Drop for Speaker {
    fn drop(&mut self) {
        let speech = self.speech.get_mut().unwrap_or_else(PoisonError::into_inner);
        for from in [Standard::Output, Standard::Error] {
            if !speech.line(from).is_empty() {
                speech.flush(&self.voice, from);
            }
        }
    }
}

/// Standard output or error of one instance.
#[derive(Clone)]
pub(crate) struct SpokenStream {
    speaker: Arc<Speaker>,
    from: Standard,
}

impl SpokenStream {
    pub(crate) fn new(speaker: Arc<Speaker>, from: Standard) -> Self {
        Self { speaker, from }
    }
}

impl IsTerminal for SpokenStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for SpokenStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for SpokenStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.speaker.take(self.from, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How much a guest may write at once; the runtime's own streams use the same.
const WRITE_BYTES_MAX: usize = 64 << 10;

#[wasmtime_wasi::async_trait]
impl Pollable for SpokenStream {
    async fn ready(&mut self) {}
}

impl OutputStream for SpokenStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.speaker.take(self.from, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use airssys_wasm_model::Limits;

    use super::*;
    use crate::limit::Meters;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl LogSink for Kept {
        fn line(&self, line: Line<'_>) {
            self.0.lock().unwrap().push(line.text.to_owned());
        }
    }

    fn stream(kept: &Arc<Kept>) -> SpokenStream {
        stream_within(kept, &Limits::DEFAULT)
    }

    fn stream_within(kept: &Arc<Kept>, limits: &Limits) -> SpokenStream {
        let speaker = Speaker::new(Arc::new(voice(kept, limits)), RequestId::draw());
        SpokenStream::new(Arc::new(speaker), Standard::Output)
    }

    fn voice(kept: &Arc<Kept>, limits: &Limits) -> Voice {
        let meters = Arc::new(Meters::new(limits, Instant::now()));
        let (service, revision) = ("a".parse().unwrap(), RevisionNumber(1));
        Voice { sink: Arc::clone(kept) as _, service, revision, lines: limits.log_lines, meters }
    }

    #[test]
    fn writes_become_lines_and_the_last_one_needs_no_newline() {
        let kept = Arc::new(Kept::default());
        let mut out = stream(&kept);
        for piece in ["a", "b\nc\n\nd", "e"] {
            out.write(Bytes::from_static(piece.as_bytes())).unwrap();
        }
        drop(out);
        assert_eq!(*kept.0.lock().unwrap(), ["ab", "c", "", "de"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let kept = Arc::new(Kept::default());
        let mut out = stream(&kept);
        out.write(Bytes::from(vec![b'x'; LINE_BYTES_MAX * 2 + 5])).unwrap();
        drop(out);
        let lengths: Vec<_> = kept.0.lock().unwrap().iter().map(String::len).collect();
        assert_eq!(lengths, [LINE_BYTES_MAX, LINE_BYTES_MAX, 5]);
    }

    #[test]
    fn a_flood_is_dropped_and_said_once() {
        let kept = Arc::new(Kept::default());
        let mut out = stream(&kept);
        out.write(Bytes::from("x\n".repeat(5000))).unwrap();
        drop(out);
        let kept = kept.0.lock().unwrap();
        assert_eq!(kept.len(), Limits::DEFAULT.log_lines as usize);
        assert!(kept.last().unwrap().contains("dropped"));
    }

    #[test]
    fn a_revision_says_so_much_in_a_second_whatever_its_calls_may_and_the_host_is_heard() {
        let kept = Arc::new(Kept::default());
        let limits = Limits { log_rate: Limits::LOG_RATE_MIN, ..Limits::DEFAULT };
        let voice = Arc::new(voice(&kept, &limits));
        // Two calls of two instances. A second's worth is there at once, and the next is earned slowly.
        for _ in 0..2 {
            let speaker = Arc::new(Speaker::new(Arc::clone(&voice), RequestId::draw()));
            let mut out = SpokenStream::new(speaker, Standard::Output);
            let lines = ("x".repeat(64) + "\n").repeat(500);
            out.write(Bytes::from(lines)).unwrap();
        }
        let said = kept.0.lock().unwrap().len();
        assert!((128..500).contains(&said), "{said} lines of 16 KiB a second");
        assert!(kept.0.lock().unwrap().iter().any(|line| line.contains("`log_rate`")));
        assert!(voice.meters.hits(Limit::LogRate) >= 500);
        voice.notice(RequestId::draw(), "stopped");
        assert_eq!(kept.0.lock().unwrap().last().unwrap(), "stopped");
    }
}
