//! Bytes in, bytes out: the handler of a component.

use std::fs;
use std::sync::Arc;

use airssys_wasm::Plugin;
use airssys_wasm_host::{Host, Pool};
use anyhow::Result;
use bytes::Bytes;

use super::turns::Turns;
use super::{BARE, Calls, EMBEDDED, EXTISM, OURS, PAYLOADS, Payload, bare, extism, ours};
use crate::report::{Bound, Report};

/// The promise: our call over the bare engine's typed one.
const OVER_BARE_PROMISED: f64 = 1.3;

/// The promise: Extism's call over ours.
const EXTISM_PROMISED: f64 = 3.0;

/// Beyond this payload Extism is not measured: it would take most of the time, copying.
const EXTISM_BYTES_MAX: usize = 64 << 10;

impl Calls {
    /// Measures a handler's calls.
    pub(super) async fn handler(&self, host: &Host, report: &mut Report) -> Result<()> {
        let component = fs::read(self.paths.guests.join("plugin_bytes.wasm"))?;
        let pool = ours::pool(host, &component).await?;
        let plugin = ours::plugin(&component).await?;
        for payload in &PAYLOADS {
            let mut turns = self.contestants(payload, &component, &pool, &plugin).await?;
            turns.run(self.amount(payload.calls)).await?;
            let what = format!("handler, {}", payload.name);
            for ours in [OURS, EMBEDDED] {
                let title = format!("{what}: {ours} over {BARE}");
                let promised = Bound::AtMost(OVER_BARE_PROMISED);
                report.promise(title, "×", turns.ratios(ours, BARE), promised);
            }
            if payload.bytes <= EXTISM_BYTES_MAX {
                let title = format!("{what}: {EXTISM} over {OURS}");
                let promised = Bound::AtLeast(EXTISM_PROMISED);
                report.promise(title, "×", turns.ratios(EXTISM, OURS), promised);
            }
            turns.report(report, &what);
        }
        Ok(())
    }

    async fn contestants(
        &self,
        payload: &Payload,
        component: &[u8],
        pool: &Arc<Pool>,
        plugin: &Plugin,
    ) -> Result<Turns> {
        let body = Bytes::from_static(payload.body());
        let mut turns = Turns::default();
        turns.add(OURS, ours::Handler { pool: Arc::clone(pool), body: body.clone() });
        turns.add(EMBEDDED, ours::Embedded { plugin: plugin.clone(), body: body.clone() });
        turns.add(BARE, bare::Handler::start(component, &body).await?);
        if payload.bytes <= EXTISM_BYTES_MAX {
            turns.add(EXTISM, extism::Extism::load(&self.extism, &body)?);
        }
        Ok(turns)
    }
}
