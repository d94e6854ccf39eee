//! What was measured, as Markdown for people and JSON for programs, under `target/bench/`.

use std::fmt::Write;
use std::fs;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{Paths, machine};

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

impl Row {
    /// Whether the promise is kept; `None` where nothing is promised.
    fn kept(&self) -> Option<bool> {
        self.bound.map(|bound| bound.holds(spread(&self.rounds).1))
    }
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

    fn json(self) -> Value {
        match self {
            Self::AtLeast(least) => json!({ "at_least": least }),
            Self::AtMost(most) => json!({ "at_most": most }),
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

    /// Prints the report, writes both forms, and fails when a promise is not kept.
    pub(crate) fn finish(&self, paths: &Paths) -> Result<()> {
        let machine = machine::describe();
        let markdown = self.markdown(&machine, paths);
        println!("{markdown}");
        let out = &paths.out;
        fs::create_dir_all(out)?;
        fs::write(out.join(format!("{}.md", self.name)), markdown)?;
        let json = serde_json::to_string_pretty(&self.json(machine, paths))?;
        fs::write(out.join(format!("{}.json", self.name)), json)?;
        println!("written to {}/{}.md and .json", out.display(), self.name);
        let broken: Vec<_> = self.rows.iter().filter(|row| row.kept() == Some(false)).collect();
        if !broken.is_empty() && !paths.no_verdict {
            let named: Vec<_> = broken.iter().map(|row| row.what.as_str()).collect();
            bail!("not kept: {}", named.join("; "));
        }
        Ok(())
    }

    fn markdown(&self, machine: &Value, paths: &Paths) -> String {
        let mut text = format!("# bench {}\n\n{}\n\n", self.name, self.how);
        let said = |name: &str| machine[name].as_str().unwrap_or("").to_owned();
        let write = &mut text;
        let _ = writeln!(
            write,
            "Machine: {}, {} cores, {}, {} {}; load average before: {}.\n",
            said("cpu"),
            machine["cores"],
            said("memory"),
            said("os"),
            said("kernel"),
            paths.load_average
        );
        let _ = writeln!(write, "Built from {}: {}.\n", paths.commit, paths.profile);
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

    fn json(&self, machine: Value, paths: &Paths) -> Value {
        let rows = self.rows.iter().map(|row| {
            let (min, median, max) = spread(&row.rounds);
            json!({
                "what": row.what, "unit": row.unit, "median": median, "min": min, "max": max,
                "rounds": row.rounds, "bound": row.bound.map(Bound::json), "kept": row.kept(),
            })
        });
        json!({
            "bench": self.name, "how": self.how, "machine": machine,
            "load_average_before": paths.load_average, "commit": paths.commit,
            "profile": paths.profile,
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

    fn paths(out: &std::path::Path, no_verdict: bool) -> Paths {
        Paths {
            node: "node".into(),
            guests: "guests".into(),
            out: out.to_owned(),
            commit: "c0ffee".to_owned(),
            profile: "release".to_owned(),
            no_verdict,
            load_average: "0.1 0.2 0.3".to_owned(),
        }
    }

    #[test]
    fn a_promise_that_is_not_kept_fails_the_run_unless_only_a_report_is_asked() {
        let out = tempfile::tempdir().unwrap();
        let mut report = Report::new("test", String::new());
        report.promise("kept", "ms", vec![1.0], Bound::AtMost(2.0));
        assert!(report.finish(&paths(out.path(), false)).is_ok());
        report.promise("slow", "ms", vec![3.0], Bound::AtMost(2.0));
        let error = report.finish(&paths(out.path(), false)).unwrap_err();
        assert_eq!(error.to_string(), "not kept: slow");
        assert!(report.finish(&paths(out.path(), true)).is_ok());
        // Nothing measured keeps nothing.
        report.promise("empty", "ms", vec![], Bound::AtMost(2.0));
        let error = report.finish(&paths(out.path(), false)).unwrap_err();
        assert_eq!(error.to_string(), "not kept: slow; empty");
    }

    #[test]
    fn both_forms_say_what_was_built_and_promised() {
        let out = tempfile::tempdir().unwrap();
        let mut report = Report::new("test", String::new());
        report.promise("ratio", "×", vec![1.5], Bound::AtLeast(1.4));
        report.finish(&paths(out.path(), false)).unwrap();
        let markdown = fs::read_to_string(out.path().join("test.md")).unwrap();
        assert!(markdown.contains("Built from c0ffee: release."), "{markdown}");
        assert!(markdown.contains("load average before: 0.1 0.2 0.3"), "{markdown}");
        let json: Value =
            serde_json::from_slice(&fs::read(out.path().join("test.json")).unwrap()).unwrap();
        assert_eq!(json["rows"][0]["bound"]["at_least"], 1.4);
        assert_eq!(json["commit"], "c0ffee");
    }

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), (1.0, 2.5, 4.0));
    }
}
