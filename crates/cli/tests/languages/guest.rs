//! A language's conformance guest, built by the command that users have, and pools of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use airssys_wasm_host::{
    Backends, CallCtx, CallError, Host, HostSettings, Input, Line, LogSink, NoWatch, Output, Pool,
    RequestId, RevisionSpec, StateKeeper,
};
use airssys_wasm_languages::Language;
use airssys_wasm_model::{
    Asked, ByteSize, Determinism, Digest, Grants, InstanceModel, Instances, Limits, RevisionNumber,
    Rights, Span, Version,
};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::common::{Ended, run_with};

/// A language's component as one that is used again and as an actor, and the host that both run in.
pub(crate) struct Guest {
    host: Host,
    pooled: Bytes,
    actor: Bytes,
}

/// How a pool of the guest differs from one with all the defaults.
pub(crate) struct Setting {
    pub(crate) model: InstanceModel,
    pub(crate) config: Value,
    pub(crate) grants: Vec<String>,
    /// Its number as a revision, and the first of its version.
    pub(crate) release: u32,
    pub(crate) state: Option<Arc<dyn StateKeeper>>,
    pub(crate) sink: Arc<Heard>,
}

/// What the guest said during its calls.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<String>>);

/// What a guest may take: what one that only grows has to be recycled at.
const MEMORY: u64 = 256 << 20;

impl Default for Setting {
    fn default() -> Self {
        Self {
            model: InstanceModel::Pooled,
            config: Value::Object(Map::new()),
            grants: Vec::new(),
            release: 1,
            state: None,
            sink: Arc::default(),
        }
    }
}

impl LogSink for Heard {
    fn line(&self, line: Line<'_>) {
        self.0.lock().unwrap().push(format!("{:?} {}", line.source, line.text));
    }
}

impl Heard {
    /// Whether a line holds both.
    pub(crate) fn has(&self, source: &str, text: &str) -> bool {
        let lines = self.0.lock().unwrap();
        lines.iter().any(|line| line.to_lowercase().contains(source) && line.contains(text))
    }
}

impl Guest {
    /// Builds the conformance guest of a language.
    pub(crate) fn built(language: Language) -> Self {
        let built = |model| {
            let project = variant(language, model);
            Bytes::from(std::fs::read(build(language, &project)).unwrap())
        };
        let cache = repository().join("target/tests/languages");
        std::fs::create_dir_all(&cache).unwrap();
        let settings = HostSettings {
            cache_dir: Some(cache),
            pooling: airssys_wasm_host::Pooling::Never,
            ..HostSettings::default()
        };
        let host = Host::new(&settings).unwrap();
        Self { host, pooled: built("pooled"), actor: built("actor") }
    }

    /// A pool of it.
    pub(crate) async fn pool(&self, setting: &Setting) -> Arc<Pool> {
        let prepared = self.host.prepare(self.spec(setting), self.artifact(setting.model)).await;
        Pool::new(prepared.expect("the guest can be prepared"))
    }

    fn artifact(&self, model: InstanceModel) -> Bytes {
        match model {
            InstanceModel::Actor => self.actor.clone(),
            InstanceModel::Fresh | InstanceModel::Pooled => self.pooled.clone(),
        }
    }

    fn spec(&self, setting: &Setting) -> RevisionSpec {
        let grants = setting.grants.iter().map(|text| text.parse().unwrap());
        let rights = Rights::intersect(&Asked::unstated(), &Grants(grants.collect())).unwrap();
        RevisionSpec {
            service: "conformance".parse().unwrap(),
            revision: RevisionNumber(setting.release),
            version: Version::new(setting.release.into(), 0, 0),
            digest: Digest::of(&self.artifact(setting.model)),
            config: setting.config.as_object().unwrap().clone(),
            asked: Arc::new(Asked::unstated()),
            rights: Arc::new(rights),
            limits: Limits {
                memory: ByteSize(MEMORY),
                time: Span(Duration::from_secs(60)),
                cpu: Span(Duration::from_secs(60)),
                ..Limits::default()
            },
            instances: Instances { model: setting.model, max: 4, ..Instances::default() },
            determinism: Determinism::default(),
            sink: setting.sink.clone(),
            watch: Arc::new(NoWatch),
            state: setting.state.clone(),
            backends: Backends::in_memory(),
        }
    }
}

/// The project with this model of instances, as deep below the checkout as it lies: what it names by its way from
/// there is found.
fn variant(language: Language, model: &str) -> PathBuf {
    let from = repository().join("guests/languages").join(language.word());
    let to = repository().join(format!("target/languages/{}-{model}", language.word()));
    clear(&to);
    copy(&from, &to);
    let manifest = to.join("Component.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = format!("{text}\n[instances]\nmodel = \"{model}\"\n");
    std::fs::write(&manifest, text).unwrap();
    to
}

/// What a build makes in a project, and an earlier run's build leaves for the next.
const MADE: [&str; 3] = ["build", "target", "node_modules"];

/// Removes the sources that an earlier run left.
fn clear(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
        let is_folder = entry.file_type().unwrap().is_dir();
        match MADE.iter().any(|made| entry.file_name() == *made) {
            true => {}
            false if is_folder => std::fs::remove_dir_all(entry.path()).unwrap(),
            false => std::fs::remove_file(entry.path()).unwrap(),
        }
    }
}

/// Copies a folder's sources, links as links.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if MADE.iter().any(|made| entry.file_name() == *made) {
            continue;
        }
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&from, &to),
            kind if kind.is_symlink() => {
                std::os::unix::fs::symlink(std::fs::read_link(&from).unwrap(), &to).unwrap();
            }
            _ => {
                std::fs::copy(&from, &to).unwrap();
            }
        }
    }
}

/// The checkout.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Builds a project whose toolchain is fetched first, and gives its component.
pub(crate) fn build(language: Language, project: &Path) -> PathBuf {
    fetch(language);
    let ended = command(&["build", "--project", project.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{language}: {ended:?}");
    PathBuf::from(ended.out.trim())
}

/// Fetches a language's toolchain, one after the other: several stand on the same.
pub(crate) fn fetch(language: Language) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let ended = command(&["toolchain", "install", language.word()]);
    assert_eq!(ended.code, Some(0), "{language}: {ended:?}");
}

/// Runs the command with the tests' own toolchains.
pub(crate) fn command(words: &[&str]) -> Ended {
    command_in(&repository(), words)
}

/// The same in a folder.
pub(crate) fn command_in(dir: &Path, words: &[&str]) -> Ended {
    run_with(words, |command| {
        with_toolchains(command.current_dir(dir));
    })
}

/// Lets a command use the tests' own toolchains.
pub(crate) fn with_toolchains(command: &mut Command) {
    static TOOLCHAINS: OnceLock<PathBuf> = OnceLock::new();
    let toolchains = TOOLCHAINS.get_or_init(|| repository().join("target/toolchains"));
    command
        .env("AIRSSYS_WASM_TOOLCHAINS", toolchains)
        .env("CARGO_TARGET_DIR", repository().join("target/projects"));
}

/// Calls the guest for an operation with these bytes.
pub(crate) async fn call(
    pool: &Arc<Pool>,
    op: &str,
    body: impl Into<Bytes>,
) -> Result<Output, CallError> {
    let metadata = vec![("op".to_owned(), op.to_owned())];
    let input = Input { body: body.into(), content_type: None, metadata };
    call_with(pool, CallCtx::new(RequestId::draw()), input).await
}

/// The same with a context and an input of the caller's own.
pub(crate) async fn call_with(
    pool: &Arc<Pool>,
    context: CallCtx,
    input: Input,
) -> Result<Output, CallError> {
    pool.claim(context).await?.execute(input).await
}
