//! The table: a line a command.

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::command::{
    AddGrants, Audit, AuditStatus, AuditVerify, CreateToken, Deploy, ExplainPolicy, Inspect,
    Invoke, JointUpdate, List, ListSecrets, Logs, Named, NamedSecret, Nothing, Push, RevokeGrants,
    RevokeToken, Rollback, Scale, SetPolicy, SetSecret, SuggestGrants, Update, Updates,
};
use crate::reply::{
    AuditEntries, AuditReport, AuditStanding, Deployed, GrantSuggestion, GrantsReport, Inspection,
    Invoked, JointPlan, JointReport, KeyRotated, LogLines, Planned, PolicyDecision, PolicyReport,
    Pushed, Releases, Removed, RolloutReport, Scaled, SecretList, SecretRemoved, SecretSet,
    ServiceHistory, ServiceStatus, Services, TokenMade, TokenRevoked, Tokens, Traffic,
};
use crate::{Command, Reply};

/// Where a command's fields travel that do not stand in the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// In the query. Each such field is a number, or a text that is no number.
    Query,
    /// In a JSON body.
    Json,
    /// In a JSON body, and the answer may be followed while the command runs (`Accept:
    /// application/x-ndjson`).
    JsonWatched,
    /// In the query, as with `Query`, and the answer may be followed as with `JsonWatched`.
    QueryWatched,
    /// The body is the input itself: see [`Invoke`].
    Input,
}

impl Carries {
    /// Whether the answer may be followed while the command runs.
    pub const fn is_watched(self) -> bool {
        matches!(self, Self::JsonWatched | Self::QueryWatched)
    }
}

/// How one command travels.
pub struct Route {
    /// The command's name.
    pub command: &'static str,
    /// The method.
    pub method: Method,
    /// The path, with the fields that it carries in braces.
    pub path: &'static str,
    /// What it does, for the OpenAPI document.
    pub about: &'static str,
    /// Where the other fields travel.
    pub carries: Carries,
    pub(crate) command_schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) reply_schema: fn(&mut SchemaGenerator) -> Schema,
    pub(super) read_reply: fn(Value) -> Result<Reply, serde_json::Error>,
}

impl Route {
    /// The path of a service's events: no command, because its answer has no end.
    pub const EVENTS: &'static str = "/v1/services/{service}/events";

    /// The path of the audit trail as it is written. Its query is that of `audit`, without a number of entries and
    /// a time to wait.
    pub const AUDIT_EVENTS: &'static str = "/v1/audit/events";

    /// The route of a command.
    pub fn of(command: &Command) -> &'static Self {
        let name = command.name();
        // A test holds every command to the table.
        ROUTES.iter().find(|route| route.command == name).expect("every command has a route")
    }

    /// The names in the path's braces.
    pub fn path_fields(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// Every route of the control port that is a command.
pub static ROUTES: &[Route] = &[
    route::<Deploy, Deployed>(
        "deploy",
        Method::POST,
        "/v1/services",
        Carries::JsonWatched,
        "Store, prepare, start and route a component",
    ),
    route::<Push, Pushed>(
        "push",
        Method::POST,
        "/v1/releases",
        Carries::Json,
        "Store a release without running it",
    ),
    route::<Named, Releases>(
        "versions",
        Method::GET,
        "/v1/releases/{service}",
        Carries::Query,
        "List a component's releases",
    ),
    planned::<Update, RolloutReport, Planned>(
        "update",
        "/v1/services/{service}/update",
        "Roll a service to another release or configuration",
    ),
    planned::<Updates, JointReport, JointPlan>(
        "updates",
        "/v1/updates",
        "Roll several services as one: all of them or none",
    ),
    route::<JointUpdate, JointReport>(
        "update-status",
        Method::GET,
        "/v1/updates/{update}",
        Carries::Query,
        "How an update of several services stands",
    ),
    route::<JointUpdate, JointReport>(
        "abort-update",
        Method::POST,
        "/v1/updates/{update}/abort",
        Carries::JsonWatched,
        "End an update of several services, with the revisions that were active before",
    ),
    planned::<Rollback, RolloutReport, Planned>(
        "rollback",
        "/v1/services/{service}/rollback",
        "Go back to an earlier revision",
    ),
    route::<Named, RolloutReport>(
        "promote",
        Method::POST,
        "/v1/services/{service}/rollout/promote",
        Carries::JsonWatched,
        "Finish the rollout now, with the candidate",
    ),
    route::<Named, RolloutReport>(
        "abort",
        Method::POST,
        "/v1/services/{service}/rollout/abort",
        Carries::JsonWatched,
        "End the rollout now, with the revision that was active before",
    ),
    route::<Named, RolloutReport>(
        "pause",
        Method::POST,
        "/v1/services/{service}/rollout/pause",
        Carries::Json,
        "Stay at the rollout's present step",
    ),
    route::<Named, RolloutReport>(
        "resume",
        Method::POST,
        "/v1/services/{service}/rollout/resume",
        Carries::Json,
        "Go on from where the rollout was paused",
    ),
    route::<Scale, Scaled>(
        "scale",
        Method::POST,
        "/v1/services/{service}/scale",
        Carries::Json,
        "Change how many instances may live",
    ),
    route::<Named, GrantsReport>(
        "grants",
        Method::GET,
        "/v1/services/{service}/grants",
        Carries::Query,
        "What a service asks for and is granted",
    ),
    route::<AddGrants, GrantsReport>(
        "add-grants",
        Method::POST,
        "/v1/services/{service}/grants/add",
        Carries::Json,
        "Allow a service more; its instances that run may do it from then on",
    ),
    route::<RevokeGrants, GrantsReport>(
        "revoke-grants",
        Method::POST,
        "/v1/services/{service}/grants/revoke",
        Carries::Json,
        "Allow a service something no more; its instances that run may not do it from then on",
    ),
    route::<SuggestGrants, GrantSuggestion>(
        "suggest-grants",
        Method::GET,
        "/v1/services/{service}/grants/suggest",
        Carries::Query,
        "The least grants that cover what a service used",
    ),
    route::<Named, Removed>(
        "remove",
        Method::DELETE,
        "/v1/services/{service}",
        Carries::QueryWatched,
        "Drain and delete a service",
    ),
    route::<List, Services>(
        "list",
        Method::GET,
        "/v1/services",
        Carries::Query,
        "List the services",
    ),
    route::<Named, ServiceStatus>(
        "status",
        Method::GET,
        "/v1/services/{service}",
        Carries::Query,
        "What a service is doing",
    ),
    route::<Named, ServiceHistory>(
        "history",
        Method::GET,
        "/v1/services/{service}/history",
        Carries::Query,
        "Every revision a service has had",
    ),
    route::<Inspect, Inspection>(
        "inspect",
        Method::GET,
        "/v1/services/{service}/inspect",
        Carries::Query,
        "What a revision is made of",
    ),
    route::<Invoke, Invoked>(
        "invoke",
        Method::POST,
        "/v1/services/{service}/invoke",
        Carries::Input,
        "Call the handler, or the function that the query names",
    ),
    route::<Named, Traffic>(
        "monitor",
        Method::GET,
        "/v1/services/{service}/traffic",
        Carries::Query,
        "Traffic, latency and errors of each revision, now",
    ),
    route::<Logs, LogLines>(
        "logs",
        Method::GET,
        "/v1/services/{service}/logs",
        Carries::Query,
        "What the guests printed and logged",
    ),
    route::<Nothing, PolicyReport>(
        "show-policy",
        Method::GET,
        "/v1/policy",
        Carries::Query,
        "The policy that the node goes by",
    ),
    route::<SetPolicy, PolicyReport>(
        "set-policy",
        Method::PUT,
        "/v1/policy",
        Carries::Json,
        "Put another policy in the place of the node's",
    ),
    route::<ExplainPolicy, PolicyDecision>(
        "explain-policy",
        Method::POST,
        "/v1/policy/explain",
        Carries::Json,
        "What the policy says of an act, without doing it",
    ),
    route::<CreateToken, TokenMade>(
        "create-token",
        Method::POST,
        "/v1/tokens",
        Carries::Json,
        "Make a token",
    ),
    route::<Nothing, Tokens>(
        "list-tokens",
        Method::GET,
        "/v1/tokens",
        Carries::Query,
        "List the node's tokens",
    ),
    route::<RevokeToken, TokenRevoked>(
        "revoke-token",
        Method::DELETE,
        "/v1/tokens/{token}",
        Carries::QueryWatched,
        "Make a token worth nothing",
    ),
    route::<Audit, AuditEntries>(
        "audit",
        Method::GET,
        "/v1/audit",
        Carries::Query,
        "What was recorded of commands and of what guests did with their rights",
    ),
    route::<AuditVerify, AuditReport>(
        "audit-verify",
        Method::GET,
        "/v1/audit/verify",
        Carries::Query,
        "Check that the audit trail is whole",
    ),
    route::<AuditStatus, AuditStanding>(
        "audit-status",
        Method::GET,
        "/v1/audit/status",
        Carries::Query,
        "What is recorded, and whether it can be",
    ),
    route::<SetSecret, SecretSet>(
        "set-secret",
        Method::PUT,
        "/v1/secrets/{name}",
        Carries::Json,
        "Set a secret; whoever uses it uses the new value from then on",
    ),
    route::<ListSecrets, SecretList>(
        "list-secrets",
        Method::GET,
        "/v1/secrets",
        Carries::Query,
        "List the secrets, without their values",
    ),
    route::<NamedSecret, SecretRemoved>(
        "remove-secret",
        Method::DELETE,
        "/v1/secrets/{name}",
        Carries::QueryWatched,
        "Remove a secret with all its versions",
    ),
    route::<Nothing, KeyRotated>(
        "rotate-secrets-key",
        Method::POST,
        "/v1/keys/secrets/rotate",
        Carries::Json,
        "Draw a new key for the secrets, and seal all of them anew",
    ),
    route::<Nothing, KeyRotated>(
        "rotate-audit-key",
        Method::POST,
        "/v1/keys/audit/rotate",
        Carries::Json,
        "Draw a new key for the audit trail, which follows the one before",
    ),
];

const fn route<C: JsonSchema, R: Answer>(
    command: &'static str,
    method: Method,
    path: &'static str,
    carries: Carries,
    about: &'static str,
) -> Route {
    Route {
        command,
        method,
        path,
        about,
        carries,
        command_schema: C::json_schema,
        reply_schema: |generator| generator.subschema_for::<R>(),
        read_reply: |value| serde_json::from_value::<R>(value).map(Into::into),
    }
}

/// Something that is rolled out, which answers with its plan where only that was asked for. What has begun has
/// an outcome, if only null.
const fn planned<C: JsonSchema, R: Answer, P: Answer>(
    command: &'static str,
    path: &'static str,
    about: &'static str,
) -> Route {
    let mut route = route::<C, R>(command, Method::POST, path, Carries::JsonWatched, about);
    route.reply_schema = |generator| {
        let report = generator.subschema_for::<R>();
        let plan = generator.subschema_for::<P>();
        schemars::json_schema!({ "oneOf": [report, plan] })
    };
    route.read_reply = |value| match value.get("outcome") {
        Some(_) => serde_json::from_value::<R>(value).map(Into::into),
        None => serde_json::from_value::<P>(value).map(Into::into),
    };
    route
}

/// What a route can answer with.
trait Answer: JsonSchema + DeserializeOwned + Into<Reply> {}

impl<A: JsonSchema + DeserializeOwned + Into<Reply>> Answer for A {}
