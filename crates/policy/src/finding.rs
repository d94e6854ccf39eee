//! What was found wrong, or looks wrong, in a policy's text, and where.

use std::error::Error;
use std::fmt;

use miette::Diagnostic;
use serde::Serialize;

/// Something found in a policy's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether the policy can be used.
    pub severity: Severity,
    /// The line, from 1.
    pub line: usize,
    /// The character of that line, from 1.
    pub column: usize,
    /// The policy it is about, by its `@id`.
    pub policy: Option<String>,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Whether a policy can be used in spite of a [`Finding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It can't.
    Error,
    /// It can, and may not mean what was meant.
    Warning,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}: {severity}: {}", self.line, self.column, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// Findings, each on a line of its own.
pub(crate) struct Lines<'a>(pub(crate) &'a [Finding]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

/// Turns offsets of a text into findings with lines.
#[derive(Clone, Copy)]
pub(crate) struct Locator<'a> {
    text: &'a str,
}

impl<'a> Locator<'a> {
    pub(crate) const fn of(text: &'a str) -> Self {
        Self { text }
    }

    /// A finding at this byte of the text.
    pub(crate) fn finding(&self, severity: Severity, at: usize, message: String) -> Finding {
        let (line, column) = self.position(at);
        Finding { severity, line, column, policy: None, message, help: None }
    }

    /// What Cedar reports. Where it names no place, it means the whole text.
    pub(crate) fn diagnostic(&self, severity: Severity, found: &dyn Diagnostic) -> Finding {
        let at = found.labels().and_then(|mut labels| labels.next());
        let at = at.map_or(0, |label| label.offset());
        let help = found.help().map(|help| help.to_string());
        Finding { help, ..self.finding(severity, at, chain(found)) }
    }

    /// Line and column of a byte, both from 1.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let is_start = |byte: &&u8| (**byte & 0xC0) != 0x80;
        (line, before[start..].iter().filter(is_start).count() + 1)
    }
}

/// A message with its causes, without those that repeat it.
fn chain(found: &dyn Diagnostic) -> String {
    let mut message = found.to_string();
    let mut cause = found.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = Error::source(error);
    }
    message
}
