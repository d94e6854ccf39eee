//! Deploying, updating and going back on a real node with real guests, in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm::{Node, NodeSettings, Pooling};
use airssys_wasm_api::command::{
    Deploy, Inspect, Invoke, List, Named, Push, Rollback, RollbackTo, RolloutChoice, Scale, Source,
    Update,
};
use airssys_wasm_api::reply::{
    Deployed, Inspection, Invoked, Outcome, Planned, Pushed, Releases, Removed, Reply,
    RolloutReport, Scaled, ServiceHistory, ServiceStatus, Services, Traffic,
};
use airssys_wasm_api::{By, Code, Command, Failure, Payload};
use airssys_wasm_model::{Digest, Grants, Name, RevisionNumber, Span, StrategyName, Version};
use serde_json::{Map, Value, json};

const V1: Version = Version::new(1, 0, 0);
const V2: Version = Version::new(2, 0, 0);

struct Tested {
    node: Arc<Node>,
    dir: tempfile::TempDir,
}

/// The bytes of a guest that `cargo xtask guests` built.
fn guest(name: &str) -> Vec<u8> {
    let dir =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/target/wasm32-wasip2/release");
    let paths: [PathBuf; 2] =
        [dir.join(format!("{name}.wasm")), dir.join(format!("{}.wasm", name.replace('-', "_")))];
    let found = paths.iter().find_map(|path| std::fs::read(path).ok());
    found.unwrap_or_else(|| panic!("there is no guest {name}: run `cargo xtask guests` first"))
}

/// Other bytes that are the same component: a custom section at the end changes nothing else.
fn relabelled(mut bytes: Vec<u8>, label: u8) -> Vec<u8> {
    bytes.extend([0, 3, 1, b'x', label]);
    bytes
}

/// The component with a manifest embedded, as `airssys-wasm build` does it.
fn with_manifest(mut bytes: Vec<u8>, name: &str, tables: &str) -> Vec<u8> {
    const SECTION: &str = "airssys:manifest";
    let manifest = format!("[component]\nname = \"{name}\"\nversion = \"1.0.0\"\n{tables}");
    bytes.push(0);
    let mut size = 1 + SECTION.len() + manifest.len();
    while size >= 0x80 {
        bytes.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
    bytes.push(SECTION.len() as u8);
    bytes.extend(SECTION.bytes());
    bytes.extend(manifest.bytes());
    bytes
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn named(text: &str) -> Named {
    Named { service: name(text) }
}

fn config(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

async fn open(dir: &Path) -> Arc<Node> {
    let settings = NodeSettings { pooling: Pooling::Never, ..NodeSettings::new(dir) };
    Node::open(settings).await.unwrap()
}

impl Tested {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { node: open(dir.path()).await, dir }
    }

    /// Closes the node as a stop does and opens another over the same directory.
    async fn restarted(self) -> Self {
        let Self { node, dir } = self;
        node.close().await;
        let last = Arc::downgrade(&node);
        drop(node);
        // The directory's lock goes with the last task of the old node.
        while last.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        let mut tries = 0;
        loop {
            let settings =
                NodeSettings { pooling: Pooling::Never, ..NodeSettings::new(dir.path()) };
            match Node::open(settings).await {
                Ok(node) => return Self { node, dir },
                Err(error) if tries > 1_000 => panic!("{error}"),
                Err(_) => {
                    tries += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    async fn act(&self, command: Command) -> Result<Reply, Failure> {
        self.node.act(command, By::unwatched("tester", "a-request")).await
    }

    async fn ask<T: TryFrom<Reply, Error = Failure>>(
        &self,
        command: Command,
    ) -> Result<T, Failure> {
        self.act(command).await?.try_into()
    }

    fn upload(&self, bytes: &[u8]) -> Digest {
        self.node.store().blobs().put(bytes).unwrap()
    }

    fn deployment(&self, service: &str, bytes: &[u8], version: Version) -> Deploy {
        Deploy {
            source: Source::Artifact(self.upload(bytes)),
            name: Some(name(service)),
            version: Some(version),
            config: None,
            grants: Grants::default(),
            grant_asked: true,
            plan_only: false,
        }
    }

    async fn deploy(&self, deploy: Deploy) -> Result<Deployed, Failure> {
        self.ask(Command::Deploy(deploy)).await
    }

    async fn update(&self, update: Update) -> Result<RolloutReport, Failure> {
        self.ask(Command::Update(update)).await
    }

    async fn echo(&self, text: &str) -> Result<String, Failure> {
        let invoke = Invoke {
            service: name("echo"),
            function: None,
            args: Vec::new(),
            input: Payload(text.to_owned().into()),
            content_type: Some("text/plain".to_owned()),
        };
        let invoked: Invoked = self.ask(Command::Invoke(invoke)).await?;
        Ok(String::from_utf8(invoked.output.0.to_vec()).unwrap())
    }

    async fn status(&self, service: &str) -> ServiceStatus {
        self.ask(Command::Status(named(service))).await.unwrap()
    }
}

fn greet(service: &str, greeting: &str, strategy: StrategyName) -> Update {
    Update {
        service: name(service),
        source: None,
        version: None,
        rollout: RolloutChoice {
            strategy: Some(strategy),
            observe: Some(Span(Duration::from_millis(50))),
            hold: Some(Span(Duration::from_secs(600))),
            ..RolloutChoice::default()
        },
        config: Some(config(json!({ "greeting": greeting }))),
        grants: None,
        grant_asked: false,
        detached: false,
        plan_only: false,
    }
}

fn back(to: RollbackTo) -> Command {
    Command::Rollback(Rollback {
        service: name("echo"),
        to,
        rollout: RolloutChoice::default(),
        detached: false,
        plan_only: false,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_is_deployed_updated_and_taken_back_and_a_restart_remembers() {
    let tested = Tested::new().await;
    let mut deploy = tested.deployment("echo", &guest("echo-handler"), V1);
    deploy.config = Some(config(json!({ "greeting": "hello" })));
    let deployed = tested.deploy(deploy).await.unwrap();
    assert_eq!((deployed.revision, deployed.state.as_str()), (RevisionNumber(1), "active"));
    assert_eq!(tested.echo("you").await.unwrap(), "hello, you");

    let strategies = [StrategyName::BlueGreen, StrategyName::Canary, StrategyName::AllAtOnce];
    for (greeting, strategy) in ["hi", "good day", "ahoy"].into_iter().zip(strategies) {
        let report = tested.update(greet("echo", greeting, strategy)).await.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
        assert_eq!(tested.echo("you").await.unwrap(), format!("{greeting}, you"));
    }
    let report: RolloutReport = tested.ask(back(RollbackTo::Former)).await.unwrap();
    assert_eq!((report.from.revision, report.to.revision), (RevisionNumber(4), RevisionNumber(3)));
    assert_eq!(tested.echo("you").await.unwrap(), "good day, you");
    let first = RollbackTo::Revision(RevisionNumber(1));
    tested.ask::<RolloutReport>(back(first)).await.unwrap();

    let tested = tested.restarted().await;
    assert_eq!(tested.echo("you").await.unwrap(), "hello, you");
    let status = tested.status("echo").await;
    assert_eq!(status.active.unwrap().revision, RevisionNumber(1));
    let history: ServiceHistory = tested.ask(Command::History(named("echo"))).await.unwrap();
    assert!(history.0.iter().filter(|line| line.state == "promoted").count() == 6, "{history:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_inside_the_hold_meets_the_revision_still_warm() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    tested.update(greet("echo", "hi", StrategyName::BlueGreen)).await.unwrap();
    let report: RolloutReport = tested.ask(back(RollbackTo::Former)).await.unwrap();
    assert!(report.steps[0].step.starts_with("give r1 100%"), "{:?}", report.steps);
    assert_eq!(tested.echo("you").await.unwrap(), "you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_init_refuses_leaves_what_ran() {
    let tested = Tested::new().await;
    let mut refused = tested.deployment("echo", &guest("echo-handler"), V1);
    refused.config = Some(config(json!({ "reject": true })));
    let failure = tested.deploy(refused.clone()).await.unwrap_err();
    assert_eq!(failure.code, Code::Invalid, "{failure}");
    assert_eq!(tested.status("echo").await.state, "failed");

    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    assert_eq!(tested.deploy(refused).await.unwrap_err().code, Code::Invalid);
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.config = Some(config(json!({ "unknown": 1 })));
    let report = tested.update(update).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Aborted));
    assert!(report.reason.contains("refuses its configuration"), "{}", report.reason);
    assert_eq!(tested.echo("you").await.unwrap(), "you");
    assert_eq!(tested.status("echo").await.state, "active");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_waits_is_steered_and_stands_alone() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.rollout.observe = Some(Span(Duration::from_secs(600)));
    update.detached = true;
    let report = tested.update(update.clone()).await.unwrap();
    assert_eq!(report.outcome, None);
    for second in [
        Command::Update(update),
        back(RollbackTo::Former),
        Command::Deploy(tested.deployment("echo", &guest("echo-handler"), V1)),
    ] {
        let failure = tested.act(second).await.unwrap_err();
        assert!(matches!(failure.code, Code::Conflict | Code::NotFound), "{failure}");
    }
    let paused: RolloutReport = tested.ask(Command::Pause(named("echo"))).await.unwrap();
    assert_eq!(paused.outcome, Some(Outcome::Paused));
    assert_eq!(tested.status("echo").await.state, "paused");
    tested.ask::<RolloutReport>(Command::Resume(named("echo"))).await.unwrap();
    let promoted: RolloutReport = tested.ask(Command::Promote(named("echo"))).await.unwrap();
    assert_eq!(promoted.outcome, Some(Outcome::Promoted));
    assert_eq!(tested.echo("you").await.unwrap(), "hi, you");
    for steer in [Command::Promote, Command::Abort, Command::Pause, Command::Resume] {
        let failure = tested.act(steer(named("echo"))).await.unwrap_err();
        assert_eq!(failure.code, Code::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_restores_what_was_also_after_a_restart() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.rollout.steps = Some(vec![50.0]);
    update.rollout.observe = Some(Span(Duration::from_secs(600)));
    update.detached = true;
    tested.update(update).await.unwrap();
    let tested = tested.restarted().await;
    assert_eq!(tested.status("echo").await.state, "updating");
    let aborted: RolloutReport = tested.ask(Command::Abort(named("echo"))).await.unwrap();
    assert_eq!(aborted.outcome, Some(Outcome::Aborted));
    let traffic: Traffic = tested.ask(Command::Monitor(named("echo"))).await.unwrap();
    let all = traffic.revisions.iter().find(|it| it.revision == RevisionNumber(1)).unwrap();
    assert_eq!(all.weight, 100.0);
    for _ in 0..20 {
        assert_eq!(tested.echo("you").await.unwrap(), "you");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_never_changes() {
    let tested = Tested::new().await;
    let bytes = guest("echo-handler");
    tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
    let other = relabelled(bytes.clone(), 1);
    let push = |digest, version| {
        Command::Push(Push { artifact: digest, name: Some(name("echo")), version: Some(version) })
    };
    let digest = tested.upload(&other);
    assert_eq!(tested.act(push(digest, V1)).await.unwrap_err().code, Code::Conflict);
    let again = tested.deploy(tested.deployment("echo", &other, V1)).await.unwrap_err();
    assert_eq!(again.code, Code::Conflict);
    let pushed: Pushed = tested.ask(push(digest, V2)).await.unwrap();
    assert_eq!(pushed.state, "stored");
    let pushed: Pushed = tested.ask(push(digest, V2)).await.unwrap();
    assert_eq!(pushed.state, "known");
    let versions: Releases = tested.ask(Command::Versions(named("echo"))).await.unwrap();
    assert_eq!(versions.0.iter().map(|it| it.version.clone()).collect::<Vec<_>>(), [V1, V2]);

    let mut update = greet("echo", "hi", StrategyName::AllAtOnce);
    update.source = Some(Source::Release("echo@2.0.0".parse().unwrap()));
    let report = tested.update(update.clone()).await.unwrap();
    assert_eq!(report.to.version, V2);
    update.source = Some(Source::Release("echo@3.0.0".parse().unwrap()));
    assert_eq!(tested.update(update).await.unwrap_err().code, Code::NotFound);
    let report: RolloutReport = tested.ask(back(RollbackTo::Version(V1))).await.unwrap();
    assert_eq!(report.to.revision, RevisionNumber(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_and_not_granted_is_denied_with_the_flag_to_add() {
    let tested = Tested::new().await;
    let asks = "[capabilities]\nenv = [{ name = \"TZ\", reason = \"dates\" }]\n";
    let bytes = with_manifest(guest("echo-handler"), "echo", asks);
    let mut deploy = tested.deployment("echo", &bytes, V1);
    deploy.grant_asked = false;
    let failure = tested.deploy(deploy.clone()).await.unwrap_err();
    assert_eq!(failure.code, Code::Denied);
    assert_eq!(failure.help.as_deref(), Some("add --grant env:TZ"));
    let none: Services = tested.ask(Command::List(List {})).await.unwrap();
    assert_eq!(none, Services::default());
    deploy.grants = Grants(vec!["env:TZ".parse().unwrap()]);
    tested.deploy(deploy).await.unwrap();
    let inspect = Command::Inspect(Inspect { service: name("echo"), revision: None });
    let inspection: Inspection = tested.ask(inspect).await.unwrap();
    assert_eq!(inspection.granted.unwrap().0.len(), 1);
    assert_eq!(inspection.shape, ["handler"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_has_one_service() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("hello", &guest("http-hello"), V1)).await.unwrap();
    assert_eq!(tested.status("hello").await.routes, ["/hello", "hello.localhost"]);
    let taken = with_manifest(guest("http-hello"), "other", "[http]\nroute = \"/hello\"\n");
    let failure = tested.deploy(tested.deployment("other", &taken, V1)).await.unwrap_err();
    assert_eq!(failure.code, Code::Conflict, "{failure}");
    let tested = tested.restarted().await;
    let failure = tested.deploy(tested.deployment("other", &taken, V1)).await.unwrap_err();
    assert_eq!(failure.code, Code::Conflict, "{failure}");
    tested.ask::<Removed>(Command::Remove(named("hello"))).await.unwrap();
    let other = tested.deploy(tested.deployment("other", &taken, V1)).await.unwrap();
    assert_eq!(other.routes, ["/hello", "other.localhost"]);
    let echo = tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    assert!(echo.routes.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_changes_nothing() {
    let tested = Tested::new().await;
    let mut deploy = tested.deployment("echo", &guest("echo-handler"), V1);
    deploy.plan_only = true;
    let planned = tested.deploy(deploy.clone()).await.unwrap();
    assert_eq!((planned.state.as_str(), planned.plan.len()), ("planned", 3));
    let none: Services = tested.ask(Command::List(List {})).await.unwrap();
    assert_eq!(none, Services::default());
    deploy.plan_only = false;
    tested.deploy(deploy).await.unwrap();
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.plan_only = true;
    let planned: Planned = tested.ask(Command::Update(update.clone())).await.unwrap();
    assert_eq!(planned.plan.len(), 11);
    update.rollout.steps = Some(vec![50.0, 5.0]);
    assert_eq!(tested.act(Command::Update(update)).await.unwrap_err().code, Code::Usage);
    assert_eq!(tested.status("echo").await.revisions.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_service_is_gone_and_can_come_back() {
    let tested = Tested::new().await;
    let bytes = guest("echo-handler");
    tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
    tested.ask::<Removed>(Command::Remove(named("echo"))).await.unwrap();
    assert_eq!(tested.act(Command::Status(named("echo"))).await.unwrap_err().code, Code::NotFound);
    let tested = tested.restarted().await;
    assert_eq!(tested.act(Command::Status(named("echo"))).await.unwrap_err().code, Code::NotFound);
    let deployed = tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
    assert_eq!(deployed.revision, RevisionNumber(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scale_is_kept_within_reason() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let scale = |min, max| Command::Scale(Scale { service: name("echo"), min, max });
    let scaled: Scaled = tested.ask(scale(None, Some(3))).await.unwrap();
    assert_eq!(scaled.instances.max, 3);
    assert_eq!(tested.act(scale(Some(4), None)).await.unwrap_err().code, Code::Usage);
    let tested = tested.restarted().await;
    let inspect = Command::Inspect(Inspect { service: name("echo"), revision: None });
    let inspection: Inspection = tested.ask(inspect).await.unwrap();
    assert_eq!(inspection.instances.max, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_component_is_refused_and_nothing_is_left() {
    let tested = Tested::new().await;
    let cut = &guest("echo-handler")[..1_000];
    for bytes in [b"not wasm".as_slice(), b"\0asm\x01\0\0\0", cut] {
        let failure = tested.deploy(tested.deployment("echo", bytes, V1)).await.unwrap_err();
        assert_eq!(failure.code, Code::Invalid, "{failure}");
    }
    let mut missing = tested.deployment("echo", b"x", V1);
    missing.source = Source::Artifact(Digest::of(b"never uploaded"));
    assert_eq!(tested.deploy(missing).await.unwrap_err().code, Code::NotFound);
    let none: Services = tested.ask(Command::List(List {})).await.unwrap();
    assert_eq!(none, Services::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_nothing_enforces_is_refused_by_its_name() {
    let tested = Tested::new().await;
    let asks = "[capabilities]\nnet = [{ to = \"a.example:25\", protocol = \"tcp\", reason = \"mail\" }]\n";
    let bytes = with_manifest(guest("echo-handler"), "echo", asks);
    let failure = tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap_err();
    assert_eq!(failure.code, Code::Denied);
    assert!(failure.message.contains("`net`"), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_keeps_its_state_over_an_update_and_its_calls_are_not_split() {
    let tested = Tested::new().await;
    let actor = "[instances]\nmodel = \"actor\"\n";
    let bytes = with_manifest(guest("counter"), "echo", actor);
    tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
    let first = tested.echo("").await.unwrap();
    let mut update = greet("echo", "", StrategyName::Canary);
    update.config = None;
    assert_eq!(tested.update(update.clone()).await.unwrap_err().code, Code::Usage);
    update.rollout.strategy = Some(StrategyName::BlueGreen);
    let report = tested.update(update).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    let second = tested.echo("").await.unwrap();
    assert_ne!(first, second);
    let tested = tested.restarted().await;
    assert_ne!(tested.echo("").await.unwrap(), second);
}
