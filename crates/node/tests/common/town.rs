//! A node whose services call one another.

use std::time::Duration;

use airssys_wasm::Server;
use airssys_wasm_api::command::{Audit, Deploy, Invoke, Source, Update};
use airssys_wasm_api::reply::{AuditEntries, AuditEntry, Invoked, Reply, ServiceStatus, Traffic};
use airssys_wasm_api::{By, Command, Failure, Payload};
use airssys_wasm_model::{Grants, PauseFor, Span, StepAct, StepSettings, StrategyName};
use reqwest::{Client, Response};
use serde_json::json;

use super::{V1, V2, config, greet, guest, name, named, relabelled, until, with_manifest};

/// An actor without a key.
pub(crate) const ONE: &str = "[instances]\nmodel = \"actor\"\n";

/// A node, and a client of its HTTP door.
pub(crate) struct Town {
    pub(crate) server: Server,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Town {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = super::server(dir.path()).await;
        Self { server, client: Client::new(), _dir: dir }
    }

    pub(crate) async fn act(&self, command: Command) -> Result<Reply, Failure> {
        self.server.node().act(command, By::unwatched("tester", "a-request")).await
    }

    pub(crate) async fn ask<T: TryFrom<Reply, Error = Failure>>(&self, command: Command) -> T {
        self.act(command).await.unwrap().try_into().unwrap()
    }

    pub(crate) fn upload(&self, bytes: &[u8]) -> Source {
        Source::Artifact(self.server.node().store().blobs().put(bytes).unwrap())
    }

    /// Deploys a guest with this in its manifest and these grants.
    pub(crate) async fn deploy(
        &self,
        service: &str,
        component: &str,
        tables: &str,
        grants: &[&str],
    ) {
        let asks: String = grants.iter().map(|grant| ask(grant)).collect();
        let bytes = with_manifest(guest(component), service, &format!("{asks}{tables}"));
        let deploy = Deploy {
            version: Some(V1),
            grants: Grants(grants.iter().map(|grant| grant.parse().unwrap()).collect()),
            ..Deploy::of(self.upload(&bytes))
        };
        self.act(Command::Deploy(deploy)).await.unwrap();
    }

    pub(crate) async fn at(&self, service: &str, path: &str) -> Response {
        let url = format!("{}/{service}{path}", self.server.http());
        self.client.get(url).send().await.unwrap()
    }

    pub(crate) async fn get(&self, service: &str, path: &str) -> (u16, String) {
        let answer = self.at(service, path).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Calls a handler for this user.
    pub(crate) async fn say(&self, service: &str, user: &str, text: &str) -> String {
        let invoke = Invoke {
            service: name(service),
            function: None,
            args: Vec::new(),
            input: Payload(text.to_owned().into()),
            content_type: None,
            metadata: [("x-user".to_owned(), user.to_owned())].into(),
        };
        let invoked: Invoked = self.ask(Command::Invoke(invoke)).await;
        String::from_utf8(invoked.output.0.to_vec()).unwrap()
    }

    pub(crate) async fn trail(&self, asked: Audit) -> Vec<AuditEntry> {
        let asked = Audit { limit: Some(Audit::MAX_LIMIT), ..asked };
        self.ask::<AuditEntries>(Command::Audit(asked)).await.entries
    }

    /// Puts `shop`, whose r1 is active, under a canary whose r2 has this share, and waits.
    pub(crate) async fn canary(&self, share: StepSettings) {
        let mut update = greet("shop", "", StrategyName::Canary);
        let pause = StepAct::Pause(PauseFor::UntilPromoted).into();
        update.rollout.steps = Some(vec![share, pause]);
        update.rollout.observe = Some(Span(Duration::from_secs(600)));
        let source = Some(self.upload(&relabelled(guest("http-hello"), 2)));
        let settings = Some(config(json!({ "version": "2" })));
        let update =
            Update { source, version: Some(V2), config: settings, detached: true, ..update };
        self.act(Command::Update(update)).await.unwrap();
        let at_work = async || {
            let status: ServiceStatus = self.ask(Command::Status(named("shop"))).await;
            status.revisions.iter().any(|line| line.revision.0 == 2)
                && (status.revisions.iter().any(|line| line.revision.0 == 2 && line.weight > 0.0)
                    || !status.rules.is_empty())
        };
        until("r2 has its share", at_work).await;
    }

    pub(crate) async fn calls(&self, service: &str) -> u64 {
        let traffic: Traffic = self.ask(Command::Monitor(named(service))).await;
        traffic.revisions.iter().map(|line| line.calls).sum()
    }
}

/// What a manifest asks for, to be granted this.
fn ask(grant: &str) -> String {
    if let Some(host) = grant.strip_prefix("http:") {
        return format!("[[capabilities.http]]\nhost = \"{host}\"\nreason = \"tests\"\n");
    }
    let scope = grant.strip_prefix("services:").expect("a grant of a service or a host");
    let (service, function) = scope.split_once('#').unwrap_or((scope, ""));
    let function = match function {
        "" => String::new(),
        function => format!("function = \"{function}\"\n"),
    };
    format!("[[capabilities.services]]\nname = \"{service}\"\n{function}reason = \"tests\"\n")
}
