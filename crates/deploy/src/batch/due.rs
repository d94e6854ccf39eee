//! What an update of several services asks to be done next: a pure function of its record and its members'.

use std::time::Duration;

use airssys_wasm_model::{LONGEST_WINDOW, Name};

use super::record::{BatchOrder, BatchRecord, Decision};
use crate::timestamp::Timestamp;

/// How long the members wait for one another: as long as the longest window of a rollout's step. Who has
/// not come by then is not coming, and the others hold their candidates for nothing.
const WAITS_AT_MOST: Duration = LONGEST_WINDOW;

/// How a member stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberState {
    /// Its rollout is not recorded, or its service was removed.
    Absent,
    /// On its way: to where it joins the others, or from there to its promotion.
    OnTheWay,
    /// It has joined and waits for the others, or for its turn.
    Waiting {
        /// Whether somebody has paused it: the others wait for it then.
        paused: bool,
    },
    /// Together: it has heard that all are promoted, and its calls are about to go over.
    Committed,
    /// Its candidate has the calls.
    Promoted {
        /// Whether it can still go back at once.
        held: bool,
    },
    /// Its candidate is taken back.
    TakenBack {
        /// Why.
        reason: String,
        /// Whether that is done.
        done: bool,
    },
    /// It was promoted and goes back to what it had.
    GoingBack,
    /// It was promoted and is back at what it had.
    Back,
    /// It was promoted and could not go back.
    Kept {
        /// Why not.
        reason: String,
    },
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// To wait until a record changes, at most so long.
    Wait(Option<Duration>),
    /// To record this.
    Decide(Decision),
    /// To tell these members what was decided.
    Tell(Vec<usize>),
    /// To let this member go on.
    Turn(usize),
    /// To record that all is done; these could not go back.
    End(Vec<Name>),
}

impl BatchRecord {
    pub(super) fn due(&self, states: &[MemberState], now: Timestamp) -> Due {
        match (&self.decision, self.order) {
            (None, order) => self.gathering(order, states, now),
            (Some(_), _) => self.decided(states),
        }
    }

    fn gathering(&self, order: BatchOrder, states: &[MemberState], now: Timestamp) -> Due {
        let left = WAITS_AT_MOST.saturating_sub(now.since(self.at));
        let lost = self.members.iter().zip(states);
        let lost = lost.filter_map(|(member, state)| Some((member, state.lost()?))).next();
        let reason = match lost {
            Some((member, reason)) => Some(format!("`{}` {reason}", member.service)),
            None if left.is_zero() => Some("its members waited too long".to_owned()),
            None => None,
        };
        if let Some(reason) = reason {
            return Due::Decide(Decision::Abort { reason, at: now });
        }
        let waits = |state: &MemberState| *state == MemberState::Waiting { paused: false };
        match order {
            BatchOrder::Together if states.iter().all(waits) => {
                Due::Decide(Decision::Go { at: now })
            }
            BatchOrder::Together => Due::Wait(Some(left)),
            BatchOrder::InOrder => {
                let promoted = |state: &MemberState| matches!(state, MemberState::Promoted { .. });
                match states.iter().position(|state| !promoted(state)) {
                    None => Due::Decide(Decision::Go { at: now }),
                    Some(0) if !states.iter().all(waits) => Due::Wait(Some(left)),
                    Some(next) if waits(&states[next]) => Due::Turn(next),
                    Some(_) => Due::Wait(Some(left)),
                }
            }
        }
    }

    fn decided(&self, states: &[MemberState]) -> Due {
        let listens = |state: &MemberState| match (self.is_aborted(), state) {
            (false, MemberState::Waiting { .. }) => self.order == BatchOrder::Together,
            (true, MemberState::OnTheWay | MemberState::Waiting { .. }) => true,
            (_, MemberState::Promoted { held }) => *held,
            _ => false,
        };
        let to_tell: Vec<_> = (0..states.len()).filter(|&at| listens(&states[at])).collect();
        if !to_tell.is_empty() {
            return Due::Tell(to_tell);
        }
        if states.iter().any(MemberState::moves) {
            return Due::Wait(None);
        }
        let stays = |state: &MemberState| {
            matches!(state, MemberState::Kept { .. } | MemberState::Promoted { .. })
        };
        let stays = self.members.iter().zip(states).filter(|(_, state)| stays(state));
        let kept = stays.filter(|_| self.is_aborted()).map(|(member, _)| member.service.clone());
        Due::End(kept.collect())
    }
}

impl MemberState {
    /// Why the others cannot go on without it, if it is lost to them.
    fn lost(&self) -> Option<String> {
        match self {
            Self::Absent => Some(
                "takes no part: it was removed, or the node stopped before its rollout was recorded"
                    .to_owned(),
            ),
            Self::TakenBack { reason, .. } => Some(format!("was taken back: {reason}")),
            _ => None,
        }
    }

    /// Whether its rollout is on its way by itself.
    const fn moves(&self) -> bool {
        matches!(
            self,
            Self::OnTheWay
                | Self::Waiting { .. }
                | Self::Committed
                | Self::GoingBack
                | Self::TakenBack { done: false, .. }
        )
    }
}
