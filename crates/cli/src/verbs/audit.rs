//! `audit`: what was recorded of commands and of what guests did.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use airssys_wasm::TrailKey;
use airssys_wasm_api::reply::{
    AuditDecision, AuditEntries, AuditReport, AuditStanding, KeyRotated,
};
use airssys_wasm_api::{Client, Code, Command, Failure, Timestamp, command};
use airssys_wasm_model::{Name, Span};

use crate::exit::Exit;
use crate::files::read_text;
use crate::place::{NodeFlags, data_dir};
use crate::show;
use crate::ui::Ui;

/// Show what was recorded: each command, and what guests did and were denied
///
/// --verify checks the whole trail, also that of a node that is stopped, and ends with exit code 1 where
/// something in it was changed, with the place. By the key in the data directory, unless another one is given by --key:
/// whoever can write to that directory can put another trail there with a key of his own.
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

    /// A public key that was kept elsewhere, as --status shows it, or a file with it, and never the one that signs: what
    /// is given is sent to the node. The trail must be signed by it, by keys that followed it, and before it by those
    /// that it followed. Without, the node's own key counts.
    #[arg(long, value_name = "KEY|FILE", requires = "verify")]
    key: Option<String>,

    /// Show what is recorded, and whether it can be.
    #[arg(long, conflicts_with = "rotate_key")]
    status: bool,

    /// Draw a new key that signs the trail from now on; what the one before has signed is verified as ever.
    #[arg(long, conflicts_with_all = ["follow", "export", "verify"])]
    rotate_key: bool,

    #[command(flatten)]
    node: NodeFlags,
}

/// Of a public key of the trail.
const KEY_DIGITS: usize = 64;

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
        if self.rotate_key {
            let rotate = Command::RotateAuditKey(command::Nothing {});
            let rotated: KeyRotated = client.ask(rotate).await?;
            return ui.answer(&rotated, |KeyRotated { former, current, .. }| {
                format!("{current} signs the trail now, and no more {former}")
            });
        }
        if self.export { self.export(&client, ui).await } else { self.show(&client, ui).await }
    }

    async fn show(&self, client: &Client, ui: &Ui) -> anyhow::Result<()> {
        let found: AuditEntries = client.ask(Command::Audit(self.ask())).await?;
        for entry in &found.entries {
            ui.answer(entry, show::audit_entry)?;
        }
        if self.follow { self.follow_from(found.next, ui).await } else { Ok(()) }
    }

    /// Each entry after this one, also across the restarts of the node: no entry is shown twice and none is missed.
    async fn follow_from(&self, last: u64, ui: &Ui) -> anyhow::Result<()> {
        let mut ask = command::Audit { after_seq: Some(last), limit: None, ..self.ask() };
        let mut patience = Patience::new(Instant::now());
        loop {
            let (before, began) = (ask.after_seq, Instant::now());
            let ended = self.follow_once(&mut ask, ui).await;
            if ask.after_seq != before || ended.is_ok() {
                patience = Patience::new(Instant::now());
            }
            let Err(error) = ended else {
                tokio::time::sleep(Patience::FIRST_WAIT).await;
                continue;
            };
            let lost = error.downcast_ref::<Failure>().filter(|failure| is_passing(failure));
            let Some(lost) = lost.filter(|_| patience.is_left(began)) else { return Err(error) };
            if patience.is_new() {
                ui.say(&format!("{}; trying again", lost.message));
            }
            tokio::time::sleep(patience.next()).await;
        }
    }

    /// Until the stream ends or breaks. Where the node is, is found out anew: it may have been started again.
    async fn follow_once(&self, ask: &mut command::Audit, ui: &Ui) -> anyhow::Result<()> {
        let mut entries = self.node.client()?.follow_audit(ask.clone()).await?;
        while let Some(entry) = entries.next().await? {
            ui.answer(&entry, show::audit_entry)?;
            ask.after_seq = Some(entry.seq);
        }
        Ok(())
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
        let key = self.key.as_deref().map(public_key).transpose()?;
        let ask = |key: Option<TrailKey>| command::AuditVerify {
            witness: self.witness.clone(),
            key: key.map(|key| key.digits()),
        };
        let report: AuditReport = match self.node.client() {
            Ok(client) => {
                let key = unless_signing(key, &client).await?;
                client.ask(Command::AuditVerify(ask(key))).await?
            }
            // Nobody runs there: the trail is read as it lies.
            Err(error) if is_stopped(&error) => {
                airssys_wasm::verify_stopped(&data_dir(self.node.data)?, &ask(key))?
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

/// How long a node that is followed may be away.
struct Patience {
    since: Instant,
    wait: Duration,
}

impl Patience {
    /// A restart, with services that take their time to come up.
    const MOST: Duration = Duration::from_secs(60);

    /// A node that has just closed its door is not asked a thousand times a second.
    const FIRST_WAIT: Duration = Duration::from_millis(100);

    const LONGEST_WAIT: Duration = Duration::from_secs(2);

    const fn new(since: Instant) -> Self {
        Self { since, wait: Self::FIRST_WAIT }
    }

    fn is_left(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < Self::MOST
    }

    fn is_new(&self) -> bool {
        self.wait == Self::FIRST_WAIT
    }

    /// How long to wait now; the next time longer.
    fn next(&mut self) -> Duration {
        let wait = self.wait;
        self.wait = (wait * 2).min(Self::LONGEST_WAIT);
        wait
    }
}

/// Whether it may be otherwise in a moment.
fn is_passing(failure: &Failure) -> bool {
    matches!(failure.code, Code::Unreachable | Code::Unavailable | Code::TimedOut | Code::Saturated)
}

fn is_stopped(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.code == Code::Unreachable)
}

/// A key: its digits as they are said, or what is in a file.
fn public_key(word: &str) -> Result<TrailKey, Failure> {
    if is_digits(word) {
        return TrailKey::read(word);
    }
    let file = Path::new(word);
    let text = read_text(file)?;
    let key = TrailKey::read(&text)?;
    // As earlier builds kept the key that signs. That its digits could be those of a public one says nothing; who may
    // read them does.
    if is_digits(text.trim()) && is_its_owners_alone(file) {
        let message = format!(
            "{} has digits that its owner alone may read: they may be those of a private key, which nobody else is to know",
            file.display()
        );
        return Err(Failure::new(Code::Usage, message)
            .help("if they are those of a public key, give them in the command, or let others read the file"));
    }
    Ok(key)
}

fn is_digits(text: &str) -> bool {
    text.len() == KEY_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(unix)]
fn is_its_owners_alone(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|data| data.permissions().mode() & 0o077 == 0)
}

/// Elsewhere rights are access lists, which are inherited.
#[cfg(not(unix))]
fn is_its_owners_alone(_file: &Path) -> bool {
    false
}

/// The same, unless it is the private one of the node that it would be sent to.
async fn unless_signing(
    key: Option<TrailKey>,
    client: &Client,
) -> Result<Option<TrailKey>, Failure> {
    let Some(key) = key else { return Ok(None) };
    let standing: AuditStanding = client.ask(Command::AuditStatus(command::AuditStatus {})).await?;
    key.unless_signing(&standing).map(Some)
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
    fn patience_ends_and_waits_ever_longer_up_to_a_bound() {
        let now = Instant::now();
        let mut patience = Patience::new(now);
        assert!(patience.is_new() && patience.is_left(now + Duration::from_secs(59)));
        assert!(!patience.is_left(now + Patience::MOST));
        let waits: Vec<_> = (0..7).map(|_| patience.next().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
        assert!(!patience.is_new());
    }

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
