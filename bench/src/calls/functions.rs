//! Plain functions called by their names, of a component without imports: scalars, a text, bytes.

use std::fs;
use std::sync::Arc;

use airssys_wasm_host::{Host, Pool, Value};
use anyhow::Result;
use bytes::Bytes;

use super::turns::Turns;
use super::{BARE, CALLS, Calls, OURS, PAYLOADS, Payload, SYNC, WAVE, bare, ours};
use crate::report::{Bound, Report};

/// The promise: what a call costs above the least that it can, in nanoseconds.
const ABOVE_SYNC_NS_PROMISED: f64 = 150.0;

/// The promise: a call by name over the bare engine's typed one.
const BY_NAME_PROMISED: f64 = 2.0;

/// What is shouted.
const TEXT: &str = "what one says to the people in the next room";

/// The payloads that are echoed: those large enough that a value for each byte would be felt.
const ECHOED: &[Payload] = PAYLOADS.split_at(2).1;

impl Calls {
    /// Measures calls by name.
    pub(super) async fn functions(&self, host: &Host, report: &mut Report) -> Result<()> {
        let component = fs::read(self.paths.guests.join("plugin_pure.wasm"))?;
        let pool = ours::pool(host, &component).await?;
        self.add(&component, &pool, report).await?;
        self.shout(&component, &pool, report).await?;
        for payload in ECHOED {
            self.echo(payload, &component, &pool, report).await?;
        }
        Ok(())
    }

    async fn add(&self, component: &[u8], pool: &Arc<Pool>, report: &mut Report) -> Result<()> {
        let mut turns = Turns::default();
        let values = vec![Value::U32(17), Value::U32(25)];
        turns.add(OURS, ours::Named::new(pool, "add", values, Value::U32(42)));
        let texts = vec!["17".to_owned(), "25".to_owned()];
        turns.add(WAVE, ours::Texts::new(pool, "add", texts, "42"));
        turns.add(BARE, bare::Typed::start(component, "add", (17_u32, 25_u32), 42_u32).await?);
        turns.add(SYNC, bare::SyncAdd::start(component, (17, 25))?);
        turns.run(self.amount(CALLS)).await?;
        let title = format!("add: {OURS} above {SYNC}");
        let above = turns.differences_ns(OURS, SYNC);
        report.promise(title, "ns", above, Bound::AtMost(ABOVE_SYNC_NS_PROMISED));
        let title = format!("add: {OURS} over {BARE}");
        let promised = Bound::AtMost(BY_NAME_PROMISED);
        report.promise(title, "×", turns.ratios(OURS, BARE), promised);
        turns.report(report, "add");
        Ok(())
    }

    async fn shout(&self, component: &[u8], pool: &Arc<Pool>, report: &mut Report) -> Result<()> {
        let mut turns = Turns::default();
        let shouted = format!("{TEXT}!");
        let values = vec![Value::String(TEXT.to_owned())];
        turns.add(OURS, ours::Named::new(pool, "shout", values, Value::String(shouted.clone())));
        let texts = vec![format!("\"{TEXT}\"")];
        turns.add(WAVE, ours::Texts::new(pool, "shout", texts, format!("\"{shouted}\"")));
        turns.add(BARE, bare::Typed::start(component, "shout", (TEXT,), shouted).await?);
        turns.run(self.amount(CALLS)).await?;
        let title = format!("shout: {OURS} over {BARE}");
        let promised = Bound::AtMost(BY_NAME_PROMISED);
        report.promise(title, "×", turns.ratios(OURS, BARE), promised);
        turns.report(report, "shout");
        Ok(())
    }

    async fn echo(
        &self,
        payload: &Payload,
        component: &[u8],
        pool: &Arc<Pool>,
        report: &mut Report,
    ) -> Result<()> {
        let body = payload.body();
        let value = Value::Bytes(Bytes::from_static(body));
        let mut turns = Turns::default();
        turns.add(OURS, ours::Named::new(pool, "echo", vec![value.clone()], value));
        turns.add(BARE, bare::Typed::start(component, "echo", (body,), body.to_vec()).await?);
        turns.run(self.amount(payload.calls)).await?;
        let what = format!("echo, {}", payload.name);
        report.row(format!("{what}: {OURS} over {BARE}"), "×", turns.ratios(OURS, BARE));
        turns.report(report, &what);
        Ok(())
    }
}
