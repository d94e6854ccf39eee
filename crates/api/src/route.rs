//! How each command travels over HTTP: one table for the server, the client and the OpenAPI document.
//!
//! A command's JSON fields are spread over the request: those that stand in the path template go there,
//! the others into the query or the body. Reading a request puts them together again, so that no route
//! has code of its own.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::command::{Deploy, Inspect, Invoke, List, Logs, Named, Push, Rollback, Scale, Update};
use crate::reply::{
    Deployed, Inspection, Invoked, LogLines, Planned, Pushed, Releases, Removed, RolloutReport,
    Scaled, ServiceHistory, ServiceStatus, Services, Traffic,
};
use crate::{Code, Command, Failure, Payload, Reply};

/// Where a command's fields travel that do not stand in the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// In the query. All such fields are numbers.
    Query,
    /// In a JSON body.
    Json,
    /// In a JSON body, and the answer may be followed while the command runs (`Accept:
    /// application/x-ndjson`).
    JsonWatched,
    /// The body is the input itself: see [`Invoke`].
    Input,
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
    read_reply: fn(Value) -> Result<Reply, serde_json::Error>,
}

/// A command as it travels.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// The content type and the body, if there is one.
    pub body: Option<(String, Payload)>,
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
    planned::<Update>(
        "update",
        "/v1/services/{service}/update",
        "Roll a service to another release or configuration",
    ),
    planned::<Rollback>(
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
    route::<Named, Removed>(
        "remove",
        Method::DELETE,
        "/v1/services/{service}",
        Carries::Query,
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
];

const fn route<C: JsonSchema, R: JsonSchema + serde::de::DeserializeOwned + Into<Reply>>(
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

/// A rollout, which answers with its plan where only that was asked for.
const fn planned<C: JsonSchema>(
    command: &'static str,
    path: &'static str,
    about: &'static str,
) -> Route {
    let mut route =
        route::<C, RolloutReport>(command, Method::POST, path, Carries::JsonWatched, about);
    route.reply_schema = |generator| {
        let report = generator.subschema_for::<RolloutReport>();
        let plan = generator.subschema_for::<Planned>();
        schemars::json_schema!({ "oneOf": [report, plan] })
    };
    route.read_reply = |value| match value.get("plan") {
        Some(_) => serde_json::from_value::<Planned>(value).map(Into::into),
        None => serde_json::from_value::<RolloutReport>(value).map(Into::into),
    };
    route
}

/// All but what RFC 3986 leaves unreserved: a `/` in a function's name must not end its segment.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Route {
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

    /// A command as this route's request.
    pub fn write(&self, command: &Command) -> Wire {
        if let Command::Invoke(invoke) = command {
            return self.write_invoke(invoke);
        }
        let mut fields = match serde_json::to_value(command) {
            Ok(Value::Object(fields)) => fields,
            // Commands are structs of plain values.
            other => unreachable!("a command is a JSON object, not {other:?}"),
        };
        fields.shift_remove("command");
        let path = self.fill_path(&mut fields);
        match self.carries {
            Carries::Query => {
                Wire { method: self.method.clone(), target: path + &query(&fields), body: None }
            }
            _ => Wire {
                method: self.method.clone(),
                target: path,
                body: Some((
                    "application/json".to_owned(),
                    Payload(Value::Object(fields).to_string().into()),
                )),
            },
        }
    }

    fn fill_path(&self, fields: &mut Map<String, Value>) -> String {
        self.path_fields().fold(self.path.to_owned(), |path, field| {
            let value = fields.shift_remove(field).unwrap_or_default();
            let text = value.as_str().unwrap_or_default();
            let escaped = utf8_percent_encode(text, RESERVED).to_string();
            path.replace(&format!("{{{field}}}"), &escaped)
        })
    }

    fn write_invoke(&self, invoke: &Invoke) -> Wire {
        let path = self.path.replace("{service}", invoke.service.as_str());
        let (target, content_type, body) = match &invoke.function {
            Some(function) => (
                format!("{path}?function={}", utf8_percent_encode(function, RESERVED)),
                "application/json".to_owned(),
                Payload(Value::from(invoke.args.clone()).to_string().into()),
            ),
            None => {
                let content_type = invoke.content_type.clone();
                let content_type = content_type.unwrap_or("application/octet-stream".to_owned());
                (path, content_type, invoke.input.clone())
            }
        };
        Wire { method: self.method.clone(), target, body: Some((content_type, body)) }
    }

    /// A request of this route as the command it says. `path` and `query` are decoded.
    pub fn read(
        &self,
        path: impl IntoIterator<Item = (String, String)>,
        query: impl IntoIterator<Item = (String, String)>,
        content_type: Option<&str>,
        body: Payload,
    ) -> Result<Command, Failure> {
        let mut fields = match self.carries {
            Carries::Query => Map::new(),
            Carries::Json | Carries::JsonWatched => read_object(&body)?,
            Carries::Input => return read_invoke(path, query, content_type, body),
        };
        for (field, text) in query {
            let number = text.parse::<u64>().map_err(|_| {
                Failure::new(Code::Usage, format!("`{field}` is not a number: `{text}`"))
            })?;
            fields.insert(field, number.into());
        }
        for (field, text) in path {
            // The path has named it; a second, different name would be a trap.
            if fields.insert(field.clone(), text.into()).is_some() {
                return Err(Failure::new(
                    Code::Usage,
                    format!("`{field}` stands in the path and can't stand elsewhere"),
                ));
            }
        }
        fields.insert("command".to_owned(), self.command.into());
        serde_json::from_value(Value::Object(fields))
            .map_err(|error| Failure::new(Code::Usage, error))
    }

    /// The answer in this route's JSON.
    pub fn read_reply(&self, value: Value) -> Result<Reply, Failure> {
        (self.read_reply)(value).map_err(|error| {
            Failure::new(Code::Failed, format!("the node's answer cannot be read: {error}"))
                .help("use a client and a node of the same version")
        })
    }
}

fn read_object(body: &Payload) -> Result<Map<String, Value>, Failure> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    let fields: Map<String, Value> = serde_json::from_slice(&body.0).map_err(|error| {
        Failure::new(Code::Usage, format!("the body is not a JSON object: {error}"))
    })?;
    match fields.contains_key("command") {
        true => Err(Failure::new(Code::Usage, "the path names the command; the body can't")),
        false => Ok(fields),
    }
}

/// Apart from the others because its input may be large: it is handed on, not turned into JSON.
fn read_invoke(
    path: impl IntoIterator<Item = (String, String)>,
    query: impl IntoIterator<Item = (String, String)>,
    content_type: Option<&str>,
    input: Payload,
) -> Result<Command, Failure> {
    let usage = |message: String| Failure::new(Code::Usage, message);
    let (_, name) = path.into_iter().next().unwrap_or_default();
    let mut invoke = Invoke {
        service: name.parse().map_err(|error| Failure::from_error(Code::Usage, &error))?,
        function: None,
        args: Vec::new(),
        input,
        content_type: content_type.map(str::to_owned),
    };
    for (field, text) in query {
        match field.as_str() {
            "function" => invoke.function = Some(text),
            _ => return Err(usage(format!("unknown query field `{field}`"))),
        }
    }
    if invoke.function.is_some() {
        let body = std::mem::take(&mut invoke.input);
        invoke.content_type = None;
        if !body.is_empty() {
            invoke.args = serde_json::from_slice(&body.0).map_err(|error| {
                usage(format!("the body is no JSON array of texts: {error}")).help(
                    "send each argument as a WAVE text, for example [\"1\", \"{name: \\\"x\\\"}\"]",
                )
            })?;
        }
    }
    Ok(Command::Invoke(invoke))
}

fn query(fields: &Map<String, Value>) -> String {
    let pairs: Vec<_> = fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(field, value)| format!("{field}={value}"))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use airssys_wasm_model::{RevisionNumber, Span, StrategyName, Version};

    use super::*;
    use crate::command::{RollbackTo, RolloutChoice, Source};

    fn every_command() -> Vec<Command> {
        let service: airssys_wasm_model::Name = "greeter".parse().unwrap();
        let named = || Named { service: service.clone() };
        let digest = airssys_wasm_model::Digest::of(b"");
        let release = "greeter@2.0.0".parse().unwrap();
        let rollout = RolloutChoice {
            strategy: Some(StrategyName::Canary),
            steps: Some(vec![2.5, 50.0]),
            observe: Some(Span(std::time::Duration::from_millis(1500))),
            ..RolloutChoice::default()
        };
        vec![
            Command::Deploy(Deploy {
                source: Source::Artifact(digest),
                name: Some(service.clone()),
                version: Some(Version::new(1, 0, 0)),
                config: serde_json::from_str("{\"a\": {\"b\": [1, null]}}").unwrap(),
                grants: serde_json::from_str("[\"env:TZ\"]").unwrap(),
                grant_asked: true,
                plan_only: false,
            }),
            Command::Push(Push { artifact: digest, name: None, version: None }),
            Command::Versions(named()),
            Command::Update(Update {
                service: service.clone(),
                source: Some(Source::Release(release)),
                version: None,
                rollout: rollout.clone(),
                config: None,
                grants: None,
                grant_asked: false,
                detached: true,
                plan_only: true,
            }),
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
            Command::Remove(named()),
            Command::List(List {}),
            Command::Status(named()),
            Command::History(named()),
            Command::Inspect(Inspect {
                service: service.clone(),
                revision: Some(RevisionNumber(2)),
            }),
            Command::Invoke(Invoke {
                service: service.clone(),
                function: Some("my:pkg/math@1.0.0#add&x".into()),
                args: vec!["1".into(), "{a: \"é\"}".into()],
                input: Payload::default(),
                content_type: None,
            }),
            Command::Invoke(Invoke {
                service: service.clone(),
                function: None,
                args: Vec::new(),
                input: Payload(vec![0xff, 0, b'x'].into()),
                content_type: Some("image/png".into()),
            }),
            Command::Monitor(named()),
            Command::Logs(Logs { service, after: Some(7), tail: None, wait_ms: Some(100) }),
        ]
    }

    /// What a server's router hands over: the path's fields and the query's, decoded.
    fn arrive(route: &Route, wire: Wire) -> Result<Command, Failure> {
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
        };
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
        let bad = [("service".to_owned(), "../x".to_owned())];
        assert!(update.read(bad, [], None, Payload::default()).is_err());
    }
}
