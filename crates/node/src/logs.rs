//! The latest lines that each service's guests said, kept in memory and bounded.
//!
//! Every line also goes to the node's own structured log; what an operator wants to keep for good is kept
//! there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use airssys_wasm_api::reply::{LogLine, LogLines};
use airssys_wasm_host::{Line, LineSource, LogSink};
use airssys_wasm_model::RevisionNumber;
use tokio::sync::Notify;

use crate::successes::{Counter, EVENT};

/// Lines kept for each service: enough for the calls of the last minutes of a quiet service, and a bound
/// on memory, with [`BYTES_KEPT`], for a loud one.
const LINES_KEPT: usize = 2000;

/// Bytes of text kept for each service.
const BYTES_KEPT: usize = 1 << 20;

/// The lines of one service.
#[derive(Debug, Default)]
pub(crate) struct ServiceLog {
    /// Guards the ring. A line is pushed under it on the call path: a few pointer moves.
    ring: Mutex<Ring>,
    arrived: Notify,
    /// Who counts what revisions say as events. Guards a search among the few that take part in an experiment.
    events: Mutex<Vec<(RevisionNumber, Arc<Counter>)>>,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// The sequence number of the next line, counted from 1.
    next: u64,
}

impl ServiceLog {
    /// The lines after `after`, the latest `tail` of them, waiting so long for one if there is none.
    pub(crate) async fn read(
        &self,
        after: Option<u64>,
        tail: Option<u32>,
        wait: Option<Duration>,
    ) -> LogLines {
        let after = after.unwrap_or(0);
        let Some(wait) = wait else { return self.ring().read(after, tail) };
        // Registered before looking, so that a line in between wakes it.
        let arrived = self.arrived.notified();
        let mut arrived = std::pin::pin!(arrived);
        arrived.as_mut().enable();
        let found = self.ring().read(after, tail);
        if !found.lines.is_empty() {
            return found;
        }
        // However the wait ends, what is there is the answer.
        let _ = tokio::time::timeout(wait, arrived).await;
        self.ring().read(after, tail)
    }

    /// Has the events of a revision counted from now on.
    pub(crate) fn count_events(&self, revision: RevisionNumber, counter: &Arc<Counter>) {
        let mut events = self.events();
        match events.iter_mut().find(|(number, _)| *number == revision) {
            Some((_, current)) => *current = Arc::clone(counter),
            None => events.push((revision, Arc::clone(counter))),
        }
    }

    /// A revision is stopped.
    pub(crate) fn forget_events(&self, revision: RevisionNumber) {
        self.events().retain(|(number, _)| *number != revision);
    }

    fn events(&self) -> MutexGuard<'_, Vec<(RevisionNumber, Arc<Counter>)>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, mut line: LogLine) {
        self.next += 1;
        line.seq = self.next;
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES_KEPT || self.bytes > BYTES_KEPT {
            let Some(old) = self.lines.pop_front() else { break };
            self.bytes -= old.text.len();
        }
    }

    fn read(&self, after: u64, tail: Option<u32>) -> LogLines {
        let first = self.lines.partition_point(|line| line.seq <= after);
        let tail = tail.map_or(usize::MAX, |tail| tail as usize);
        let first = first.max(self.lines.len().saturating_sub(tail));
        LogLines { lines: self.lines.range(first..).cloned().collect(), next: self.next }
    }
}

impl LogSink for ServiceLog {
    fn line(&self, line: Line<'_>) {
        if line.context == EVENT
            && let Some((_, counter)) =
                self.events().iter().find(|(number, _)| *number == line.revision)
        {
            counter.said(line.text, line.request_id);
        }
        let (stream, level) = words(line.source);
        tracing::debug!(
            target: "airssys_wasm::guest",
            service = %line.service,
            revision = %line.revision,
            request_id = %line.request_id,
            stream,
            level,
            context = line.context,
            "{}",
            line.text
        );
        let text = match line.context {
            "" => line.text.to_owned(),
            context => format!("{context}: {}", line.text),
        };
        let at = SystemTime::now().into();
        let (stream, level) = (stream.to_owned(), level.to_owned());
        self.ring().push(LogLine { seq: 0, at, revision: line.revision, stream, level, text });
        self.arrived.notify_waiters();
    }
}

fn words(source: LineSource) -> (&'static str, &'static str) {
    match source {
        LineSource::Stdout => ("stdout", "info"),
        LineSource::Stderr => ("stderr", "info"),
        LineSource::Log(level) => ("log", level.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use airssys_wasm_host::RequestId;
    use airssys_wasm_model::RevisionNumber;

    use super::*;

    fn say(log: &ServiceLog, text: &str) {
        log.line(Line {
            service: &"a".parse().unwrap(),
            revision: RevisionNumber(1),
            request_id: RequestId::draw(),
            source: LineSource::Stdout,
            context: "",
            text,
        });
    }

    #[tokio::test]
    async fn only_the_latest_lines_are_kept() {
        let log = ServiceLog::default();
        for _ in 0..LINES_KEPT + 10 {
            say(&log, "x");
        }
        let read = log.read(None, None, None).await;
        assert_eq!(read.lines.len(), LINES_KEPT);
        assert_eq!(read.next, LINES_KEPT as u64 + 10);
        assert_eq!(read.lines[0].seq, 11);
        say(&log, &"y".repeat(BYTES_KEPT));
        assert_eq!(log.read(None, None, None).await.lines.len(), 1);
    }

    #[tokio::test]
    async fn a_reader_waits_for_the_next_line() {
        let log = std::sync::Arc::new(ServiceLog::default());
        say(&log, "first");
        let reader = std::sync::Arc::clone(&log);
        let reading =
            tokio::spawn(
                async move { reader.read(Some(1), None, Some(Duration::from_secs(60))).await },
            );
        tokio::task::yield_now().await;
        say(&log, "second");
        assert_eq!(reading.await.unwrap().lines[0].text, "second");
    }

    #[tokio::test]
    async fn a_tail_is_the_end() {
        let log = ServiceLog::default();
        ["a", "b", "c"].into_iter().for_each(|text| say(&log, text));
        let read = log.read(None, Some(2), None).await;
        assert_eq!(
            read.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
            ["b", "c"]
        );
        assert!(log.read(Some(3), None, None).await.lines.is_empty());
    }
}
