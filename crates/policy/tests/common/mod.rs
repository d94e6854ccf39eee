//! Requests for tests.

#![allow(dead_code, reason = "each test file is a crate of its own and uses some of these")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airssys_wasm_model::Signer;
use airssys_wasm_policy::{
    Act, Capability, Decision, Enforcement, Policy, Principal, Release, Request, Service, Subject,
    SubjectKind,
};

/// 2026-01-31T12:00:00Z, a Saturday.
pub(crate) fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_769_860_800)
}

pub(crate) fn token(name: &str, roles: &[&str]) -> Principal {
    Principal::token(name.parse().unwrap(), roles.iter().map(|role| role.parse().unwrap()))
}

pub(crate) fn shop(signer: Option<Signer>) -> Service {
    Service { name: "shop".parse().unwrap(), signers: signer.into_iter().collect() }
}

pub(crate) fn shop_2(signer: Option<Signer>) -> Release {
    Release { release: "shop@2.0.0".parse().unwrap(), signers: signer.into_iter().collect() }
}

/// The act, done to what it is done to.
pub(crate) fn request(principal: Principal, act: Act) -> Request {
    let subject = match act.subject() {
        SubjectKind::Node => Subject::Node,
        SubjectKind::Service => Subject::Service(shop(None)),
        SubjectKind::Release => Subject::Release(shop_2(None)),
        SubjectKind::Rollout => Subject::Rollout(shop(None), shop_2(None)),
        SubjectKind::Grant => Subject::Grant(shop(None), Capability::of_text("env:TZ")),
        SubjectKind::Secret => Subject::Secret("db-password".to_owned()),
        SubjectKind::Token => Subject::Token {
            name: "ci".parse().unwrap(),
            roles: ["deployer".parse().unwrap()].into(),
        },
    };
    Request::new(principal, act, subject, noon()).unwrap()
}

pub(crate) fn grant(principal: Principal, text: &str) -> Request {
    let subject = Subject::Grant(shop(None), Capability::of_text(text));
    Request::new(principal, Act::Grant, subject, noon()).unwrap()
}

pub(crate) fn decide(text: &str, request: &Request) -> Decision {
    Policy::parse(text).unwrap().decide(request, Enforcement::Enforce)
}
