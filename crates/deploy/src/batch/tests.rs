//! Plans of members, what is refused of one, and what is due.

use airssys_wasm_model::{Limits, RevisionNumber, RolloutSettings, ShadowThen, StrategyName};

use super::due::Due;
use super::*;
use crate::plan::{Plan, PlanError, Retiring, Situation};
use crate::record::ServiceRecord;
use crate::rollout::{RolloutKind, RolloutNumber};
use crate::timestamp::Timestamp;
use crate::transition::{Asked, BeginError, SteerError};

const OLD: RevisionNumber = RevisionNumber(1);
const NEW: RevisionNumber = RevisionNumber(2);
const BATCH: BatchId = BatchId(7);

fn plan(settings: &RolloutSettings, order: BatchOrder) -> Result<Plan, PlanError> {
    let retiring = vec![Retiring::under(OLD, &Limits::DEFAULT)];
    let drain = Retiring::bound(&Limits::DEFAULT);
    let situation = Situation { active: Some(OLD), to: NEW, drain, warm: false, retiring };
    Plan::forward(settings, &situation).unwrap().joining(BATCH, order, Some(OLD))
}

fn canary() -> RolloutSettings {
    let strategy = StrategyName::Canary;
    RolloutSettings { strategy, steps: vec![25.0.into()], ..RolloutSettings::default() }
}

#[test]
fn together_a_member_joins_when_its_trial_is_over() {
    insta::assert_snapshot!(plan(&canary(), BatchOrder::Together).unwrap(), @r"
    1. start r2
    2. wait until r2 is ready for 25% of the calls, at most 30s
    3. give r2 25%, r1 75% of the calls
    4. watch r2 for 10s against r1: at most 1% of its calls may fail
    5. warm r2 for 100% of the calls, at most 30s
    6. wait for the other services of joint update 7
    7. give r2 100% of the calls
    8. let the calls of r1 end, at most 35s
    9. stop r1
    ");
}

#[test]
fn in_order_a_member_joins_before_its_first_call_and_keeps_its_way_back() {
    insta::assert_snapshot!(plan(&canary(), BatchOrder::InOrder).unwrap(), @r"
    1. start r2
    2. wait until r2 is ready for 25% of the calls, at most 30s
    3. wait for joint update 7: all ready, those before it promoted
    4. give r2 25%, r1 75% of the calls
    5. watch r2 for 10s against r1: at most 1% of its calls may fail
    6. warm r2 for 100% of the calls, at most 30s
    7. give r2 100% of the calls
    8. keep r1 warm until joint update 7 is decided
    9. let the calls of r1 end, at most 35s
    10. stop r1
    ");
}

#[test]
fn a_shadow_that_promotes_nobody_joins_nobody() {
    let mut shadow =
        RolloutSettings { strategy: StrategyName::Shadow, ..RolloutSettings::default() };
    for order in [BatchOrder::Together, BatchOrder::InOrder] {
        shadow.shadow.then = ShadowThen::Stop;
        assert_eq!(plan(&shadow, order), Err(PlanError::NoPromotion));
        shadow.shadow.then = ShadowThen::Promote;
        assert!(plan(&shadow, order).is_ok());
    }
}

fn member() -> ServiceRecord {
    let mut record = ServiceRecord::new("a".parse().unwrap());
    let now = Timestamp::default();
    let to = record.add_revision(crate::sim::revision(), "tester", "an update", now);
    let mut joint = batch(BatchOrder::Together);
    (joint.members[0].rollout, joint.members[0].revision) = (RolloutNumber(1), to);
    record.begin_member(asked(to), &joint, &joint.members[0], now).unwrap();
    record
}

fn asked(to: RevisionNumber) -> Asked {
    let (by, why) = ("tester".to_owned(), "an update".to_owned());
    Asked { kind: RolloutKind::Update, settings: RolloutSettings::default(), to, by, why }
}

#[test]
fn a_member_is_not_aborted_alone_and_begins_nothing_else() {
    let mut record = member();
    let now = Timestamp::default();
    assert_eq!(record.batch(), Some(BATCH));
    assert_eq!(record.abort("on a whim", now), Err(SteerError::Batch(BATCH)));
    let refused = record.begin(asked(OLD), now);
    assert_eq!(refused, Err(BeginError::UnderWay { to: OLD }));
}

fn batch(order: BatchOrder) -> BatchRecord {
    let member = |name: &str| BatchMember {
        service: name.parse().unwrap(),
        rollout: RolloutNumber(2),
        revision: NEW,
    };
    BatchRecord {
        id: BATCH,
        order,
        members: vec![member("a"), member("b")],
        at: Timestamp::default(),
        by: "tester".to_owned(),
        why: "an update".to_owned(),
        decision: None,
        kept: Vec::new(),
        ended: None,
    }
}

#[test]
fn members_that_wait_a_month_for_one_another_are_aborted() {
    let batch = batch(BatchOrder::Together);
    let states = [MemberState::Waiting { paused: false }, MemberState::OnTheWay];
    let day = 24 * 60 * 60 * 1_000;
    let at = |days: u64| Timestamp::from_unix_ms(days * day);
    assert!(matches!(batch.due(&states, at(29)), Due::Wait(Some(_))));
    let due = batch.due(&states, at(30));
    assert!(matches!(due, Due::Decide(Decision::Abort { .. })), "{due:?}");
}

#[test]
fn what_is_decided_stays_decided() {
    let mut batch = batch(BatchOrder::Together);
    batch.decide(&Decision::Go { at: Timestamp::default() });
    assert!(!batch.abort("too late", Timestamp::default()));
    assert!(!batch.is_aborted() && batch.reason().is_none());
}

#[test]
fn in_order_nobody_begins_before_all_are_ready() {
    let batch = batch(BatchOrder::InOrder);
    let (ready, way) = (MemberState::Waiting { paused: false }, MemberState::OnTheWay);
    let due = |states: [&MemberState; 2]| batch.due(&states.map(Clone::clone), batch.at);
    assert!(matches!(due([&ready, &way]), Due::Wait(_)));
    assert_eq!(due([&ready, &ready]), Due::Turn(0));
    assert!(matches!(due([&way, &ready]), Due::Wait(_)));
    assert_eq!(due([&MemberState::Promoted { held: true }, &ready]), Due::Turn(1));
}
