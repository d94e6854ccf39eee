//! The live view. Drawing is a function of what was last heard; asking goes on beside it, so that a slow
//! node never freezes the keys.

use std::collections::VecDeque;
use std::time::Duration;

use airssys_wasm_api::reply::{EvidenceReport, RevisionTraffic, RolloutReport, StepState, Traffic};
use airssys_wasm_api::{Client, Code, Failure};
use airssys_wasm_model::Name;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row, Sparkline, Table};
use tokio::sync::watch;

use super::{EVERY, ask};
use crate::show;

/// How long the eye waits for a key's effect without noticing.
const KEY_WAIT: Duration = Duration::from_millis(100);

/// Seconds of traffic in the curve: wider than a common terminal.
const CURVE_SECONDS: usize = 240;

/// What the screen shows.
struct View {
    traffic: Traffic,
    /// Calls a second of each revision, by its place in `traffic`.
    rates: Vec<f64>,
    /// Calls a second of the whole service, the latest last.
    curve: VecDeque<u64>,
    metrics: bool,
    problem: Option<String>,
}

/// Shows the view until a key ends it or the service is gone.
pub(super) async fn watch(
    first: Traffic,
    metrics: bool,
    client: Client,
    name: Name,
) -> anyhow::Result<()> {
    let (heard, hears) = watch::channel(Ok(first.clone()));
    let asking = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.tick().await;
        while !heard.is_closed() {
            ticks.tick().await;
            // The last word counts; a view that is behind has no use for the ones before.
            let _ = heard.send(ask(&client, &name).await);
        }
    });
    let shown = tokio::task::spawn_blocking(move || {
        let mut terminal = ratatui::try_init()?;
        let ended = show(&mut terminal, View::new(first, metrics), hears);
        ratatui::restore();
        ended
    });
    let ended = shown.await?;
    asking.abort();
    ended
}

fn show(
    terminal: &mut ratatui::DefaultTerminal,
    mut view: View,
    mut hears: watch::Receiver<Result<Traffic, Failure>>,
) -> anyhow::Result<()> {
    loop {
        terminal.draw(|frame| view.draw(frame))?;
        if event::poll(KEY_WAIT)?
            && let Event::Key(key) = event::read()?
        {
            let interrupt = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                KeyCode::Char('c') if interrupt => return Ok(()),
                KeyCode::Char('m') => view.metrics = !view.metrics,
                _ => {}
            }
        }
        if hears.has_changed()? {
            let heard = hears.borrow_and_update().clone();
            if let Err(gone) = &heard
                && gone.code == Code::NotFound
            {
                return Err(gone.clone().into());
            }
            view.hear(heard);
        }
    }
}

impl View {
    fn new(traffic: Traffic, metrics: bool) -> Self {
        let rates = vec![0.0; traffic.revisions.len()];
        Self { traffic, rates, curve: VecDeque::new(), metrics, problem: None }
    }

    fn hear(&mut self, heard: Result<Traffic, Failure>) {
        let traffic = match heard {
            Ok(traffic) => traffic,
            Err(failure) => {
                self.problem = Some(failure.message);
                return;
            }
        };
        let since = traffic.at.unix_ms().saturating_sub(self.traffic.at.unix_ms());
        if since == 0 {
            return;
        }
        self.rates = traffic.revisions.iter().map(|now| self.rate(now, since)).collect();
        if self.curve.len() == CURVE_SECONDS {
            self.curve.pop_front();
        }
        self.curve.push_back(self.rates.iter().sum::<f64>() as u64);
        self.traffic = traffic;
        self.problem = None;
    }

    fn rate(&self, now: &RevisionTraffic, since_ms: u64) -> f64 {
        let before = self.traffic.revisions.iter().find(|one| one.revision == now.revision);
        let before = before.map_or(now.calls, |one| one.calls);
        now.calls.saturating_sub(before) as f64 * 1000.0 / since_ms as f64
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let steps = self.traffic.rollout.as_ref().map_or(0, |report| {
            let found = running(report).map_or(0, |found| show::evidence(found).len());
            (report.steps.len() + found) as u16 + 3
        });
        let rows = self.traffic.revisions.len() as u16 + 3;
        let [head, table, rollout, curve, foot] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(rows),
            Constraint::Length(steps),
            Constraint::Min(3),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        self.draw_head(frame, head);
        self.draw_revisions(frame, table);
        self.draw_rollout(frame, rollout);
        self.draw_curve(frame, curve);
        frame.render_widget(Line::from("q ends, m shows the machine's numbers").dim(), foot);
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let mut line = vec![
            Span::styled(self.traffic.service.to_string(), Modifier::BOLD),
            Span::raw(format!("  {}  {}", self.traffic.state, self.traffic.at)),
        ];
        if let Some(problem) = &self.problem {
            line.push(Span::styled(format!("  {problem}"), Color::Red));
        }
        frame.render_widget(Line::from(line), area);
    }

    fn draw_revisions(&self, frame: &mut Frame<'_>, area: Rect) {
        let mut head = vec![
            "REV", "VERSION", "STATE", "WEIGHT", "CALLS/S", "CALLS", "ERRORS", "P50", "P90", "P99",
            "INST",
        ];
        if self.metrics {
            head.extend(["QUEUED", "CPU", "MEMORY"]);
        }
        let rows = self.traffic.revisions.iter().zip(&self.rates).map(|(one, rate)| {
            let failing = if one.errors > 0 { Color::Red.into() } else { Style::default() };
            Row::new(self.cells(one, *rate)).style(failing)
        });
        let widths = head.iter().map(|name| {
            Constraint::Length(match *name {
                "REV" | "INST" => 4,
                "WEIGHT" | "ERRORS" | "QUEUED" => 6,
                "CALLS/S" | "P50" | "P90" | "P99" | "CPU" => 7,
                "STATE" | "MEMORY" => 9,
                _ => 8,
            })
        });
        let table = Table::new(rows, widths.collect::<Vec<_>>())
            .header(Row::new(head).style(Modifier::BOLD))
            .block(Block::bordered().title("revisions"));
        frame.render_widget(table, area);
    }

    fn cells(&self, one: &RevisionTraffic, rate: f64) -> Vec<String> {
        let mut cells = vec![
            one.revision.to_string(),
            one.version.to_string(),
            one.state.clone(),
            show::percent(one.weight),
            format!("{rate:.0}"),
            one.calls.to_string(),
            one.errors.to_string(),
            show::quantile(one.latency_ms.p50),
            show::quantile(one.latency_ms.p90),
            show::quantile(one.latency_ms.p99),
            show::instances(one),
        ];
        if self.metrics {
            cells.extend([
                one.queued.to_string(),
                show::milliseconds(one.cpu_ms),
                show::bytes(one.memory_bytes),
            ]);
        }
        cells
    }

    fn draw_rollout(&self, frame: &mut Frame<'_>, area: Rect) {
        let Some(report) = &self.traffic.rollout else { return };
        let outcome = report.outcome.map_or("under way".to_owned(), |outcome| outcome.to_string());
        let mut lines = vec![Line::from(match report.reason.is_empty() {
            true => outcome,
            false => format!("{outcome}: {}", report.reason),
        })];
        for step in &report.steps {
            let colour = match step.state {
                StepState::Running => Color::Yellow,
                StepState::Done => Color::Green,
                StepState::Failed => Color::Red,
                StepState::Pending | StepState::Skipped => Color::DarkGray,
            };
            lines.push(Line::styled(format!("{:<8} {}", step.state, step.step), colour));
            if step.state == StepState::Running {
                let found = step.evidence.iter().flat_map(|found| show::evidence(found));
                lines.extend(found.map(|line| Line::raw(format!("           {line}"))));
            }
        }
        let title = format!(
            "rollout {}: {} {} -> {}",
            report.rollout, report.strategy, report.from.version, report.to.version
        );
        frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
    }

    fn draw_curve(&self, frame: &mut Frame<'_>, area: Rect) {
        let width = usize::from(area.width.saturating_sub(2));
        let latest = self.curve.iter().skip(self.curve.len().saturating_sub(width)).copied();
        let now = self.curve.back().copied().unwrap_or_default();
        let curve = Sparkline::default()
            .data(latest.collect::<Vec<_>>())
            .style(Color::Cyan)
            .block(Block::bordered().title(format!("calls a second: {now}")));
        frame.render_widget(curve, area);
    }
}

/// What the running step has seen.
fn running(report: &RolloutReport) -> Option<&EvidenceReport> {
    let step = report.steps.iter().find(|step| step.state == StepState::Running)?;
    step.evidence.as_deref()
}

#[cfg(test)]
mod tests {
    use airssys_wasm_api::Timestamp;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::show::tests::traffic_under_canary;

    fn drawn(view: &View) -> String {
        let mut terminal = Terminal::new(TestBackend::new(110, 18)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_view_is_as_it_was() {
        let before = traffic_under_canary();
        let mut now = before.clone();
        now.at = Timestamp::from_unix_ms(before.at.unix_ms() + 2000);
        now.revisions[0].calls += 500;
        let mut view = View::new(before, true);
        view.hear(Ok(now));
        assert_eq!(view.rates, [250.0, 0.0]);
        insta::assert_snapshot!(drawn(&view));
    }

    #[test]
    fn a_node_that_went_away_is_said_and_the_last_numbers_stay() {
        let mut view = View::new(traffic_under_canary(), false);
        view.hear(Err(Failure::new(Code::Unreachable, "no node answers")));
        let drawn = drawn(&view);
        assert!(drawn.contains("no node answers") && drawn.contains("1900"), "{drawn}");
    }
}
