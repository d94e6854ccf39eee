//! What was measured, as Markdown for people and JSON for programs, under `target/bench/`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::machine;

/// One measurement: a title, how it was done, rows of numbers.
pub(crate) struct Report {
    name: &'static str,
    how: String,
    rows: Vec<Row>,
    notes: Vec<String>,
}

struct Row {
    what: String,
    unit: &'static str,
    rounds: Vec<f64>,
    bound: Option<Bound>,
}

/// A promise a row is held against.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// The median must be at least this.
    AtLeast(f64),
    /// The median must be at most this.
    AtMost(f64),
}

impl Bound {
    fn holds(self, median: f64) -> bool {
        match self {
            Self::AtLeast(least) => median >= least,
            Self::AtMost(most) => median <= most,
        }
    }

    fn said(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
        }
    }
}

impl Report {
    /// An empty report.
    pub(crate) fn new(name: &'static str, how: String) -> Self {
        Self { name, how, rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a row of one value a round.
    pub(crate) fn row(&mut self, what: impl Into<String>, unit: &'static str, rounds: Vec<f64>) {
        self.rows.push(Row { what: what.into(), unit, rounds, bound: None });
    }

    /// Adds a row with the promise it is held against.
    pub(crate) fn promise(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        rounds: Vec<f64>,
        bound: Bound,
    ) {
        self.rows.push(Row { what: what.into(), unit, rounds, bound: Some(bound) });
    }

    /// Adds a sentence below the table.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Prints the report and writes both forms.
    pub(crate) fn finish(&self, out: &Path) -> Result<()> {
        let machine = machine::describe();
        let markdown = self.markdown(&machine);
        println!("{markdown}");
        fs::create_dir_all(out)?;
        fs::write(out.join(format!("{}.md", self.name)), markdown)?;
        let json = serde_json::to_string_pretty(&self.json(machine))?;
        fs::write(out.join(format!("{}.json", self.name)), json)?;
        println!("written to {}/{}.md and .json", out.display(), self.name);
        Ok(())
    }

    fn markdown(&self, machine: &Value) -> String {
        let mut text = format!("# bench {}\n\n{}\n\n", self.name, self.how);
        let said = |name: &str| machine[name].as_str().unwrap_or("").to_owned();
        let write = &mut text;
        let _ = writeln!(
            write,
            "Machine: {}, {} cores, {}, {} {}.\n",
            said("cpu"),
            machine["cores"],
            said("memory"),
            said("os"),
            said("kernel")
        );
        let _ = writeln!(
            write,
            "| what | median | min | max | rounds | promise |\n|---|---|---|---|---|---|"
        );
        for row in &self.rows {
            let (min, median, max) = spread(&row.rounds);
            let promise = row.bound.map_or(String::new(), |bound| {
                let kept = if bound.holds(median) { "kept" } else { "NOT kept" };
                format!("{} {}: {kept}", bound.said(), row.unit)
            });
            let _ = writeln!(
                write,
                "| {} | {} {} | {} | {} | {} | {promise} |",
                row.what,
                number(median),
                row.unit,
                number(min),
                number(max),
                row.rounds.len()
            );
        }
        for note in &self.notes {
            let _ = writeln!(write, "\n{note}");
        }
        text
    }

    fn json(&self, machine: Value) -> Value {
        let rows = self.rows.iter().map(|row| {
            let (min, median, max) = spread(&row.rounds);
            json!({
                "what": row.what, "unit": row.unit, "median": median, "min": min, "max": max,
                "rounds": row.rounds, "kept": row.bound.map(|bound| bound.holds(median)),
            })
        });
        json!({
            "bench": self.name, "how": self.how, "machine": machine,
            "rows": rows.collect::<Vec<_>>(), "notes": self.notes,
        })
    }
}

/// Least, median and greatest.
pub(crate) fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = match sorted.len() {
        0 => return (f64::NAN, f64::NAN, f64::NAN),
        even if even % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    };
    (sorted[0], median, sorted[sorted.len() - 1])
}

/// Three significant digits, which is more than most measurements hold.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middling if middling >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), (1.0, 2.5, 4.0));
    }
}
