//! `Component.toml`: what an author says of a component.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::build::Build;
use crate::capability::{
    Asked, BlobstoreAsk, Determinism, DnsAsk, EnvAsk, FilesAsk, HttpAsk, KeyvalueAsk, Kind,
    ListenAsk, MessagingAsk, NetAsk, ProcessAsk, SecretAsk, ServiceAsk, UNENFORCED_KINDS,
};
use crate::checks;
use crate::instances::Instances;
use crate::limits::Limits;
use crate::name::Name;
use crate::rollout::RolloutSettings;
use crate::routing::RoutingSettings;
use crate::version::Version;

/// The custom section of a component that carries its manifest, as the same TOML text.
pub const MANIFEST_SECTION: &str = "airssys:manifest";

/// A manifest that has been read and checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Name and version.
    pub component: Component,
    /// How to build it.
    pub build: Build,
    /// What it asks for.
    pub asked: Asked,
    /// What one revision may use.
    pub limits: Limits,
    /// How its instances live.
    pub instances: Instances,
    /// What of their surroundings is fixed.
    #[serde(default, skip_serializing_if = "Determinism::is_none")]
    pub determinism: Determinism,
    /// Where it answers.
    pub http: HttpSettings,
    /// What its callers have a say in.
    #[serde(default)]
    pub routing: RoutingSettings,
    /// Defaults of its configuration.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// The default for `update`.
    pub rollout: RolloutSettings,
}

/// The `[component]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its name, and that of its service unless `--name` says otherwise.
    pub name: Name,
    /// Its version.
    pub version: Version,
}

/// The `[http]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// The path under which it answers; `/<service>` unless set.
    pub route: Option<String>,
    /// Whether answers say which service, version and revision made them.
    pub revision_headers: bool,
}

impl HttpSettings {
    /// The longest `route`. It is in the service's record and compared with the path of every request.
    pub const ROUTE_MAX_BYTES: usize = 1024;
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { route: None, revision_headers: true }
    }
}

/// Why a text is no manifest, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(.position.as_ref()))]
pub struct ManifestError {
    /// What is wrong.
    pub message: String,
    /// Where, if it is in one place.
    pub position: Option<ManifestPosition>,
}

/// A place in a manifest, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestPosition {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

impl fmt::Display for ManifestPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

fn place(position: Option<&ManifestPosition>) -> String {
    position.map(|position| format!("{position}: ")).unwrap_or_default()
}

/// The file as it is written. Each table is checked by its own type; what spans tables is checked after.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authored {
    component: Component,
    #[serde(default)]
    build: Build,
    #[serde(default)]
    capabilities: AuthoredCapabilities,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    instances: Instances,
    #[serde(default)]
    determinism: Determinism,
    #[serde(default)]
    http: HttpSettings,
    #[serde(default)]
    routing: RoutingSettings,
    #[serde(default)]
    config: toml::Table,
    #[serde(default)]
    rollout: RolloutSettings,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthoredCapabilities {
    files: Vec<FilesAsk>,
    http: Vec<HttpAsk>,
    net: Vec<NetAsk>,
    dns: Vec<DnsAsk>,
    listen: Vec<ListenAsk>,
    env: Vec<EnvAsk>,
    secrets: Vec<SecretAsk>,
    keyvalue: Vec<KeyvalueAsk>,
    blobstore: Vec<BlobstoreAsk>,
    messaging: Vec<MessagingAsk>,
    services: Vec<ServiceAsk>,
    process: Vec<ProcessAsk>,
    #[serde(flatten)]
    others: toml::Table,
}

impl Manifest {
    /// Reads a `Component.toml`.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let authored: Authored = toml::from_str(text).map_err(|error| ManifestError {
            message: error.message().to_owned(),
            position: error.span().map(|span| position(text, span.start)),
        })?;
        authored.resolve(text)
    }

    /// What a file without a manifest is taken for.
    pub fn unstated(name: Name, version: Version) -> Self {
        Self {
            component: Component { name, version },
            build: Build::default(),
            asked: Asked::unstated(),
            limits: Limits::default(),
            instances: Instances::default(),
            determinism: Determinism::default(),
            http: HttpSettings::default(),
            routing: RoutingSettings::default(),
            config: serde_json::Map::new(),
            rollout: RolloutSettings::default(),
        }
    }
}

/// The key at fault within its table, and what is wrong with it.
pub(crate) type Fault = (&'static str, String, String);

impl Authored {
    fn resolve(self, text: &str) -> Result<Manifest, ManifestError> {
        let at = |(table, key, message): Fault| ManifestError {
            message,
            position: Some(position(text, find_key(text, table, &key))),
        };
        checks::limits(&self.limits).map_err(at)?;
        checks::instances(&self.instances).map_err(at)?;
        checks::keyed_routing(&self.instances, &self.routing).map_err(at)?;
        checks::route(&self.http).map_err(at)?;
        checks::rollout(&self.rollout).map_err(at)?;
        Ok(Manifest {
            component: self.component,
            build: self.build,
            asked: self.capabilities.resolve().map_err(at)?,
            limits: self.limits,
            instances: self.instances,
            determinism: self.determinism,
            http: self.http,
            routing: self.routing,
            config: json_table(self.config)
                .map_err(|message| ManifestError { message, position: None })?,
            rollout: self.rollout,
        })
    }
}

impl AuthoredCapabilities {
    fn resolve(self) -> Result<Asked, Fault> {
        let mut unenforced: Vec<String> = self.others.keys().cloned().collect();
        if let Some(kind) =
            unenforced.iter().find(|kind| !UNENFORCED_KINDS.contains(&kind.as_str()))
        {
            let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            let kinds = kinds.join(", ");
            let message = format!("unknown capability `{kind}`: expected {kinds}");
            return Err(("capabilities", kind.clone(), message));
        }
        let asked = Asked {
            files: self.files,
            http: self.http,
            net: self.net,
            dns: self.dns,
            listen: self.listen,
            env: self.env,
            secrets: self.secrets,
            keyvalue: self.keyvalue,
            blobstore: self.blobstore,
            messaging: self.messaging,
            services: self.services,
            process: self.process,
            unenforced: Vec::new(),
            unstated: false,
        };
        if let Some((kind, message)) = asked.idle() {
            return Err(("capabilities", kind.to_string(), message));
        }
        let named = Kind::ALL.into_iter().filter(|kind| !kind.is_enforced() && asked.names(*kind));
        unenforced.extend(named.map(|kind| kind.to_string()));
        unenforced.sort();
        Ok(Asked { unenforced, ..asked })
    }
}

fn json_table(table: toml::Table) -> Result<serde_json::Map<String, serde_json::Value>, String> {
    table.into_iter().map(|(key, value)| Ok((key, json(value)?))).collect()
}

fn json(value: toml::Value) -> Result<serde_json::Value, String> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .ok_or("[config] has a number that JSON cannot carry (inf or nan)")?
            .into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => {
            items.into_iter().map(json).collect::<Result<Vec<_>, _>>()?.into()
        }
        toml::Value::Table(table) => json_table(table)?.into(),
    })
}

fn position(text: &str, offset: usize) -> ManifestPosition {
    let before = &text[..offset.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ManifestPosition {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// Where a key of a table stands, else the table's head, else the beginning. What is checked after
/// parsing has no span left, so the text is searched; a key written in an unusual way (dotted, inline)
/// is given its table's place.
fn find_key(text: &str, table: &str, key: &str) -> usize {
    let head = format!("[{table}]");
    let (mut at, mut table_at, mut inside) = (0, 0, false);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if trimmed.starts_with('[') {
            inside = trimmed.trim_end().starts_with(&head);
            if inside {
                table_at = at + indent;
            }
        }
        let is_key =
            trimmed.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
        if inside && is_key {
            return at + indent;
        }
        at += line.len();
    }
    table_at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::StepSettings;

    const CONTRACT: &str = r#"
[component]
name = "greeter"
version = "1.2.0"

[build]
language = "rust"

[capabilities]
files   = [{ path = "/data/**", access = ["read"], reason = "word lists" }]
http    = [{ host = "api.example.com", methods = ["GET"], path = "/v1/**", reason = "prices" }]
net     = [{ to = "smtp.example.com:25", protocol = "tcp", reason = "mail" }]
env     = [{ name = "TZ", reason = "dates" }]
keyvalue = [{ bucket = "sessions", access = ["read", "write"], reason = "logins" }]
services = [{ name = "tokenizer", reason = "splitting" }]

[limits]
memory = "64MiB"
time = "5s"
cpu = "1s"
concurrency = 100
queue = 1000

[instances]
model = "fresh"
min = 0
max = 64
max_calls = 0
in_flight = 16

[http]
route = "/greeter"

[config]
greeting = "hello"

[rollout]
strategy = "canary"
steps = [5, 25, 50]
observe = "10s"
"#;

    #[test]
    fn the_promised_file_is_read() {
        let manifest = Manifest::parse(CONTRACT).unwrap();
        assert_eq!(manifest.component.name.as_str(), "greeter");
        assert_eq!(manifest.limits, Limits::default());
        assert!(manifest.asked.unenforced.is_empty());
        assert_eq!(manifest.asked.services[0].name.as_str(), "tokenizer");
        assert_eq!(manifest.config["greeting"], "hello");
        assert_eq!(manifest.rollout.steps, [5.0, 25.0, 50.0].map(StepSettings::Share));
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_column() {
        let cases = [
            ("name = \"greeter\"", "name = \"Greeter\"", 3, 8),
            ("greeting = \"hello\"", "greeting = ", 35, 12),
            ("language = \"rust\"", "langage = \"rust\"", 7, 1),
            ("methods = [\"GET\"]", "methods = [\"get\"]", 11, 1),
            ("env     =", "teleport =", 13, 1),
            ("time = \"5s\"", "time = \"soon\"", 19, 8),
            ("time = \"5s\"", "time = \"300000000000years\"", 19, 1),
            ("cpu = \"1s\"", "cpu = \"0s\"", 20, 1),
            ("concurrency = 100", "concurrency = 0", 21, 1),
            ("queue = 1000", "queue = 1000001", 22, 1),
            ("memory = \"64MiB\"", "memory = \"1TiB\"", 18, 1),
            ("min = 0", "min = 65", 26, 1),
            ("route = \"/greeter\"", "route = \"/../x\"", 32, 1),
        ];
        for (from, to, line, column) in cases {
            let error = Manifest::parse(&CONTRACT.replacen(from, to, 1)).unwrap_err();
            let found = error.position.unwrap_or_else(|| panic!("no place: {error}"));
            assert_eq!((found.line, found.column), (line, column), "{to}: {error}");
        }
    }

    #[test]
    fn a_minimal_file_gets_safe_defaults() {
        let manifest =
            Manifest::parse("[component]\nname = \"a\"\nversion = \"v1.0.0\"\n").unwrap();
        assert!(manifest.asked.is_empty() && !manifest.asked.unstated);
        assert_eq!(manifest.component.version, Version::new(1, 0, 0));
    }
}
