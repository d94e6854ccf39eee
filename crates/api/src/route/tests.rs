//! Every command there and back.

use airssys_wasm_model::{Grants, RevisionNumber, Span, StrategyName, Version};

use super::*;
use crate::command::{
    AddGrants, Audit, AuditStatus, AuditVerify, CreateToken, Deploy, ExplainPolicy, Inspect,
    Invoke, JointUpdate, List, ListSecrets, Logs, Named, NamedSecret, Nothing, Push, RevokeGrants,
    RevokeToken, Rollback, RollbackTo, RolloutChoice, Scale, SecretInput, SetPolicy, SetSecret,
    Source, SuggestGrants, Update, UpdateNumber, UpdateOrder, Updates,
};
use crate::reply::AuditDecision;
use crate::{Code, Command, Failure, Payload, Timestamp};

fn every_command() -> Vec<Command> {
    let service: airssys_wasm_model::Name = "greeter".parse().unwrap();
    let named = || Named { service: service.clone() };
    let digest = airssys_wasm_model::Digest::of(b"");
    let release = "greeter@2.0.0".parse().unwrap();
    let rollout = RolloutChoice {
        strategy: Some(StrategyName::Canary),
        steps: Some(vec![2.5.into(), 50.0.into()]),
        observe: Some(Span(std::time::Duration::from_millis(1500))),
        ..RolloutChoice::default()
    };
    let update = Update {
        service: service.clone(),
        source: Some(Source::Release(release)),
        version: None,
        rollout: rollout.clone(),
        config: None,
        grants: None,
        grant_asked: false,
        determinism: Default::default(),
        accept_signer: false,
        detached: true,
        plan_only: true,
    };
    vec![
        Command::Updates(Updates {
            updates: vec![update.clone()],
            order: UpdateOrder::InOrder,
            detached: true,
            plan_only: false,
        }),
        Command::UpdateStatus(JointUpdate { update: UpdateNumber(7) }),
        Command::AbortUpdate(JointUpdate { update: UpdateNumber(7) }),
        Command::Deploy(Deploy {
            source: Source::Artifact(digest),
            name: Some(service.clone()),
            version: Some(Version::new(1, 0, 0)),
            config: serde_json::from_str("{\"a\": {\"b\": [1, null]}}").unwrap(),
            grants: serde_json::from_str("[\"env:TZ\"]").unwrap(),
            grant_asked: true,
            determinism: Default::default(),
            accept_signer: false,
            plan_only: false,
        }),
        Command::Push(Push { artifact: digest, name: None, version: None, accept_signer: false }),
        Command::SetSecret(SetSecret {
            name: "stripe.live".parse().unwrap(),
            value: SecretInput(Payload(vec![0, 255].into())),
        }),
        Command::ListSecrets(ListSecrets {}),
        Command::RemoveSecret(NamedSecret { name: "stripe.live".parse().unwrap() }),
        Command::RotateSecretsKey(Nothing {}),
        Command::RotateAuditKey(Nothing {}),
        Command::Versions(named()),
        Command::Update(update),
        Command::Promote(named()),
        Command::Abort(named()),
        Command::Pause(named()),
        Command::Resume(named()),
        Command::Rollback(Rollback {
            service: service.clone(),
            to: RollbackTo::Revision(RevisionNumber(3)),
            rollout,
            detached: false,
            plan_only: false,
        }),
        Command::Scale(Scale { service: service.clone(), min: Some(1), max: None }),
        Command::Grants(named()),
        Command::AddGrants(AddGrants {
            service: service.clone(),
            grants: serde_json::from_str("[\"env:TZ\"]").unwrap(),
        }),
        Command::RevokeGrants(RevokeGrants {
            service: service.clone(),
            grants: Grants::default(),
            all: true,
        }),
        Command::SuggestGrants(SuggestGrants {
            service: service.clone(),
            since: Some(Timestamp::from_unix_ms(1_790_000_000_123)),
        }),
        Command::Remove(named()),
        Command::List(List {}),
        Command::Status(named()),
        Command::History(named()),
        Command::Inspect(Inspect { service: service.clone(), revision: Some(RevisionNumber(2)) }),
        Command::Invoke(Invoke {
            service: service.clone(),
            function: Some("my:pkg/math@1.0.0#add&x".into()),
            args: vec!["1".into(), "{a: \"é\"}".into()],
            input: Payload::default(),
            content_type: None,
            metadata: Default::default(),
        }),
        Command::Invoke(Invoke {
            service: service.clone(),
            function: None,
            args: Vec::new(),
            input: Payload(vec![0xff, 0, b'x'].into()),
            content_type: Some("image/png".into()),
            metadata: [("x-user".to_owned(), "größe & =/?".to_owned())].into(),
        }),
        Command::Monitor(named()),
        Command::Logs(Logs {
            service: service.clone(),
            after: Some(7),
            tail: None,
            wait_ms: Some(100),
        }),
        Command::Audit(Audit::default()),
        Command::Audit(Audit {
            service: Some(service),
            kind: Some("files".into()),
            decision: Some(AuditDecision::WouldBeDenied),
            from: Some(Timestamp::from_unix_ms(1_790_000_000_123)),
            until: None,
            after_seq: Some(7),
            limit: Some(10),
            wait_ms: Some(100),
        }),
        Command::AuditVerify(AuditVerify {
            witness: Some(format!("7:{}", "0a".repeat(32))),
            key: Some("0b".repeat(32)),
        }),
        Command::AuditStatus(AuditStatus {}),
        Command::ShowPolicy(Nothing {}),
        Command::SetPolicy(SetPolicy { policy: "permit".to_owned(), dry_run: true }),
        Command::ExplainPolicy(ExplainPolicy {
            act: "deploy".to_owned(),
            target: Some("greeter".to_owned()),
            token: None,
            roles: ["reader".parse().unwrap()].into(),
            version: Some("1.0.0".parse().unwrap()),
            signers: Vec::new(),
            grant: None,
        }),
        Command::CreateToken(CreateToken {
            name: "ci".parse().unwrap(),
            roles: ["deployer".parse().unwrap()].into(),
            expires_in: Some(Span(std::time::Duration::from_secs(60))),
        }),
        Command::ListTokens(Nothing {}),
        Command::RevokeToken(RevokeToken { token: "ci".parse().unwrap() }),
    ]
}

/// What a server's router hands over: the path's fields and the query's, decoded.
fn arrive(route: &Route, wire: Wire) -> Result<Command, Failure> {
    let decode =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let (path, query) = wire.target.split_once('?').unwrap_or((&wire.target, ""));
    assert_eq!(path.split('/').count(), route.path.split('/').count(), "{path}");
    let path = route.path.split('/').zip(path.split('/')).filter_map(|(template, part)| {
        let field = template.strip_prefix('{')?.strip_suffix('}')?;
        Some((field.to_owned(), decode(part)))
    });
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (field, text) = pair.split_once('=').unwrap();
        (field.to_owned(), decode(text))
    });
    let (content_type, body) = wire.body.unwrap_or_default();
    let content_type = (!content_type.is_empty()).then_some(content_type);
    route.read(path, query, content_type.as_deref(), body)
}

#[test]
fn every_command_arrives_as_it_left() {
    for command in every_command() {
        let route = Route::of(&command);
        let wire = route.write(&command);
        let shown = format!("{wire:?}");
        assert_eq!(arrive(route, wire).unwrap_or_else(|e| panic!("{e}: {shown}")), command);
    }
}

#[test]
fn every_route_is_a_command_and_no_two_are_the_same_request() {
    let mut names: Vec<_> = every_command().iter().map(Command::name).collect();
    names.dedup();
    let mut routed: Vec<_> = ROUTES.iter().map(|route| route.command).collect();
    let mut requests: Vec<_> =
        ROUTES.iter().map(|route| (route.method.as_str(), route.path)).collect();
    for all in [&mut names, &mut routed] {
        all.sort_unstable();
    }
    assert_eq!(names, routed);
    requests.sort_unstable();
    requests.dedup();
    assert_eq!(requests.len(), ROUTES.len());
}

#[test]
fn a_request_cannot_say_two_things() {
    let update = ROUTES.iter().find(|route| route.command == "update").unwrap();
    let path = || [("service".to_owned(), "greeter".to_owned())];
    for body in [
        r#"{"service": "other"}"#,
        r#"{"command": "remove"}"#,
        r#"{"strateggy": "canary"}"#,
        r#"{"rollout": {"strategy": "teleport"}}"#,
        r#"[]"#,
        r#"{"#,
    ] {
        let read = update.read(path(), [], None, Payload(body.into()));
        assert_eq!(read.unwrap_err().code, Code::Usage, "{body}");
    }
    assert!(update.read(path(), [], None, Payload(b"{}"[..].into())).is_ok());
    let logs = ROUTES.iter().find(|route| route.command == "logs").unwrap();
    let after = [("after".to_owned(), "seven".to_owned())];
    let read = logs.read(path(), after, None, Payload::default());
    assert_eq!(read.unwrap_err().code, Code::Usage);
    let bad = [("service".to_owned(), "../x".to_owned())];
    assert!(update.read(bad, [], None, Payload::default()).is_err());
}

/// What is only asked is bounded in time by the client; what changes something never is.
#[test]
fn only_a_question_travels_as_one() {
    for route in ROUTES {
        let asks = route.method == http::Method::GET;
        assert_eq!(route.carries == Carries::Query, asks, "{}", route.command);
    }
}
