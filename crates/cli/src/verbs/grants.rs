//! `grants`: what a service may do, more of it, and less, from now on.

use std::time::SystemTime;

use airssys_wasm_api::reply::{GrantSuggestion, GrantsReport};
use airssys_wasm_api::{Code, Command, Failure, Timestamp, command};
use airssys_wasm_model::{Grant, Grants as Granted, Name, Span};

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Show, give and revoke what a service is granted
///
/// A grant or a revocation counts at once, for every instance that runs, and for every revision that there is: a
/// rollback brings back nothing that was revoked. Without `add`, `revoke` or `suggest`: what the service asks for and
/// is granted.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Grants {
    #[command(subcommand)]
    act: Option<Act>,

    /// Which service. One that is called as a subcommand is shown by `grants list NAME`.
    #[arg(value_name = "NAME")]
    name: Option<Name>,

    #[command(flatten)]
    node: NodeFlags,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Allow a service more, from now on
    Add(Add),
    /// Allow a service something no more, from now on
    Revoke(Revoke),
    /// The least grants that cover what a service used, by the audit trail
    Suggest(Suggest),
    /// What a service asks for and is granted
    List(List),
}

#[derive(clap::Args)]
struct List {
    /// Which service.
    #[arg(value_name = "NAME")]
    name: Name,

    #[command(flatten)]
    node: NodeFlags,
}

#[derive(clap::Args)]
struct Add {
    /// Which service.
    #[arg(value_name = "NAME")]
    name: Name,

    /// What it is allowed, as `deploy --grant` takes it.
    #[arg(value_name = "GRANT", required = true)]
    grants: Vec<Grant>,

    #[command(flatten)]
    node: NodeFlags,
}

#[derive(clap::Args)]
struct Revoke {
    /// Which service.
    #[arg(value_name = "NAME")]
    name: Name,

    /// What it is allowed no more, in the words of its grants or wider ones. What would still allow a part of it goes
    /// too.
    #[arg(value_name = "GRANT", required_unless_present = "all")]
    grants: Vec<Grant>,

    /// Everything.
    #[arg(long, conflicts_with = "grants")]
    all: bool,

    #[command(flatten)]
    node: NodeFlags,
}

#[derive(clap::Args)]
struct Suggest {
    /// Which service.
    #[arg(value_name = "NAME")]
    name: Name,

    /// Look at so much of the past, as 12h or 7d; at everything that the trail has, unless given.
    #[arg(long, value_name = "SPAN")]
    since: Option<Span>,

    #[command(flatten)]
    node: NodeFlags,
}

impl Grants {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let Self { act, name, node } = self;
        match (act, name) {
            (Some(Act::Add(add)), _) => add.run(ui).await,
            (Some(Act::Revoke(revoke)), _) => revoke.run(ui).await,
            (Some(Act::Suggest(suggest)), _) => suggest.run(ui).await,
            (Some(Act::List(list)), _) => list.run(ui).await,
            (None, Some(name)) => List { name, node }.run(ui).await,
            (None, None) => Err(Failure::new(Code::Usage, "name a service")
                .help("`airssys-wasm list` shows the services of the node")
                .into()),
        }
    }
}

impl List {
    async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let command = Command::Grants(command::Named { service: self.name });
        let report: GrantsReport = self.node.client()?.ask(command).await?;
        ui.answer(&report, show::grants)
    }
}

impl Add {
    async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let Self { name: service, grants, node } = self;
        let grants = Granted(grants);
        let command = Command::AddGrants(command::AddGrants { service, grants });
        let report: GrantsReport = node.client()?.ask(command).await?;
        ui.answer(&report, show::grants)
    }
}

impl Revoke {
    async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let Self { name: service, grants, all, node } = self;
        let grants = Granted(grants);
        let command = Command::RevokeGrants(command::RevokeGrants { service, grants, all });
        let report: GrantsReport = node.client()?.ask(command).await?;
        for grant in &report.also_revoked {
            ui.say(&format!("`{grant}` went too: it would have allowed a part of it"));
        }
        ui.answer(&report, show::grants)
    }
}

impl Suggest {
    async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let Self { name: service, since, node } = self;
        let from = |span: Span| SystemTime::now().checked_sub(span.0).map(Timestamp::from);
        let since = since.and_then(from);
        let command = Command::SuggestGrants(command::SuggestGrants { service, since });
        let found: GrantSuggestion = node.client()?.ask(command).await?;
        for why in &found.incomplete {
            ui.say(why);
        }
        ui.answer(&found, show::grant_suggestion)
    }
}
