//! `token`: who may ask the node.

use airssys_wasm_api::Command;
use airssys_wasm_api::command::{CreateToken, Nothing, RevokeToken};
use airssys_wasm_api::reply::{TokenMade, TokenRevoked, Tokens};
use airssys_wasm_model::{Name, Span};

use crate::place::NodeFlags;
use crate::show;
use crate::ui::Ui;

/// Make, list and revoke the tokens that let people and programs in
///
/// What a token may do is decided by its roles and the node's policy. By the policy that ships with the node, an
/// `admin` may do everything, a `deployer` releases and steers, an `operator` steers, and a `reader` looks.
#[derive(clap::Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Make a token and print it, once
    Create(Create),
    /// List the node's tokens
    List(List),
    /// Make a token worth nothing, from now on
    Revoke(Revoke),
}

#[derive(clap::Args)]
struct Create {
    /// What it is called: the name in histories and in policies.
    #[arg(value_name = "NAME")]
    name: Name,

    /// What it makes of whoever holds it; several with several flags.
    #[arg(long, value_name = "ROLE", required = true)]
    role: Vec<Name>,

    /// How long it is good for, as 12h or 30d; until it is revoked, unless given.
    #[arg(long, value_name = "TIME")]
    expires_in: Option<Span>,

    #[command(flatten)]
    node: NodeFlags,
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    node: NodeFlags,
}

#[derive(clap::Args)]
struct Revoke {
    /// Which.
    #[arg(value_name = "NAME")]
    name: Name,

    #[command(flatten)]
    node: NodeFlags,
}

impl Token {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        match self.act {
            Act::Create(create) => create.run(ui).await,
            Act::List(list) => {
                let tokens: Tokens =
                    list.node.client()?.ask(Command::ListTokens(Nothing {})).await?;
                ui.answer(&tokens, show::tokens)
            }
            Act::Revoke(Revoke { name, node }) => {
                let command = Command::RevokeToken(RevokeToken { token: name });
                let revoked: TokenRevoked = node.client()?.ask(command).await?;
                ui.answer(&revoked, |answer| {
                    format!("`{}` lets nobody in any more", answer.revoked)
                })
            }
        }
    }
}

impl Create {
    async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let Self { name, role, expires_in, node } = self;
        let roles = role.into_iter().collect();
        let command = Command::CreateToken(CreateToken { name, roles, expires_in });
        let made: TokenMade = node.client()?.ask(command).await?;
        // The token alone on stdout, for a script that puts it into a file.
        ui.answer(&made, |made| made.token.clone())?;
        ui.say("this is shown once: keep it where only its holder reads it");
        Ok(())
    }
}
