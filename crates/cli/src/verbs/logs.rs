//! `logs`: what a service's guests printed and logged.

use airssys_wasm_api::reply::LogLines;
use airssys_wasm_api::{Command, command};
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show what a service's guests printed and logged
#[derive(clap::Args)]
pub(crate) struct Logs {
    /// Which service.
    name: Name,

    /// Go on with each new line until interrupted.
    #[arg(short, long)]
    follow: bool,

    /// Begin with at most so many of the latest lines.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    tail: u32,

    #[command(flatten)]
    node: NodeFlags,
}

impl Logs {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let client = self.node.client()?;
        let mut ask =
            command::Logs { service: self.name, after: None, tail: Some(self.tail), wait_ms: None };
        loop {
            let logs: LogLines = client.ask(Command::Logs(ask.clone())).await?;
            // One line of JSON each, followed or not: a stream has no end to close an array with.
            if let Some(missed) = missed(ask.after, &logs) {
                ui.say(&format!("… {missed} lines missed: more came than the node keeps"));
            }
            for line in &logs.lines {
                ui.answer(line, show::log_line)?;
            }
            if !self.follow {
                return Ok(());
            }
            ask.after = Some(logs.next);
            ask.tail = None;
            ask.wait_ms = Some(command::Logs::MAX_WAIT_MS);
        }
    }
}

/// Lines between the last that was read and the first that came: the node keeps so many and no more.
fn missed(after: Option<u64>, logs: &LogLines) -> Option<u64> {
    let first = logs.lines.first()?.seq;
    first.checked_sub(after? + 1).filter(|missed| *missed > 0)
}

#[cfg(test)]
mod tests {
    use airssys_wasm_api::Timestamp;
    use airssys_wasm_api::reply::LogLine;
    use airssys_wasm_model::RevisionNumber;

    use super::*;

    #[test]
    fn lines_that_were_dropped_between_two_reads_are_counted() {
        let line = |seq| LogLine {
            seq,
            at: Timestamp::from_unix_ms(0),
            revision: RevisionNumber(1),
            stream: "stdout".into(),
            level: "info".into(),
            text: String::new(),
        };
        let logs = LogLines { lines: vec![line(8), line(9)], next: 9 };
        assert_eq!(missed(Some(4), &logs), Some(3));
        // None between, a first read, a node that has begun to count anew, nothing new.
        assert_eq!(missed(Some(7), &logs), None);
        assert_eq!(missed(None, &logs), None);
        assert_eq!(missed(Some(20), &logs), None);
        assert_eq!(missed(Some(9), &LogLines { lines: Vec::new(), next: 9 }), None);
    }
}
