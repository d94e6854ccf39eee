//! Any request to the control port as the command it says: it is refused, or read into a command that is written as a
//! request of the same route and read again as the same command.
//!
//! An input is a route's command, the fields of its path, its query and its body, a line each; the body is the rest.

#![no_main]

use airssys_wasm_api::{Command, Payload, ROUTES, Route};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (command, path, query) = (text(), text(), text());
    let route = route(&command);
    let body = Payload(parts.next().unwrap_or_default().to_vec().into());
    let named: Vec<_> = route
        .path_fields()
        .zip(path.split('/'))
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .collect();
    let queried = fields(&query);
    let read = route.read(named, queried, Some("application/json"), body);
    let Ok(command) = read else { return };
    assert_eq!(again(route, &command).as_ref(), Ok(&command));
});

/// The route of this command; where there is none, one that its letters come to.
fn route(command: &str) -> &'static Route {
    let sum: usize = command.bytes().map(usize::from).sum();
    let named = ROUTES.iter().find(|route| route.command == command);
    named.unwrap_or(&ROUTES[sum % ROUTES.len()])
}

fn fields(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The command as a client writes it and a node reads it.
fn again(route: &Route, command: &Command) -> Result<Command, String> {
    let wire = route.write(command);
    let (path, query) = wire.target.split_once('?').unwrap_or((&wire.target, ""));
    let mut named = Vec::new();
    for (pattern, segment) in route.path.split('/').zip(path.split('/')) {
        if let Some(field) = pattern.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            let value = percent_decode_str(segment).decode_utf8().map_err(|it| it.to_string())?;
            named.push((field.to_owned(), value.into_owned()));
        }
    }
    let (content_type, body) = wire.body.unwrap_or_default();
    let read = route.read(named, fields(query), Some(&content_type), body);
    read.map_err(|failure| format!("{}: {}", wire.target, failure.message))
}
