//! `inspect`: what a component or a revision is made of.

use airssys_wasm_api::reply::Inspection;
use airssys_wasm_api::{Command, command};
use airssys_wasm_model::RevisionNumber;

use crate::component::{LocalComponent, is_file, no_name};
use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show exports, imports and capabilities, of a service or of a file
///
/// A file is read here; no node is asked.
#[derive(clap::Args)]
pub(crate) struct Inspect {
    /// A service or a component.
    #[arg(value_name = "NAME|FILE.wasm")]
    what: String,

    /// This revision of the service, instead of the active one.
    #[arg(long, value_name = "N")]
    revision: Option<u32>,

    #[command(flatten)]
    node: NodeFlags,
}

impl Inspect {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let inspection: Inspection = if is_file(&self.what) {
            LocalComponent::read(self.what.as_ref())?.describe()
        } else {
            let service = self.what.parse().map_err(|error| no_name(&self.what, &error))?;
            let revision = self.revision.map(RevisionNumber);
            let command = Command::Inspect(command::Inspect { service, revision });
            self.node.client()?.ask(command).await?
        };
        ui.answer(&inspection, show::inspection)
    }
}
