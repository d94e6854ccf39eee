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
            Format::Text => text(answer),
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
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Asks a yes-or-no question; no unless the answer is yes. Only where [`can_ask`](Self::can_ask).
    pub(crate) fn ask(&self, question: &str) -> anyhow::Result<bool> {
        write!(io::stderr(), "{question} [y/N] ")?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// A turning wheel beside what is being done, drawn on a terminal only.
    pub(crate) fn spinner(&self, doing: &str) -> ProgressBar {
        let wheel = ProgressBar::with_draw_target(None, self.target())
            .with_style(style("{spinner} {msg} {elapsed:.dim}"))
            .with_message(doing.to_owned());
        if self.draws {
            wheel.enable_steady_tick(TICK);
        }
        wheel
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

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
