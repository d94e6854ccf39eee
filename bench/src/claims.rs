//! What it costs a call to be given its revision, by itself: the part of a canary that is on every call's way. Its
//! analysis reads what is counted in any case, ten times a second, and has no part in it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_deploy::{Attributes, Rule, Switch, Table, Weight};
use airssys_wasm_model::{Attribute, RevisionNumber, StickyBy};
use anyhow::{Context, Result};

/// Claims of one measurement.
const CLAIMS: u64 = 2_000_000;

/// A request as most are: it has headers, and none that a rule asks for.
const HEADERS: [(&str, &str); 3] =
    [("host", "greeter.localhost:8080"), ("user-agent", "bench"), ("accept", "*/*")];

struct Call;

impl Attributes for Call {
    fn value<R>(&self, of: &Attribute, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        let Attribute::Header(wanted) = of else { return see(None) };
        let headers = black_box(HEADERS);
        let found = headers.iter().find(|(name, _)| *name == wanted.as_str());
        see(found.map(|(_, value)| value.as_bytes()))
    }

    fn key<R>(&self, _: &StickyBy, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        see(None)
    }
}

/// How many nanoseconds longer a claim takes by a table with a rule and two shares than by one with one revision.
pub(crate) fn more_ns(rounds: usize) -> Result<Vec<f64>> {
    let (old, new) = (RevisionNumber(1), RevisionNumber(2));
    let switch = Switch::new();
    switch.insert(old, Arc::new(old));
    switch.insert(new, Arc::new(new));
    let one = Table::all(old);
    let half = Weight::from_percent(50.0).context("half is a share")?;
    let when = "header:x-beta=1".parse().map_err(anyhow::Error::msg)?;
    let canary = Table::split(new, half, old).with_rules(vec![Rule::to(when, new)])?;
    (0..rounds).map(|_| Ok(claim_ns(&switch, &canary)? - claim_ns(&switch, &one)?)).collect()
}

fn claim_ns(switch: &Switch<RevisionNumber>, table: &Table) -> Result<f64> {
    switch.publish(table)?;
    let begun = Instant::now();
    for number in 0..CLAIMS {
        // Any numbers that are spread evenly: each call draws its own.
        let draw = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        black_box(switch.claim(&Call, draw)?);
    }
    Ok(begun.elapsed().as_nanos() as f64 / CLAIMS as f64)
}
