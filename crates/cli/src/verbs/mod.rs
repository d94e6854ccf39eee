//! The verbs, one file each: its flags, what it does, and its tests.
//!
//! A verb is a struct of clap arguments with `run(self, &Ui) -> anyhow::Result<()>`. It writes its result
//! with [`Ui::answer`], says everything else on stderr, and fails with an
//! [`airssys_wasm_api::Failure`] wherever an exit code other than 1 is meant.

mod deploy;
mod granting;
mod history;
mod inspect;
mod invoke;
mod list;
mod logs;
mod monitor;
mod push;
mod remove;
mod rollback;
mod rolling;
mod scale;
mod status;
mod steer;
mod update;
mod versions;

use crate::ui::Ui;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum Verb {
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
    Remove(remove::Remove),
    List(list::List),
    Status(status::Status),
    History(history::History),
    Inspect(inspect::Inspect),
    Invoke(invoke::Invoke),
    Monitor(monitor::Monitor),
    Logs(logs::Logs),
}

impl Verb {
    /// Does it.
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        match self {
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
            Self::Remove(verb) => verb.run(ui).await,
            Self::List(verb) => verb.run(ui).await,
            Self::Status(verb) => verb.run(ui).await,
            Self::History(verb) => verb.run(ui).await,
            Self::Inspect(verb) => verb.run(ui).await,
            Self::Invoke(verb) => verb.run(ui).await,
            Self::Monitor(verb) => verb.run(ui).await,
            Self::Logs(verb) => verb.run(ui).await,
        }
    }
}
