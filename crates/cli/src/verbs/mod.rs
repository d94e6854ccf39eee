//! The verbs, one file each: its flags, what it does, and its tests.
//!
//! A verb is a struct of clap arguments with `run(self, &Ui) -> anyhow::Result<()>`. It writes its result
//! with [`Ui::answer`], says everything else on stderr, and fails with an
//! [`airssys_wasm_api::Failure`] wherever an exit code other than 1 is meant.

mod audit;
mod build;
mod completions;
mod deploy;
mod dev;
mod doctor;
mod fixed;
mod granting;
mod grants;
mod history;
mod init;
mod inspect;
mod invoke;
mod keygen;
mod list;
mod logs;
mod monitor;
mod node_log;
mod policy;
mod push;
mod remove;
mod rollback;
mod rolling;
mod run;
mod scale;
mod secret;
mod serve;
mod sign;
mod source;
mod status;
mod steer;
mod test;
mod token;
mod toolchain;
mod update;
mod verify;
mod versions;
mod watching;

use crate::ui::Ui;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Verb {
    Init(init::Init),
    Build(build::Build),
    Test(test::Test),
    Dev(dev::Dev),
    Serve(serve::Serve),
    Run(run::Run),
    Deploy(deploy::Deploy),
    Push(push::Push),
    Versions(versions::Versions),
    Update(update::Update),
    Promote(steer::Promote),
    Abort(steer::Abort),
    Pause(steer::Pause),
    Resume(steer::Resume),
    Rollback(rollback::Rollback),
    Scale(scale::Scale),
    Grants(grants::Grants),
    Remove(remove::Remove),
    List(list::List),
    Status(status::Status),
    History(history::History),
    Inspect(inspect::Inspect),
    Secret(secret::Secret),
    Keygen(keygen::Keygen),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Invoke(invoke::Invoke),
    Monitor(monitor::Monitor),
    Logs(logs::Logs),
    Token(token::Token),
    Policy(policy::Policy),
    Audit(audit::Audit),
    Toolchain(toolchain::Toolchain),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
}

impl Verb {
    /// Does it.
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        match self {
            Self::Init(verb) => verb.run(ui).await,
            Self::Build(verb) => verb.run(ui).await,
            Self::Test(verb) => verb.run(ui).await,
            Self::Dev(verb) => verb.run(ui).await,
            Self::Serve(verb) => verb.run(ui).await,
            Self::Run(verb) => verb.run(ui).await,
            Self::Deploy(verb) => verb.run(ui).await,
            Self::Push(verb) => verb.run(ui).await,
            Self::Versions(verb) => verb.run(ui).await,
            Self::Update(verb) => verb.run(ui).await,
            Self::Promote(verb) => verb.run(ui).await,
            Self::Abort(verb) => verb.run(ui).await,
            Self::Pause(verb) => verb.run(ui).await,
            Self::Resume(verb) => verb.run(ui).await,
            Self::Rollback(verb) => verb.run(ui).await,
            Self::Scale(verb) => verb.run(ui).await,
            Self::Grants(verb) => verb.run(ui).await,
            Self::Remove(verb) => verb.run(ui).await,
            Self::List(verb) => verb.run(ui).await,
            Self::Status(verb) => verb.run(ui).await,
            Self::History(verb) => verb.run(ui).await,
            Self::Inspect(verb) => verb.run(ui).await,
            Self::Secret(verb) => verb.run(ui).await,
            Self::Keygen(verb) => verb.run(ui),
            Self::Sign(verb) => verb.run(ui),
            Self::Verify(verb) => verb.run(ui),
            Self::Invoke(verb) => verb.run(ui).await,
            Self::Monitor(verb) => verb.run(ui).await,
            Self::Logs(verb) => verb.run(ui).await,
            Self::Token(verb) => verb.run(ui).await,
            Self::Policy(verb) => verb.run(ui).await,
            Self::Audit(verb) => verb.run(ui).await,
            Self::Toolchain(verb) => verb.run(ui).await,
            Self::Doctor(verb) => verb.run(ui).await,
            Self::Completions(verb) => verb.run(ui).await,
        }
    }
}
