//! A `wasi:http/incoming-handler@0.2` service that never heard of us.
//!
//! `/` says hello and its version; `POST /echo` streams the body back; `/harm/…` and the others do what
//! their names say. What each answers stands beside its route.

mod answer;
mod harm;
mod outbound;

use std::time::Duration;
use std::{env, fs, io, thread};

use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

use answer::{Answer, stream_back};

wit_bindgen::generate!({
    path: "../../wit",
    inline: "package example:hello;
        world asides {
            import wasi:logging/logging@0.1.0-draft;
            import wasi:config/store@0.2.0-rc.1;
        }",
    world: "example:hello/asides",
    generate_all,
});

wasip2::http::proxy::export!(Hello);

struct Hello;

impl wasip2::exports::http::incoming_handler::Guest for Hello {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let value = |name: &str| value(query, name);
        let number =
            |name: &str| value(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        match path {
            "/echo" if matches!(request.method(), Method::Post) => stream_back(&request, out),
            "/" => Answer::text(200, hello()).send(out),
            "/version" => Answer::text(200, version()).send(out),
            "/target" => Answer::text(200, format!("{:?} {target}", request.authority())).send(out),
            "/headers" => Answer::text(200, headers(&request)).send(out),
            "/env" => environment(value("name")).send(out),
            "/files" => file(&value("path").unwrap_or_else(|| "/data/x".into())).send(out),
            "/write" => write(&value("path").unwrap_or_else(|| "/data/x".into())).send(out),
            "/outbound" => {
                let method = match value("method").as_deref() {
                    Some("HEAD") => Method::Head,
                    Some("CONNECT") => Method::Connect,
                    _ => Method::Get,
                };
                outbound::ask(&method, &value("url").unwrap_or_default()).send(out);
            }
            "/forward" => outbound::forward(&request, &value("url").unwrap_or_default(), out),
            "/leave" => match outbound::leave(&value("url").unwrap_or_default()) {
                Ok(()) => stream_back(&request, out),
                Err(refused) => refused.send(out),
            },
            "/leave-early" => match outbound::leave_early(&value("url").unwrap_or_default()) {
                Ok(()) => stream_back(&request, out),
                Err(refused) => refused.send(out),
            },
            "/now" => Answer::text(200, now()).send(out),
            "/random" => Answer::text(200, drawn()).send(out),
            "/count" => Answer::text(200, harm::count().to_string()).send(out),
            "/log" => harm::log(out),
            "/spin" => harm::spin(),
            "/trap" => harm::trap(),
            "/exit" => std::process::exit(number("code") as i32),
            "/alloc" => Answer::text(200, harm::allocate(number("mib")).to_string()).send(out),
            "/sleep" => harm::sleep(number("ms"), out),
            "/drip" => harm::drip(number("chunks"), number("ms"), out),
            "/break-off" => harm::break_off(out),
            "/big" => harm::big(number("mib"), out),
            "/silent" => drop(out),
            _ => match path.strip_prefix("/status/").and_then(|code| code.parse().ok()) {
                Some(code) => Answer::text(code, format!("status {code}")).send(out),
                None => Answer::text(404, "no such page").send(out),
            },
        }
    }
}

/// The wall clock, and how far the monotonic clock went between two readings, both in nanoseconds.
fn now() -> String {
    use wasip2::clocks::{monotonic_clock, wall_clock};
    let (wall, before) = (wall_clock::now(), monotonic_clock::now());
    let passed = monotonic_clock::now() - before;
    format!("{} {passed}", u128::from(wall.seconds) * 1_000_000_000 + u128::from(wall.nanoseconds))
}

/// Secure, insecure, and what a hash map is seeded with.
fn drawn() -> String {
    use wasip2::random::{insecure, insecure_seed, random};
    let (secure, weak) = (random::get_random_u64(), insecure::get_insecure_random_u64());
    format!("{secure} {weak} {:?}", insecure_seed::insecure_seed())
}

/// What `/` says. The configuration can let it come late (`sleep_ms`) or never (`trap`).
fn hello() -> String {
    if setting("trap").is_some() {
        harm::trap();
    }
    if let Some(ms) = setting("sleep_ms").and_then(|ms| ms.parse().ok()) {
        thread::sleep(Duration::from_millis(ms));
    }
    let greeting = setting("greeting").unwrap_or_else(|| "hello".into());
    format!("{greeting} {}", version())
}

/// From the configuration, so that one build can play any version; else the environment, else its own.
fn version() -> String {
    setting("version")
        .or_else(|| env::var("VERSION").ok())
        .unwrap_or_else(|| env!("CARGO_PKG_VERSION").into())
}

fn setting(name: &str) -> Option<String> {
    wasi::config::store::get(name).ok().flatten()
}

fn headers(request: &IncomingRequest) -> String {
    let entries = request.headers().entries();
    entries
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value)))
        .collect()
}

fn environment(name: Option<String>) -> Answer {
    match name {
        Some(name) => match env::var(&name) {
            Ok(value) => Answer::text(200, value),
            Err(_) => Answer::text(404, "not set"),
        },
        None => {
            Answer::text(200, env::vars().map(|(k, v)| format!("{k}={v}\n")).collect::<String>())
        }
    }
}

fn file(path: &str) -> Answer {
    fs::read(path).map_or_else(|error| refused(&error), |bytes| Answer::new(200, bytes))
}

fn write(path: &str) -> Answer {
    fs::write(path, "written by the guest")
        .map_or_else(|error| refused(&error), |()| Answer::text(200, "written"))
}

fn refused(error: &io::Error) -> Answer {
    let status = match error.kind() {
        io::ErrorKind::NotFound => 404,
        io::ErrorKind::PermissionDenied => 403,
        _ => 500,
    };
    Answer::text(status, error.to_string())
}

/// A value of the query, its `%XX` decoded.
fn value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
