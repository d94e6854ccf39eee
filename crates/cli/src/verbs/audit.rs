//! `audit`: what was recorded of commands and of what guests did.

use std::time::SystemTime;

use airssys_wasm_api::reply::{AuditDecision, AuditEntries, AuditReport, AuditStanding};
use airssys_wasm_api::{Client, Code, Command, Failure, Timestamp, command};
use airssys_wasm_model::{Name, Span};

use crate::exit::Exit;
use crate::place::{NodeFlags, data_dir};
use crate::show;
use crate::ui::Ui;

/// Show what was recorded: each command, and what guests did and were denied
///
/// --verify checks the whole trail, also that of a node that is stopped, and ends with exit code 1 where
/// something in it was changed, with the place.
#[derive(clap::Args)]
pub(crate) struct Audit {
    /// Only what concerns this service.
    #[arg(long, value_name = "NAME")]
    service: Option<Name>,

    /// Only of this kind: a command such as `deploy`, a capability such as `files`, `call` or `control`.
    #[arg(long)]
    kind: Option<String>,

    /// Only with this decision.
    #[arg(long, value_enum)]
    decision: Option<Decision>,

    /// Not before this: a moment such as 2026-01-31T12:00:00Z, or so long ago, such as 10m.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,

    /// Before this.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,

    /// Begin with at most so many of the latest entries.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = command::Audit::LIMIT,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(command::Audit::MAX_LIMIT))
    )]
    tail: u32,

    /// Go on with each new entry until interrupted.
    #[arg(short, long, conflicts_with_all = ["export", "verify", "status"])]
    follow: bool,

    /// All that is asked for, from the beginning, as the JSON lines of the trail.
    #[arg(long, conflicts_with_all = ["verify", "status"])]
    export: bool,

    /// Check every hash, seal and signature of the trail.
    #[arg(long, conflicts_with = "status")]
    verify: bool,

    /// An entry that was kept elsewhere and must be in the trail.
    #[arg(long, value_name = "SEQ:HASH", requires = "verify")]
    witness: Option<String>,

    /// Show what is recorded, and whether it can be.
    #[arg(long)]
    status: bool,

    #[command(flatten)]
    node: NodeFlags,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Decision {
    Allowed,
    Denied,
    WouldBeDenied,
}

impl Audit {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        if self.verify {
            return self.verify(ui).await;
        }
        let client = self.node.client()?;
        if self.status {
            let ask = Command::AuditStatus(command::AuditStatus {});
            let standing: AuditStanding = client.ask(ask).await?;
            return ui.answer(&standing, show::audit_standing);
        }
        if self.export { self.export(&client, ui).await } else { self.show(&client, ui).await }
    }

    async fn show(&self, client: &Client, ui: &Ui) -> anyhow::Result<()> {
        let mut ask = self.ask();
        loop {
            let found: AuditEntries = client.ask(Command::Audit(ask.clone())).await?;
            for entry in &found.entries {
                ui.answer(entry, show::audit_entry)?;
            }
            if !self.follow {
                return Ok(());
            }
            ask.after_seq = Some(found.next);
            ask.wait_ms = Some(command::Audit::MAX_WAIT_MS);
        }
    }

    async fn export(&self, client: &Client, ui: &Ui) -> anyhow::Result<()> {
        let limit = Some(command::Audit::MAX_LIMIT);
        let mut ask = command::Audit { after_seq: Some(0), limit, ..self.ask() };
        loop {
            let found: AuditEntries = client.ask(Command::Audit(ask.clone())).await?;
            let mut lines = Vec::new();
            for entry in &found.entries {
                serde_json::to_writer(&mut lines, entry)?;
                lines.push(b'\n');
            }
            if lines.is_empty() {
                return Ok(());
            }
            ui.write(&lines)?;
            ask.after_seq = Some(found.next);
        }
    }

    async fn verify(self, ui: &Ui) -> anyhow::Result<()> {
        let witness = self.witness;
        let report: AuditReport = match self.node.client() {
            Ok(client) => {
                client.ask(Command::AuditVerify(command::AuditVerify { witness })).await?
            }
            // Nobody runs there: the trail is read as it lies.
            Err(error) if is_stopped(&error) => {
                airssys_wasm::verify_stopped(&data_dir(self.node.data)?, witness.as_deref())?
            }
            Err(error) => return Err(error),
        };
        ui.answer(&report, show::audit_report)?;
        if report.intact { Ok(()) } else { Err(Exit(Code::Failed.exit_code()).into()) }
    }

    fn ask(&self) -> command::Audit {
        command::Audit {
            service: self.service.clone(),
            kind: self.kind.clone(),
            decision: self.decision.map(|decision| match decision {
                Decision::Allowed => AuditDecision::Allowed,
                Decision::Denied => AuditDecision::Denied,
                Decision::WouldBeDenied => AuditDecision::WouldBeDenied,
            }),
            from: self.since,
            until: self.until,
            after_seq: None,
            limit: Some(self.tail),
            wait_ms: None,
        }
    }
}

fn is_stopped(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.code == Code::Unreachable)
}

/// A moment, or a span of time before now.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(Span(ago)) = text.parse() {
        let then = SystemTime::now().checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH);
        return Ok(then.into());
    }
    Timestamp::try_from(text.to_owned()).map_err(|_| {
        format!("`{text}` is neither a moment such as 2026-01-31T12:00:00Z nor a span such as 10m")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_or_so_long_ago() {
        let said = moment("2026-01-31T12:00:00Z").unwrap();
        assert_eq!(said.to_string(), "2026-01-31T12:00:00.000Z");
        let now = Timestamp::from(SystemTime::now()).unix_ms();
        let ago = now - moment("1h").unwrap().unix_ms();
        assert!((3_590_000..=3_600_000).contains(&ago), "{ago}");
        assert!(moment("yesterday").is_err());
    }
}
