//! From the command to the first answer: an artifact the node knows, and one it has never seen.

use std::fs;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use crate::Paths;
use crate::load::{Load, Request};
use crate::node::{Node, marked, ms_since};
use crate::report::{Bound, Report};

/// The promise for an artifact that was compiled before.
const KNOWN_MS_PROMISED: f64 = 50.0;

/// The promise for a new one of about 120 KB.
const NEW_MS_PROMISED: f64 = 300.0;

/// A known artifact again, and a new one
#[derive(Args)]
pub(crate) struct Redeploy {
    #[command(flatten)]
    paths: Paths,
    /// How often each is measured
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// The component, of about 120 KB
    #[arg(long, default_value = "word_counter_v3.wasm")]
    component: String,
}

impl Redeploy {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let component = fs::read(self.paths.guests.join(&self.component))?;
        let node = Node::start(&self.paths.node)?;
        let known = node.upload(component.clone().into()).await?;
        node.deploy("known", "1.0.0", known).await?;
        let (mut again, mut new) = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            node.remove("known").await?;
            let start = Instant::now();
            node.deploy("known", "1.0.0", known).await?;
            serves(&node, "/known/")?;
            again.push(ms_since(start));

            let name = format!("new-{round}");
            let bytes = marked(&component, round as u64);
            let start = Instant::now();
            let digest = node.upload(bytes).await?;
            node.deploy(&name, "1.0.0", digest).await?;
            serves(&node, &format!("/{name}/"))?;
            new.push(ms_since(start));
            node.remove(&name).await?;
        }
        let how = format!(
            "`{}`, {} KB, from sending the command (for the new one: its bytes too) to the first answer \
             through the ingress. {} rounds.",
            self.component,
            component.len() / 1000,
            self.rounds
        );
        let mut report = Report::new("redeploy", how);
        report.promise("a known artifact", "ms", again, Bound::AtMost(KNOWN_MS_PROMISED));
        report.promise("a new artifact", "ms", new, Bound::AtMost(NEW_MS_PROMISED));
        report.finish(&self.paths)
    }
}

fn serves(node: &Node, path: &str) -> Result<()> {
    let answer = Load::open(Request::get(&node.http, path), 1)?.call()?;
    if answer.status != 200 {
        bail!("{path} answered {} right after its deploy", answer.status);
    }
    Ok(())
}
