//! Servers that take the same load in turns, so that what the machine does meanwhile meets each of them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::load::{Load, Pace, Request};
use crate::node::Process;
use crate::report::Report;

/// Not counted: caches fill. The connections that are measured are those of the warm-up. Turns are short and
/// many, because what a machine does beside comes and goes within seconds.
const WARM_UP: Duration = Duration::from_millis(250);

/// What a measurement beside `wasmtime serve` is told of its turns.
#[derive(Args)]
pub(crate) struct Turns {
    /// The `wasmtime` binary
    #[arg(long)]
    pub(crate) wasmtime: PathBuf,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 9)]
    pub(crate) rounds: usize,
    /// How long each measurement of many requests lasts
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
}

impl Turns {
    /// Lets the servers take their turns.
    pub(crate) fn run(&self, contest: &mut Contest<'_>) -> Result<()> {
        contest.run(self.rounds, Duration::from_secs_f64(self.seconds))
    }
}

/// Servers in turns.
#[derive(Default)]
pub(crate) struct Contest<'a> {
    contestants: Vec<Contestant<'a>>,
}

/// One server and what it did in each round.
struct Contestant<'a> {
    name: &'static str,
    process: &'a Process,
    load: Load,
    rounds: Rounds,
}

/// What is taken down of a server, a number for each round.
#[derive(Default)]
struct Rounds {
    rates: Vec<f64>,
    cpu_us: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    p999_ms: Vec<f64>,
}

impl<'a> Contest<'a> {
    /// Adds a server, and so many connections to it.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        process: &'a Process,
        request: Request,
        connections: usize,
    ) -> Result<()> {
        let load = Load::open(request, connections)?;
        self.contestants.push(Contestant { name, process, load, rounds: Rounds::default() });
        Ok(())
    }

    /// So many rounds, each server for so long in each. Who begins goes round, so that nobody always meets the
    /// warmer machine.
    pub(crate) fn run(&mut self, rounds: usize, each: Duration) -> Result<()> {
        let count = self.contestants.len();
        for round in 0..rounds {
            for turn in 0..count {
                self.contestants[(round + turn) % count].measure(each)?;
            }
        }
        Ok(())
    }

    /// The first one's throughput over the second one's, round by round.
    pub(crate) fn rates(&self, over: &str, under: &str) -> Vec<f64> {
        self.ratios(over, under, |rounds| &rounds.rates)
    }

    /// The first one's processor time for a request over the second one's, round by round.
    pub(crate) fn cpu(&self, over: &str, under: &str) -> Vec<f64> {
        self.ratios(over, under, |rounds| &rounds.cpu_us)
    }

    /// One's processor time for a request, in microseconds, round by round.
    pub(crate) fn cpu_us(&self, name: &str) -> &[f64] {
        let found = self.contestants.iter().find(|contestant| contestant.name == name);
        found.map_or(&[], |contestant| &contestant.rounds.cpu_us)
    }

    fn ratios(&self, over: &str, under: &str, of: impl Fn(&Rounds) -> &Vec<f64>) -> Vec<f64> {
        let rounds = |name: &str| {
            let found = self.contestants.iter().find(|contestant| contestant.name == name);
            found.map_or(&[][..], |contestant| of(&contestant.rounds))
        };
        rounds(over).iter().zip(rounds(under)).map(|(over, under)| over / under).collect()
    }

    /// Takes everything down, under what was measured.
    pub(crate) fn report(self, report: &mut Report, what: &str) {
        for Contestant { name, rounds, .. } in self.contestants {
            report.row(format!("{what}: {name}, requests a second"), "/s", rounds.rates);
            report.row(format!("{what}: {name}, processor time a request"), "µs", rounds.cpu_us);
            report.row(format!("{what}: {name}, p50"), "ms", rounds.p50_ms);
            report.row(format!("{what}: {name}, p99"), "ms", rounds.p99_ms);
            report.row(format!("{what}: {name}, p99.9"), "ms", rounds.p999_ms);
        }
    }
}

/// By how much each ratio is above one.
pub(crate) fn per_cent(ratios: &[f64]) -> Vec<f64> {
    ratios.iter().map(|ratio| (ratio - 1.0) * 100.0).collect()
}

impl Contestant<'_> {
    fn measure(&mut self, each: Duration) -> Result<()> {
        self.load.send_for(WARM_UP, Pace::Closed)?.all_answered()?;
        let before = self.process.cpu()?;
        let outcome = self.load.send_for(each, Pace::Closed)?;
        let spent = self.process.cpu()?.saturating_sub(before);
        outcome.all_answered()?;
        let rounds = &mut self.rounds;
        rounds.rates.push(outcome.rate());
        rounds.cpu_us.push(spent.as_secs_f64() * 1e6 / outcome.answered as f64);
        rounds.p50_ms.push(outcome.latency_ms(0.5));
        rounds.p99_ms.push(outcome.latency_ms(0.99));
        rounds.p999_ms.push(outcome.latency_ms(0.999));
        Ok(())
    }
}
