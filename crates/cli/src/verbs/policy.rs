//! `policy`: who may do what.

use std::path::PathBuf;

use airssys_wasm_api::command::{ExplainPolicy, Nothing, SetPolicy};
use airssys_wasm_api::reply::{PolicyDecision, PolicyReport};
use airssys_wasm_api::{Command, Failure};
use airssys_wasm_model::{Grant, Name, Signer, Version};

use crate::files::read_text;
use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show, check, replace and question the node's policy
///
/// A policy says who may do what, in Cedar (<https://docs.cedarpolicy.com>). What no rule permits is denied.
#[derive(clap::Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Print the policy that the node goes by
    Show(Show),
    /// Check a policy, without a node
    Check(Check),
    /// Print the words that a policy may use, as a schema of Cedar
    Schema,
    /// Put another policy in the place of the node's
    Set(Set),
    /// Ask what the policy says of an act, without doing it
    Explain(Box<Explain>),
}

#[derive(clap::Args)]
struct Show {
    #[command(flatten)]
    node: NodeFlags,
}

#[derive(clap::Args)]
struct Check {
    /// A policy.
    #[arg(value_name = "FILE.cedar")]
    file: PathBuf,
}

#[derive(clap::Args)]
struct Set {
    /// A policy; `default` means the one that ships with the node.
    #[arg(value_name = "FILE.cedar|default")]
    file: PathBuf,

    /// Deny nothing by it, and log what would have been denied.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    node: NodeFlags,
}

#[derive(clap::Args)]
struct Explain {
    /// The act: deploy, promote, grant, list and so on; `policy schema` lists them.
    #[arg(value_name = "ACT")]
    act: String,

    /// What it is done to: a service, or the name of a secret or a token.
    #[arg(value_name = "NAME")]
    target: Option<String>,

    /// This token would do it, instead of yours.
    #[arg(long, value_name = "NAME", conflicts_with = "role")]
    token: Option<Name>,

    /// Somebody with this role would do it; several with several flags.
    #[arg(long, value_name = "ROLE")]
    role: Vec<Name>,

    /// The version that is pushed, deployed or updated to.
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,

    /// Who has signed it; several with several flags.
    #[arg(long, value_name = "SIGNER")]
    signer: Vec<Signer>,

    /// What is granted or taken back.
    #[arg(long, value_name = "GRANT")]
    grant: Option<Grant>,

    #[command(flatten)]
    node: NodeFlags,
}

impl Policy {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        match self.act {
            Act::Show(Show { node }) => {
                let report: PolicyReport =
                    node.client()?.ask(Command::ShowPolicy(Nothing {})).await?;
                ui.answer(&report, show::policy)
            }
            Act::Check(Check { file }) => {
                let report = checked(&file)?;
                ui.answer(&report, show::policy_checked)
            }
            Act::Schema => ui.write(airssys_wasm::POLICY_VOCABULARY.as_bytes()),
            Act::Set(set) => set.run(ui).await,
            Act::Explain(explain) => explain.run(ui).await,
        }
    }
}

impl Set {
    async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let policy = match self.file.as_os_str() == "default" {
            true => airssys_wasm::default_policy().to_owned(),
            // Found here, with the file's name, before the node is asked.
            false => checked(&self.file)?.policy,
        };
        let command = Command::SetPolicy(SetPolicy { policy, dry_run: self.dry_run });
        let report: PolicyReport = self.node.client()?.ask(command).await?;
        ui.answer(&report, show::policy_checked)
    }
}

impl Explain {
    async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let command = Command::ExplainPolicy(ExplainPolicy {
            act: self.act,
            target: self.target,
            token: self.token,
            roles: self.role.into_iter().collect(),
            version: self.version,
            signers: self.signer,
            grant: self.grant,
        });
        let decision: PolicyDecision = self.node.client()?.ask(command).await?;
        ui.answer(&decision, |decision| decision.explanation.clone())
    }
}

/// A policy in a file, if a node would take it.
fn checked(file: &std::path::Path) -> Result<PolicyReport, Failure> {
    let text = read_text(file)?;
    airssys_wasm::check_policy(&text)
        .map_err(|error| Failure::new(error.code, format!("{}: {error}", file.display())))
}
