//! `monitor`: what each revision is doing, live in a terminal, as text elsewhere.

mod screen;

use std::io::IsTerminal as _;
use std::time::Duration;

use airssys_wasm_api::command::Named;
use airssys_wasm_api::reply::Traffic;
use airssys_wasm_api::{Client, Command, Failure};
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::{Format, Ui};

/// Watch what each revision of a service is doing
///
/// A live view in a terminal, and text a second elsewhere.
#[derive(clap::Args)]
pub(crate) struct Monitor {
    /// Which service.
    name: Name,

    /// Show processor time, memory and waiting calls too.
    #[arg(long)]
    metrics: bool,

    /// Print one snapshot and end.
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    node: NodeFlags,
}

/// A person sees a change within a second, and a node hardly notices one question in it.
const EVERY: Duration = Duration::from_secs(1);

impl Monitor {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let client = self.node.client()?;
        let first = ask(&client, &self.name).await?;
        if self.once {
            return print(&first, self.metrics, ui);
        }
        if ui.format() == Format::Text && std::io::stdout().is_terminal() {
            return screen::watch(first, self.metrics, client, self.name).await;
        }
        print(&first, self.metrics, ui)?;
        let mut ticks = tokio::time::interval(EVERY);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            print(&ask(&client, &self.name).await?, self.metrics, ui)?;
        }
    }
}

async fn ask(client: &Client, name: &Name) -> Result<Traffic, Failure> {
    client.ask(Command::Monitor(Named { service: name.clone() })).await
}

fn print(traffic: &Traffic, metrics: bool, ui: &Ui) -> anyhow::Result<()> {
    ui.answer(traffic, |traffic| show::traffic(traffic, metrics))
}
