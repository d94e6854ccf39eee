//! An update that asks for more than its predecessor did and was granted it before, by a wide grant: it waits for an
//! operator before anything of it starts. One that is not granted what it asks for is refused before, and one whose
//! grants are said with the command has the operator's word.

use std::sync::Arc;

use airssys_wasm_api::Failure;
use airssys_wasm_deploy::RevisionRecord;
use airssys_wasm_model::{Difference, Gate, GateAt, GateSettings, Grants, MoreAsked, Name};

use crate::node::Shared;
use crate::releases::{self, Release};

/// What of the difference is told: a rollout's record keeps it, and the rest is in `inspect`.
const TOLD_MAX: usize = 8;

/// How long one ask with its reason may be there; both are the manifest's words.
const TOLD_CHARS_MAX: usize = 200;

const _: () = assert!(TOLD_MAX * (TOLD_CHARS_MAX + 8) * 4 < 2 * Gate::REASON_BYTES_MAX);

/// What a release asks for that the active one did not. One without a manifest asks for what it is granted.
pub(super) async fn beyond(
    shared: &Arc<Shared>,
    name: &Name,
    active: &RevisionRecord,
    release: &Release,
    grants: &Grants,
) -> Result<Difference, Failure> {
    let version = &active.settings.version;
    if *version == release.version {
        return Ok(Difference::default());
    }
    let before = releases::known(shared, name, version).await?;
    let before = before.map(|it| it.manifest.asked).unwrap_or_default();
    let before = before.stated(&active.settings.grants);
    Ok(release.manifest.asked.stated(grants).more_than(&before))
}

/// The gate at which such an update waits.
pub(super) fn gate(more: &Difference) -> Option<GateSettings> {
    if more.is_empty() {
        return None;
    }
    let one = |MoreAsked { kind, asked, reason }: &MoreAsked| {
        let told: String = format!("{kind}: {asked} ({reason})");
        told.chars().filter(|letter| !letter.is_control()).take(TOLD_CHARS_MAX).collect::<String>()
    };
    let mut told: Vec<_> = more.0.iter().take(TOLD_MAX).map(one).collect();
    if more.0.len() > TOLD_MAX {
        told.push(format!("and {} more", more.0.len() - TOLD_MAX));
    }
    let mut reason = format!("it asks for more than before: {}", told.join("; "));
    let end = reason.floor_char_boundary(Gate::REASON_BYTES_MAX);
    reason.truncate(end);
    Some(GateSettings { at: GateAt::Start, gate: Gate::operator(reason) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more(count: usize, reason: &str) -> Difference {
        let one = |number| MoreAsked {
            kind: "http".into(),
            asked: format!("HTTP to `{number}.example.com`"),
            reason: reason.into(),
        };
        Difference((0..count).map(one).collect())
    }

    #[test]
    fn the_gate_says_the_difference_and_no_more_than_fits() {
        assert_eq!(gate(&Difference::default()), None);
        let said = gate(&more(1, "prices")).unwrap().gate.reason.unwrap();
        assert_eq!(said, "it asks for more than before: http: HTTP to `0.example.com` (prices)");
        let hostile = format!("\u{1b}[2J{}", "\u{10ffff}".repeat(10_000));
        let said = gate(&more(1_000, &hostile)).unwrap().gate.reason.unwrap();
        assert!(said.len() <= Gate::REASON_BYTES_MAX && !said.contains('\u{1b}'));
    }
}
