//! A command as an HTTP request, and a request as the command it says.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{Carries, Route};
use crate::command::Invoke;
use crate::{Code, Command, Failure, Payload, Reply};

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

/// What the query field of an entry of an input's metadata begins with.
const METADATA: &str = "metadata.";

/// All but what RFC 3986 leaves unreserved: a `/` in a function's name must not end its segment.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Route {
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
            Carries::Query | Carries::QueryWatched => {
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
            // A name is a text, and what is numbered a number.
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let escaped = utf8_percent_encode(&text, RESERVED).to_string();
            path.replace(&format!("{{{field}}}"), &escaped)
        })
    }

    fn write_invoke(&self, invoke: &Invoke) -> Wire {
        let path = self.path.replace("{service}", invoke.service.as_str());
        let escaped = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let function = invoke.function.iter().map(|it| format!("function={}", escaped(it)));
        let metadata = invoke.metadata.iter();
        let metadata =
            metadata.map(|(name, value)| format!("{METADATA}{}={}", escaped(name), escaped(value)));
        let fields = function.chain(metadata).collect::<Vec<_>>();
        let target = if fields.is_empty() { path } else { format!("{path}?{}", fields.join("&")) };
        let (content_type, body) = match &invoke.function {
            Some(_) => (
                "application/json".to_owned(),
                Payload(Value::from(invoke.args.clone()).to_string().into()),
            ),
            None => {
                let content_type = invoke.content_type.clone();
                let content_type = content_type.unwrap_or("application/octet-stream".to_owned());
                (content_type, invoke.input.clone())
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
            Carries::Query | Carries::QueryWatched => Map::new(),
            Carries::Json | Carries::JsonWatched => read_object(&body)?,
            Carries::Input => return read_invoke(path, query, content_type, body),
        };
        for (field, text) in query {
            let value = text.parse::<u64>().map_or_else(|_| text.into(), Value::from);
            fields.insert(field, value);
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
        metadata: BTreeMap::new(),
    };
    for (field, text) in query {
        match field.as_str() {
            "function" => invoke.function = Some(text),
            field if field.starts_with(METADATA) => {
                invoke.metadata.insert(field[METADATA.len()..].to_owned(), text);
            }
            _ => return Err(usage(format!("unknown query field `{field}`"))),
        }
    }
    if invoke.function.is_some() {
        if !invoke.metadata.is_empty() {
            return Err(usage("a function has no metadata; the handler's input has".to_owned()));
        }
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
        .map(|(field, value)| match value.as_str() {
            Some(text) => format!("{field}={}", utf8_percent_encode(text, RESERVED)),
            None => format!("{field}={value}"),
        })
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}
