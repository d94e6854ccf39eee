//! From the command to the first answer: an artifact the node knows, and one it has never seen.

use std::fs;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use crate::Paths;
use crate::load::{Load, Request};
use crate::node::{Node, marked, ms_since};
use crate::report::{Bound, Report};

/// The promise for the small artifact, of about 75 KB, that was compiled before.
const KNOWN_MS_PROMISED: f64 = 10.0;

/// The promise for one of about 120 KB that was compiled before.
const KNOWN_LARGE_MS_PROMISED: f64 = 50.0;

/// The promise for the large one, of about 120 KB, when it is new.
const NEW_MS_PROMISED: f64 = 300.0;

/// A known artifact again, and a new one
#[derive(Args)]
pub(crate) struct Redeploy {
    #[command(flatten)]
    paths: Paths,
    /// How often each is measured
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// The small component, of about 75 KB
    #[arg(long, default_value = "hello_http.wasm")]
    small: String,
    /// The large component, of about 120 KB
    #[arg(long, default_value = "word_counter_v3.wasm")]
    large: String,
}

/// One of the components, and what it took in each round.
struct Component {
    name: &'static str,
    bytes: Vec<u8>,
    known_ms: Vec<f64>,
    new_ms: Vec<f64>,
}

impl Redeploy {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let node = Node::start(&self.paths.node)?;
        let read = |name: &'static str, file: &str| -> Result<Component> {
            let bytes = fs::read(self.paths.guests.join(file))?;
            Ok(Component { name, bytes, known_ms: Vec::new(), new_ms: Vec::new() })
        };
        let (mut small, mut large) = (read("small", &self.small)?, read("large", &self.large)?);
        for component in [&small, &large] {
            component.deploy_first(&node).await?;
        }
        for round in 0..self.rounds {
            small.measure(&node, round).await?;
            large.measure(&node, round).await?;
        }
        let how = format!(
            "`{}`, {} KB, and `{}`, {} KB, from sending the command (for a new one: its bytes too) to the first \
             answer through the ingress. {} rounds in turns.",
            self.small,
            small.bytes.len() / 1000,
            self.large,
            large.bytes.len() / 1000,
            self.rounds
        );
        let mut report = Report::new("redeploy", how);
        let promised = Bound::AtMost(KNOWN_MS_PROMISED);
        report.promise("a known artifact, small", "ms", small.known_ms, promised);
        let promised = Bound::AtMost(KNOWN_LARGE_MS_PROMISED);
        report.promise("a known artifact, large", "ms", large.known_ms, promised);
        let promised = Bound::AtMost(NEW_MS_PROMISED);
        report.promise("a new artifact, large", "ms", large.new_ms, promised);
        report.row("a new artifact, small", "ms", small.new_ms);
        report.finish(&self.paths)
    }
}

impl Component {
    async fn deploy_first(&self, node: &Node) -> Result<()> {
        let digest = node.upload(self.bytes.clone().into()).await?;
        node.deploy(self.name, "1.0.0", digest).await?;
        Ok(())
    }

    async fn measure(&mut self, node: &Node, round: usize) -> Result<()> {
        node.remove(self.name).await?;
        let known = airssys_wasm_model::Digest::of(&self.bytes);
        let start = Instant::now();
        node.deploy(self.name, "1.0.0", known).await?;
        serves(node, self.name)?;
        self.known_ms.push(ms_since(start));

        let name = format!("{}-{round}", self.name);
        let bytes = marked(&self.bytes, round as u64);
        let start = Instant::now();
        let digest = node.upload(bytes).await?;
        node.deploy(&name, "1.0.0", digest).await?;
        serves(node, &name)?;
        self.new_ms.push(ms_since(start));
        node.remove(&name).await
    }
}

fn serves(node: &Node, name: &str) -> Result<()> {
    let path = format!("/{name}/");
    let answer = Load::open(Request::get(&node.http, &path), 1)?.call()?;
    if answer.status != 200 {
        bail!("{path} answered {} right after its deploy", answer.status);
    }
    Ok(())
}
