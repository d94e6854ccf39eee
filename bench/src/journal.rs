//! The node's own log, read while it runs: when it published which table, and what it said last.
//!
//! The log is the only thing that tells from outside, with the wall clock's microseconds, when a table
//! stood: the reports' times are for people and have milliseconds.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::sync::watch;

/// Lines kept to be shown when the node fails.
const LINES: usize = 50;

/// The line is written before the command is answered; the pipe and the thread take no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// A table that the node published.
#[derive(Clone, Debug, PartialEq)]
struct Published {
    /// When its line was written, right after the table stood.
    at: SystemTime,
    /// Such as `r2 100%`.
    table: String,
}

/// The log of one node. Reads until the node closes it.
pub(crate) struct Journal {
    /// Guards the last lines; held for one push or one look.
    lines: Arc<Mutex<VecDeque<String>>>,
    published: watch::Receiver<Option<Published>>,
}

impl Journal {
    /// Reads on in a thread, so that the pipe never fills.
    pub(crate) fn read(stderr: ChildStderr) -> Self {
        let (tell, published) = watch::channel(None);
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(table) = published_in(&line) {
                    tell.send_replace(Some(table));
                }
                let mut kept = lock(&kept);
                if kept.len() == LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        });
        Self { lines, published }
    }

    /// When this table, such as `r2 100%`, was published, at or after `since`.
    pub(crate) async fn published(&self, table: &str, since: SystemTime) -> Result<SystemTime> {
        let is_it = |last: &Option<Published>| {
            last.as_ref().is_some_and(|last| last.table == table && last.at >= since)
        };
        let mut published = self.published.clone();
        let waited = tokio::time::timeout(PATIENCE, published.wait_for(is_it)).await;
        let found = waited.with_context(|| {
            format!("the node's log tells of no table `{table}`:\n{}", self.last_lines())
        })?;
        found.context("the node's log ended")?.as_ref().map(|it| it.at).context("no table")
    }

    /// What the node said last.
    pub(crate) fn last_lines(&self) -> String {
        lock(&self.lines).iter().map(|line| format!("  {line}\n")).collect()
    }
}

fn lock(lines: &Mutex<VecDeque<String>>) -> MutexGuard<'_, VecDeque<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The table, if this line of the log tells of one.
fn published_in(line: &str) -> Option<Published> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    if fields["message"] != "published" {
        return None;
    }
    let at = humantime::parse_rfc3339(line["timestamp"].as_str()?).ok()?;
    Some(Published { at, table: fields["table"].as_str()?.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_published_table_is_read_with_its_microseconds() {
        let line = r#"{"timestamp":"1970-01-01T00:00:01.000042Z","level":"INFO","fields":
            {"message":"published","service":"hello","table":"r2 100%"},"target":"t"}"#;
        let at = UNIX_EPOCH + Duration::from_micros(1_000_042);
        assert_eq!(published_in(line), Some(Published { at, table: "r2 100%".to_owned() }));
        assert_eq!(published_in("no json"), None);
        assert_eq!(published_in(r#"{"fields":{"message":"started"}}"#), None);
    }
}
