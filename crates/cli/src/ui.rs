//! Where words go: results to stdout, as text or JSON; progress and questions to stderr, and only where
//! a person sits in front of it.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The terminal, or what stands in its place.
pub(crate) struct Ui {
    format: Format,
    /// Whether stderr is a terminal, so that progress can be drawn.
    draws: bool,
    /// Whether somebody could answer a question.
    asks: bool,
}

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(120);

impl Ui {
    /// What this process is connected to.
    pub(crate) fn new(format: Format) -> Self {
        let draws = io::stderr().is_terminal();
        Self { format, draws, asks: draws && io::stdin().is_terminal() && format == Format::Text }
    }

    /// How results are written.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether a question would reach somebody.
    pub(crate) fn can_ask(&self) -> bool {
        self.asks
    }

    /// Writes a result to stdout: its JSON on one line, or its text.
    pub(crate) fn answer<T: Serialize>(
        &self,
        answer: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let mut out = match self.format {
            Format::Json => serde_json::to_string(answer)?,
            Format::Text => harmless(&text(answer)),
        };
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        self.write(out.as_bytes())
    }

    /// Writes bytes to stdout as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        Ok(stdout.flush()?)
    }

    /// Says something to the person that is no result.
    pub(crate) fn say(&self, line: &str) {
        // Nobody left to tell it to is no reason to fail.
        let _ = writeln!(io::stderr(), "{}", harmless(line));
    }

    /// Asks a yes-or-no question; no unless the answer is yes. Only where [`can_ask`](Self::can_ask).
    ///
    /// The terminal is read beside the runtime, so that Ctrl-C is heard while nobody answers.
    pub(crate) async fn ask(&self, question: &str) -> anyhow::Result<bool> {
        write!(io::stderr(), "{} [y/N] ", harmless(question))?;
        let read = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer).map(|_| answer)
        });
        let answer = read.await??;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// What shows how far a long command is.
    pub(crate) fn progress(&self, doing: &str) -> Progress {
        if !self.draws {
            return Progress(None);
        }
        let wheel = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_style(style("{spinner} {wide_msg} {elapsed:.dim}"))
            .with_message(doing.to_owned());
        wheel.enable_steady_tick(TICK);
        Progress(Some(wheel))
    }

    /// A bar that fills with bytes, drawn on a terminal only.
    pub(crate) fn bytes_bar(&self, doing: &str, total: usize) -> ProgressBar {
        ProgressBar::with_draw_target(Some(total as u64), self.target())
            .with_style(style("{msg} [{bar:24}] {bytes}/{total_bytes}"))
            .with_message(doing.to_owned())
    }

    fn target(&self) -> ProgressDrawTarget {
        if self.draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
    }
}

/// A turning wheel with lines above it in a terminal, and a plain line a step where there is none: who
/// reads a log an hour later wants to know how far it came.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Whether somebody sees the wheel.
    pub(crate) fn is_drawn(&self) -> bool {
        self.0.is_some()
    }

    /// A part of the work has begun.
    pub(crate) fn phase(&self, phase: &str) {
        match &self.0 {
            Some(wheel) => wheel.set_message(harmless(phase)),
            None => self.line(phase),
        }
    }

    /// A step goes on: said beside the wheel, and nowhere else.
    pub(crate) fn doing(&self, step: &str) {
        if let Some(wheel) = &self.0 {
            wheel.set_message(harmless(step));
        }
    }

    /// Something that stays to be read.
    pub(crate) fn line(&self, line: &str) {
        let line = harmless(line);
        match &self.0 {
            Some(wheel) => wheel.println(line),
            // Nobody left to tell it to is no reason to fail.
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }
}

#[cfg(test)]
impl Progress {
    /// A wheel that is drawn nowhere.
    pub(crate) fn hidden() -> Self {
        Self(Some(ProgressBar::hidden()))
    }

    /// What stands beside it.
    pub(crate) fn message(&self) -> String {
        self.0.as_ref().map(ProgressBar::message).unwrap_or_default()
    }
}

/// Whether the work ended or was left, the wheel goes.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(wheel) = &self.0 {
            wheel.finish_and_clear();
        }
    }
}

/// Text without what would move the cursor, recolour the terminal or turn the direction of what is read.
/// Names, reasons and errors come from components, and they are shown when it is decided about them.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// The same for what has one line, where a second would pass for one of ours.
pub(crate) fn harmless_line(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\t'
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_act_on_the_terminal_is_shown_as_a_mark() {
        let hostile = "a\u{1b}[2K\u{9b}1A\r\u{202e}b\tc\nd";
        assert_eq!(harmless(hostile), "a\u{fffd}[2K\u{fffd}1A\u{fffd}\u{fffd}b\tc\nd");
        assert_eq!(harmless_line("yes\nyes grants nothing"), "yes\u{fffd}yes grants nothing");
    }
}
