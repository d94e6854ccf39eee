//! The OpenAPI document, assembled from the route table and the types' own schemas.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::reply::{AuditEntry, ServiceEvent, Stored};
use crate::route::{Carries, ROUTES, Route};
use crate::{Event, Problem};

/// The OpenAPI 3.1 document of the control port.
pub fn openapi() -> Value {
    // 3.1 takes JSON Schema 2020-12 as it is; only the place of the definitions is its own.
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut paths = Map::new();
    for route in ROUTES {
        let operation = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation;
    }
    paths.insert("/v1/artifacts".into(), json!({ "post": upload(&mut generator) }));
    paths.insert(Route::EVENTS.into(), json!({ "get": events(&mut generator) }));
    paths.insert(Route::AUDIT_EVENTS.into(), json!({ "get": audit_events(&mut generator) }));
    paths.extend(open_paths());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "airssys-wasm control API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": generator.take_definitions(true),
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut fields = (route.command_schema)(generator);
    let reply = (route.reply_schema)(generator);
    let mut parameters: Vec<_> = route
        .path_fields()
        .map(|field| parameter("path", field, &take(&mut fields, field)))
        .collect();
    let mut operation = json!({ "operationId": route.command, "summary": route.about });
    let mut answer = json!({ "application/json": { "schema": reply } });
    match route.carries {
        Carries::Query | Carries::QueryWatched => {
            for field in field_names(&fields) {
                parameters.push(parameter("query", &field, &take(&mut fields, &field)));
            }
        }
        Carries::Json => operation["requestBody"] = json_body(&fields),
        Carries::JsonWatched => operation["requestBody"] = json_body(&fields),
        Carries::Input => {
            parameters.push(parameter("query", "function", &take(&mut fields, "function")));
            parameters.push(json!({
                "in": "query",
                "name": "metadata.NAME",
                "description": "an entry of the input's metadata, named NAME",
                "schema": { "type": "string" },
            }));
            operation["requestBody"] = json!({ "content": {
                "*/*": { "description": "the handler's input", "schema": {} },
                "application/json": {
                    "description": "with `function`: its arguments as WAVE texts",
                    "schema": { "type": "array", "items": { "type": "string" } },
                },
            }});
            answer = json!({ "*/*": {
                "description": "the handler's output, or a function's result as WAVE text",
                "schema": {},
            }});
        }
    }
    if route.carries.is_watched() {
        answer["application/x-ndjson"] = json!({
            "description": "events while the command runs, then `{\"reply\": …}` or \
                `{\"error\": …}` as the last line",
            "schema": generator.subschema_for::<Event>(),
        });
    }
    operation["parameters"] = parameters.into();
    operation["responses"] = responses(answer, generator);
    operation
}

fn upload(generator: &mut SchemaGenerator) -> Value {
    let stored = generator.subschema_for::<Stored>();
    json!({
        "operationId": "upload",
        "summary": "Store a component's bytes; deploy, push and update name them by the digest",
        "requestBody": { "required": true, "content": {
            "application/wasm": { "schema": {} },
        }},
        "responses": responses(json!({ "application/json": { "schema": stored } }), generator),
    })
}

fn events(generator: &mut SchemaGenerator) -> Value {
    let event = generator.subschema_for::<ServiceEvent>();
    let service = generator.subschema_for::<airssys_wasm_model::Name>().to_value();
    let answer = json!({ "text/event-stream": {
        "description": "Server-Sent Events without end, the data of each a JSON object; a slow reader is \
            told how things stand and not each way there",
        "schema": event,
    }});
    json!({
        "operationId": "events",
        "summary": "What happens to a service's rollouts, while it happens",
        "parameters": [parameter("path", "service", &service)],
        "responses": responses(answer, generator),
    })
}

fn audit_events(generator: &mut SchemaGenerator) -> Value {
    let entry = generator.subschema_for::<AuditEntry>();
    let answer = json!({ "text/event-stream": {
        "description": "Server-Sent Events, the number of each its entry's and the data of each the entry; the stream \
            ends now and then, and goes on with `after_seq` or the header `last-event-id`",
        "schema": entry,
    }});
    let route =
        ROUTES.iter().find(|route| route.command == "audit").expect("a test has each command");
    let mut fields = (route.command_schema)(generator);
    let mut names = field_names(&fields);
    names.retain(|name| !matches!(name.as_str(), "limit" | "wait_ms"));
    let parameters: Vec<_> =
        names.iter().map(|field| parameter("query", field, &take(&mut fields, field))).collect();
    json!({
        "operationId": "audit-events",
        "summary": "What is recorded in the audit trail, while it is",
        "parameters": parameters,
        "responses": responses(answer, generator),
    })
}

/// What is answered without a token or is no JSON of ours.
fn open_paths() -> Map<String, Value> {
    let plain = |about: &str, content_type: &str, security: Value| {
        let mut content = Map::new();
        content.insert(content_type.to_owned(), json!({ "schema": {} }));
        json!({ "get": {
            "summary": about,
            "security": security,
            "responses": { "200": { "description": "so it is", "content": content } },
        }})
    };
    let mut paths = Map::new();
    paths.insert("/healthz".into(), plain("The process answers", "text/plain", json!([])));
    paths.insert("/readyz".into(), plain("The node takes calls", "text/plain", json!([])));
    let token = json!([{ "token": [] }]);
    paths.insert("/metrics".into(), plain("Prometheus metrics", "text/plain", token.clone()));
    paths.insert("/v1/openapi.json".into(), plain("This document", "application/json", token));
    paths
}

fn responses(answer: Value, generator: &mut SchemaGenerator) -> Value {
    let problem = generator.subschema_for::<Problem>();
    json!({
        "200": { "description": "done", "content": answer },
        "default": {
            "description": "not done",
            "content": { (Problem::CONTENT_TYPE): { "schema": problem } },
        },
    })
}

fn json_body(fields: &Schema) -> Value {
    json!({ "content": { "application/json": { "schema": fields } } })
}

fn field_names(fields: &Schema) -> Vec<String> {
    let properties = fields.get("properties").and_then(Value::as_object);
    properties.map(|all| all.keys().cloned().collect()).unwrap_or_default()
}

/// Takes a field's schema out of its struct's.
fn take(fields: &mut Schema, field: &str) -> Value {
    let Some(object) = fields.as_object_mut() else { return Value::Null };
    if let Some(Value::Array(required)) = object.get_mut("required") {
        required.retain(|one| one != field);
    }
    object
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .and_then(|properties| properties.shift_remove(field))
        .unwrap_or_default()
}

fn parameter(place: &str, name: &str, schema: &Value) -> Value {
    json!({ "in": place, "name": name, "required": place == "path", "schema": schema })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_as_it_was() {
        insta::assert_json_snapshot!(openapi());
    }

    #[test]
    fn every_reference_resolves() {
        let document = openapi();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
        }
    }
}
