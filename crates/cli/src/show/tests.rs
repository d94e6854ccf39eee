//! The text of fixed answers, held by snapshots.

use airssys_wasm_api::reply::{
    Deployed, HistoryLine, Inspection, LogLine, RolloutReport, ServiceHistory, ServiceStatus,
    Services, Traffic,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// An answer as a node would send it.
fn answer<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn report() -> Value {
    json!({
        "service": "greeter", "rollout": 3,
        "from": { "revision": 1, "version": "1.0.0" }, "to": { "revision": 2, "version": "2.0.0" },
        "strategy": "canary", "outcome": null, "reason": "",
        "steps": [
            { "step": "start r2", "state": "done", "at": "2026-01-31T12:00:00.000Z" },
            { "step": "shift 5% to r2", "state": "running", "at": "2026-01-31T12:00:01.000Z" },
            { "step": "shift 100% to r2", "state": "pending", "at": null },
        ],
        "timings_ms": { "compile": 41.5, "start": 2.25, "switch": 0.031, "total": 12_345.0 },
    })
}

pub(crate) fn traffic_under_canary() -> Traffic {
    let revision = |number: u32, weight: f64, calls: u64, errors: u64| {
        json!({
            "revision": number, "version": format!("{number}.0.0"), "state": "active",
            "weight": weight, "calls": calls, "errors": errors,
            "latency_ms": { "p50": 0.21, "p90": 1.5, "p99": 12.75 },
            "cpu_ms": 1234.5, "memory_bytes": 1_310_720, "instances": 3, "queued": 0,
        })
    };
    let mut candidate = revision(2, 5.0, 100, 7);
    candidate["shadow"] = json!({
        "calls": 40, "refused": 3, "cpu_ms": 12.5, "memory_bytes": 1_310_720, "instances": 2,
    });
    answer(json!({
        "service": "greeter", "at": "2026-01-31T12:00:02.000Z", "state": "updating",
        "revisions": [revision(1, 95.0, 1900, 0), candidate],
        "rollout": report(),
    }))
}

#[test]
fn a_status_reads_well() {
    let status: ServiceStatus = answer(json!({
        "service": "greeter", "state": "updating",
        "active": { "revision": 1, "version": "1.0.0" },
        "revisions": [
            { "revision": 1, "version": "1.0.0", "state": "active", "weight": 97.5, "instances": 2 },
            { "revision": 2, "version": "2.0.0", "state": "starting", "weight": 2.5, "instances": 1 },
        ],
        "rollout": report(),
        "routes": ["http://127.0.0.1:8080/greeter"],
    }));
    insta::assert_snapshot!(super::status(&status));
}

#[test]
fn rules_and_what_a_split_sticks_to_read_well() {
    let to = |revision: u32| json!([{ "revision": revision, "weight": 100.0 }]);
    let status: ServiceStatus = answer(json!({
        "service": "greeter", "state": "active", "active": null, "rollout": null,
        "revisions": [{
            "revision": 2, "version": "2.0.0", "state": "candidate", "weight": 0.0, "instances": 1,
            "address": "r2.greeter.localhost",
        }],
        "routes": ["greeter.localhost"],
        "rules": [
            { "when": [{ "header": "x-beta", "is": "1" }], "shares": to(2) },
            { "when": ["path^=/v2/", "method in GET,HEAD"], "shares": to(1) },
        ],
        "sticky": "cookie:session",
    }));
    insta::assert_snapshot!(super::status(&status), @r"
    greeter  active
    REVISION  VERSION  STATE      WEIGHT  INSTANCES
    r2        2.0.0    candidate  0%      1
    greeter.localhost
    r2.greeter.localhost
    header:x-beta=1: r2 100%
    path^=/v2/ & method in GET,HEAD: r1 100%
    a split sticks by cookie:session
    ");
}

#[test]
fn a_rollout_reads_well() {
    let mut taken_back = report();
    taken_back["outcome"] = "aborted".into();
    taken_back["reason"] = "7 of 100 calls failed, 1% may".into();
    let report: RolloutReport = answer(taken_back);
    insta::assert_snapshot!(super::rollout(&report));
}

#[test]
fn a_deploy_reads_well() {
    let done = |state: &str| -> Deployed {
        answer(json!({
            "service": "greeter", "revision": 1, "version": "1.0.0",
            "digest": airssys_wasm_model::Digest::of(b""), "state": state,
            "plan": ["start r1", "shift 100% to r1"], "routes": ["http://127.0.0.1:8080/greeter"],
            "timings_ms": { "compile": 141.5, "start": 2.25, "total": 150.0 },
        }))
    };
    insta::assert_snapshot!(
        [super::deployed(&done("active")), super::deployed(&done("planned"))].concat()
    );
}

#[test]
fn traffic_reads_well() {
    insta::assert_snapshot!(super::traffic(&traffic_under_canary(), true));
}

#[test]
fn an_inspection_reads_well() {
    let found: Inspection = answer(json!({
        "name": "greeter", "version": "1.0.0", "revision": null,
        "digest": airssys_wasm_model::Digest::of(b""), "size_bytes": 122_880,
        "shape": ["handler", "functions"], "exports": ["airssys:component/handler@0.1.0", "add"],
        "functions": [{ "name": "add", "signature": "func(a: s32, b: s32) -> s32" }],
        "imports": [],
        "asked": {
            "files": [{ "path": "/data/**", "access": ["read"], "reason": "word lists" }],
            "http": [{ "host": "api.example.com", "methods": ["GET"], "reason": "prices" }],
            "env": [{ "name": "TZ", "reason": "dates" }],
        },
        "granted": ["env:TZ"],
        "limits": {}, "instances": {},
    }));
    insta::assert_snapshot!(super::inspection(&found));
}

#[test]
fn lists_read_well() {
    let services: Services = answer(json!([
        { "service": "greeter", "version": "1.0.0", "revision": 1, "state": "active" },
        { "service": "a-much-longer-name", "version": null, "revision": null, "state": "failed" },
    ]));
    let history: ServiceHistory = answer(json!([{
        "revision": 1, "version": "1.0.0", "at": "2026-01-31T12:00:00.000Z", "by": "token",
        "why": "deploy", "state": "active",
    }, {
        "revision": 2, "version": "2.0.0", "at": "2026-01-31T12:05:00.000Z", "by": "token",
        "why": "update: promoted by hand", "state": "promoted", "decided_by": "ops",
    }]));
    let HistoryLine { revision, at, .. } = history.0[0].clone();
    let line = LogLine {
        seq: 1,
        at,
        revision,
        stream: "stderr".into(),
        level: "info".into(),
        text: "hello\u{1b}[31m".into(),
    };
    insta::assert_snapshot!(
        [super::services(&services), super::history(&history), log_line(&line)].join("\n")
    );
    assert_eq!(super::services(&Services::default()), "no service is deployed\n");
}
