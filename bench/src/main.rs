//! Measures airssys-wasm against its promises and its peers: `cargo xtask bench`, which builds and
//! installs what is measured, and starts this with the paths.
//!
//! Every measurement alternates between what it compares, prints the median of its rounds with the
//! spread, and describes the machine, the build and what else the machine had to
//! do: a number without its machine is a rumour. A promise that is not kept is a failure, unless
//! `--no-verdict` asks for the report alone.

mod analysis;
mod bare;
mod bodies;
mod calls;
mod claims;
mod cold;
mod contest;
mod cores;
mod costs;
mod density;
mod http;
mod idle;
mod journal;
mod languages;
mod load;
mod machine;
mod node;
mod pairs;
mod redeploy;
mod report;
mod reuse;
mod revision;
mod rolling;
mod rollout;
mod section;
mod security;
mod sightings;
mod start;
mod switch;
mod update;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

/// The node's allocator. The floors are served by this program, and must not be slower for having another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures airssys-wasm")]
struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// HTTP, a fresh instance for each request
    Http(http::Http),
    /// HTTP, instances used again, 0.2 and 0.3
    Reuse(reuse::Reuse),
    /// Bodies sent back, small, large and without end
    Bodies(bodies::Bodies),
    /// A fresh instance beside a bare instantiation
    Start(start::Start),
    /// Calls in this process, beside the bare engine and Extism
    Calls(calls::Calls),
    /// From command to effect, under load
    Switch(switch::Switch),
    /// A known artifact again, and a new one
    Redeploy(redeploy::Redeploy),
    /// Memory of a node that does nothing
    Idle(idle::Idle),
    /// Process start to first answer
    Cold(cold::Cold),
    /// Many live instances in one node
    Density(density::Density),
    /// An update under load
    Update(update::Update),
    /// What a second core brings
    Cores(cores::Cores),
    /// The cost of what a host adds
    Costs(costs::Costs),
    /// Rollouts under load: candidates that fail, and sound ones by every strategy
    Rollout(rollout::Rollout),
    /// How the analysis of rollouts decides
    Analysis(analysis::Analysis),
    /// The cost of decisions, limits and audit, and what a service under attack does to its neighbour
    Security(security::Security),
    /// The guest languages beside one another
    Languages(languages::Languages),
    #[command(hide = true)]
    Bare(bare::Bare),
}

/// What every measurement is told.
#[derive(Args)]
struct Paths {
    /// The `airssys-wasm` binary
    #[arg(long)]
    node: PathBuf,
    /// The folder with the built guests
    #[arg(long)]
    guests: PathBuf,
    /// Where the report goes
    #[arg(long)]
    out: PathBuf,
    /// The commit that was built, for the report
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// How everything measured was compiled, for the report
    #[arg(long, default_value = "unknown")]
    profile: String,
    /// Report a promise that is not kept, and succeed all the same
    #[arg(long)]
    no_verdict: bool,
    /// The machine's load before the measurement added to it
    #[arg(long, hide = true, default_value_t = machine::load_average())]
    load_average: String,
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<()> {
    match Bench::parse().what {
        What::Http(http) => http.run().await,
        What::Reuse(reuse) => reuse.run().await,
        What::Bodies(bodies) => bodies.run().await,
        What::Start(start) => start.run().await,
        What::Calls(calls) => calls.run().await,
        What::Switch(switch) => switch.run().await,
        What::Redeploy(redeploy) => redeploy.run().await,
        What::Idle(idle) => idle.run().await,
        What::Cold(cold) => cold.run().await,
        What::Density(density) => density.run().await,
        What::Update(update) => update.run().await,
        What::Cores(cores) => cores.run().await,
        What::Costs(costs) => costs.run().await,
        What::Rollout(rollout) => rollout.run().await,
        What::Analysis(analysis) => analysis.run(),
        What::Security(security) => security.run().await,
        What::Languages(languages) => languages.run().await,
        What::Bare(bare) => bare.run().await,
    }
}

/// The engine's errors are of its own kind.
fn of_engine(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
