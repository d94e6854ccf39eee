//! `logs`: what a service's guests printed and logged.

use airssys_wasm_api::reply::LogLines;
use airssys_wasm_api::{Command, command};
use airssys_wasm_model::Name;

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show what a service's guests printed and logged
#[derive(clap::Args)]
pub(crate) struct Logs {
    /// Which service.
    name: Name,

    /// Go on with each new line until interrupted.
    #[arg(short, long)]
    follow: bool,

    /// Begin with at most so many of the latest lines.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    tail: u32,

    #[command(flatten)]
    node: NodeFlags,
}

impl Logs {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let client = self.node.client()?;
        let mut ask =
            command::Logs { service: self.name, after: None, tail: Some(self.tail), wait_ms: None };
        loop {
            let logs: LogLines = client.ask(Command::Logs(ask.clone())).await?;
            // One line of JSON each, followed or not: a stream has no end to close an array with.
            for line in &logs.lines {
                ui.answer(line, show::log_line)?;
            }
            if !self.follow {
                return Ok(());
            }
            ask.after = Some(logs.next);
            ask.tail = None;
            ask.wait_ms = Some(command::Logs::MAX_WAIT_MS);
        }
    }
}
