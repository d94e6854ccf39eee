//! What happens to each batch: written, or refused and why, with what is due besides.
//!
//! It knows no thread, no channel and no clock, so that tests can cut its power at every step.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use tokio::sync::{oneshot, watch};
use tracing::{error, info};

use super::coalesce::Coalescer;
use super::entry::{Decision, Entry};
use super::error::AuditError;
use super::key::NodeKey;
use super::ledger::{Ledger, Position, TRAIL};
use super::reserve::Reserve;
use super::settings::AuditSettings;
use super::sheet::Sheet;
use super::standing::Standing;
use crate::disk::is_full;

/// What is handed to the writer.
#[derive(Debug)]
pub(super) enum Item {
    /// To be written with the next batch, as they stand.
    Notes(Sheet),
    /// The same, unless it is a denial that is only to be counted.
    Note(Entry),
    /// To be written, and answered with its number.
    Record(Entry, oneshot::Sender<Result<u64, AuditError>>),
    /// To be signed with from now on, and answered when it is.
    Succeed(Box<NodeKey>, oneshot::Sender<Result<(), AuditError>>),
    /// To be answered when all before it is written.
    Flush(oneshot::Sender<Result<(), AuditError>>),
    /// The same, with the counts of denials; the last item.
    Close(oneshot::Sender<Result<(), AuditError>>),
}

/// The trail, its reserve, its counters and what waits for a better disk.
#[derive(Debug)]
pub(super) struct Keeper {
    ledger: Ledger,
    reserve: Reserve,
    coalescer: Coalescer,
    settings: AuditSettings,
    /// Notes that were taken and could not be written. Bounded by the queue and those who waited at it:
    /// while this is not empty, no more are taken.
    backlog: Vec<Line>,
    trouble: Option<Trouble>,
    standing: Arc<Standing>,
    position: watch::Sender<Position>,
}

/// The disk refuses.
#[derive(Debug)]
struct Trouble {
    since: SystemTime,
    /// When the reserve was last tried.
    tried: SystemTime,
    why: Arc<io::Error>,
    refused_records: u64,
}

/// Who waits for something that has no number.
type Reply = oneshot::Sender<Result<(), AuditError>>;

/// What is written next to each other, in its order.
#[derive(Debug)]
enum Line {
    /// Nobody waits for these.
    Notes(Sheet),
    /// An entry, and who waits for it.
    Act { entry: Entry, reply: Option<oneshot::Sender<Result<u64, AuditError>>> },
}

impl Keeper {
    /// The remarks of the opening are written with the first batch.
    pub(super) fn new(ledger: Ledger, remarks: Vec<Entry>, now: SystemTime) -> Self {
        let settings = ledger.settings.clone();
        let mut reserve = Reserve::open(ledger.folder.clone(), settings.reserve_bytes);
        if let Err(error) = reserve.restore() {
            error!(%error, "no space for the audit trail's reserve: only control acts are recorded");
        }
        let position = watch::Sender::new(ledger.position());
        let mut keeper = Self {
            coalescer: Coalescer::new(settings.denials.clone()),
            ledger,
            reserve,
            settings,
            backlog: remarks.into_iter().map(Line::of).collect(),
            trouble: None,
            standing: Arc::default(),
            position,
        };
        if !keeper.reserve.is_held() {
            keeper.refuse(io::ErrorKind::StorageFull.into(), now);
        }
        keeper
    }

    pub(super) fn standing(&self) -> Arc<Standing> {
        self.standing.clone()
    }

    pub(super) fn position(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Writes a batch as one, and answers whoever waits for it. Without items it does what is due: counts
    /// whose window ended, a seal, a retention, another try at a disk that refused.
    pub(super) fn commit(&mut self, items: Vec<Item>, now: SystemTime) {
        let mut flushes = Vec::new();
        let mut successors = Vec::new();
        let lines = self.sort(items, &mut flushes, &mut successors, now);
        if !lines.is_empty() || self.trouble.is_some() {
            self.write(lines, now);
        }
        for (key, reply) in successors {
            let _ = reply.send(self.succeed(*key, now));
        }
        if self.trouble.is_none() && self.ledger.is_due(now) {
            self.turn_over(now);
        }
        self.publish();
        for flush in flushes {
            let _ = flush.send(self.outcome());
        }
    }

    fn succeed(&mut self, key: NodeKey, now: SystemTime) -> Result<(), AuditError> {
        self.outcome()?;
        self.ledger.succeed(key, now).map_err(|error| {
            self.refuse(error, now);
            self.outcome().expect_err("it was just refused")
        })
    }

    fn outcome(&self) -> Result<(), AuditError> {
        match &self.trouble {
            Some(trouble) => Err(AuditError::unwritable(trouble.why.clone())),
            None => Ok(()),
        }
    }

    /// The lines of a batch in their order, counted denials left out.
    fn sort(
        &mut self,
        items: Vec<Item>,
        flushes: &mut Vec<Reply>,
        successors: &mut Vec<(Box<NodeKey>, Reply)>,
        now: SystemTime,
    ) -> Vec<Line> {
        let mut lines = std::mem::take(&mut self.backlog);
        let mut out = Vec::new();
        let mut closing = false;
        // A disk that refuses is not given more: the counts go on meanwhile.
        if self.trouble.is_none() {
            self.coalescer.due(now, &mut out);
        }
        for item in items {
            match item {
                Item::Notes(sheet) => {
                    lines.extend(out.drain(..).map(Line::of));
                    lines.push(Line::Notes(sheet));
                }
                Item::Note(entry) => self.coalescer.admit(entry, now, &mut out),
                Item::Record(entry, reply) => {
                    lines.extend(out.drain(..).map(Line::of));
                    lines.push(Line::Act { entry, reply: Some(reply) });
                }
                Item::Flush(reply) => flushes.push(reply),
                Item::Succeed(key, reply) => successors.push((key, reply)),
                Item::Close(reply) => {
                    closing = true;
                    flushes.push(reply);
                }
            }
        }
        if closing {
            self.coalescer.flush(&mut out);
        }
        lines.extend(out.into_iter().map(Line::of));
        lines
    }

    fn write(&mut self, mut lines: Vec<Line>, now: SystemTime) {
        if !self.has_reserve(now) {
            return self.write_control(lines, now);
        }
        let refused_notes = self.standing.refused_notes.load(Ordering::Relaxed);
        let gap = match &self.trouble {
            Some(trouble) => Some(trouble.resumption(refused_notes, now)),
            None => (refused_notes > 0).then(|| fell_behind(refused_notes, now)),
        };
        let tells = gap.is_some();
        if let Some(gap) = gap {
            lines.insert(0, Line::of(gap));
        }
        match self.append(&lines, now) {
            Ok(first) => {
                self.resume(refused_notes);
                acknowledge(lines, first);
            }
            Err(error) => {
                if tells {
                    lines.remove(0);
                }
                let released = is_full(&error) && self.reserve.release();
                self.refuse(error, now);
                if released { self.write_control(lines, now) } else { self.give_up(lines) }
            }
        }
    }

    /// Writes the control acts, on a disk that has no room for others.
    fn write_control(&mut self, lines: Vec<Line>, now: SystemTime) {
        let (control, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(Line::is_control);
        self.give_up(others);
        if control.is_empty() {
            return;
        }
        match self.append(&control, now) {
            Ok(first) => acknowledge(control, first),
            Err(error) => {
                self.refuse(error, now);
                self.give_up(control);
            }
        }
    }

    fn append(&mut self, lines: &[Line], now: SystemTime) -> io::Result<u64> {
        let sheets: Vec<Cow<'_, Sheet>> = lines.iter().map(Line::sheet).collect();
        let first = self.ledger.append(&sheets, now)?;
        // Before anybody is answered: who was told that an act is recorded finds it.
        self.publish();
        Ok(first)
    }

    /// Lets readers see what is durable.
    fn publish(&self) {
        let now = self.ledger.position();
        self.position.send_if_modified(|position| std::mem::replace(position, now) != now);
    }

    /// Whether there is the reserve, so that the disk is open to all. If not, it is tried now and then: it
    /// takes time to find that a megabyte doesn't fit.
    fn has_reserve(&mut self, now: SystemTime) -> bool {
        if let Some(trouble) = &mut self.trouble
            && !self.reserve.is_held()
            && now.duration_since(trouble.tried).is_ok_and(|rest| rest >= self.settings.retry)
        {
            trouble.tried = now;
            let _ = self.reserve.restore();
        }
        self.reserve.is_held()
    }

    /// Answers those who wait, and keeps the notes: they were taken.
    fn give_up(&mut self, lines: Vec<Line>) {
        let Some(trouble) = &mut self.trouble else { unreachable!("the disk took them") };
        for line in lines {
            match line {
                Line::Act { reply: Some(reply), .. } => {
                    trouble.refused_records += 1;
                    let _ = reply.send(Err(AuditError::unwritable(trouble.why.clone())));
                }
                note => self.backlog.push(note),
            }
        }
    }

    fn refuse(&mut self, error: io::Error, now: SystemTime) {
        let why = Arc::new(error);
        match &mut self.trouble {
            Some(trouble) => trouble.why = why.clone(),
            None => {
                error!(error = %why, "the audit trail can't be written");
                let why = why.clone();
                let trouble = Trouble { since: now, tried: now, why, refused_records: 0 };
                self.trouble = Some(trouble);
            }
        }
        self.standing.refuse(why);
    }

    fn resume(&mut self, told_notes: u64) {
        let was_refused = self.trouble.take().is_some();
        if was_refused {
            info!("the audit trail is written again");
        }
        if was_refused || told_notes > 0 {
            self.standing.accept(told_notes);
        }
    }

    /// Seals the open segment, with the counts up to now in it, and deletes what is over the bounds.
    fn turn_over(&mut self, now: SystemTime) {
        let mut counts = Vec::new();
        self.coalescer.flush(&mut counts);
        let counts: Vec<Line> = counts.into_iter().map(Line::of).collect();
        let written = if counts.is_empty() {
            Ok(())
        } else {
            self.append(&counts, now).map(drop).inspect_err(|_| self.backlog = counts)
        };
        let turned =
            written.and_then(|()| self.ledger.seal(now)).and_then(|()| self.ledger.retain(now));
        if let Err(error) = turned {
            self.refuse(error, now);
        }
    }
}

impl Trouble {
    /// What tells a reader of the trail that it has a gap, and what fell into it.
    fn resumption(&self, notes: u64, now: SystemTime) -> Entry {
        let mut entry = Entry::new(now, TRAIL, "trail", Decision::Allowed);
        let since = humantime::format_rfc3339_millis(self.since);
        let (why, records) = (&self.why, self.refused_records);
        let detail = format!(
            "not written since {since} ({why}): {records} records were refused, and what they were \
             for; and {notes} notes"
        );
        entry.detail = Some(detail.into());
        entry
    }
}

impl Line {
    fn of(entry: Entry) -> Self {
        Self::Act { entry, reply: None }
    }

    fn is_control(&self) -> bool {
        matches!(self, Self::Act { entry, .. } if entry.kind.is_control())
    }

    /// It as it is written.
    fn sheet(&self) -> Cow<'_, Sheet> {
        match self {
            Self::Notes(sheet) => Cow::Borrowed(sheet),
            Self::Act { entry, .. } => Cow::Owned(Sheet::of(entry)),
        }
    }
}

/// What tells a reader that callers did not wait for the writer.
fn fell_behind(notes: u64, now: SystemTime) -> Entry {
    let mut entry = Entry::new(now, TRAIL, "trail", Decision::Allowed);
    let detail = format!("{notes} notes found the queue full for as long as they could wait");
    entry.detail = Some(detail.into());
    entry
}

fn acknowledge(lines: Vec<Line>, first: u64) {
    let mut seq = first;
    for line in lines {
        match line {
            Line::Notes(sheet) => seq += sheet.len() as u64,
            Line::Act { reply, .. } => {
                if let Some(reply) = reply {
                    // Whoever waited may have gone.
                    let _ = reply.send(Ok(seq));
                }
                seq += 1;
            }
        }
    }
}
