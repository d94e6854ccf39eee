//! The ops that ask the host for something.

use airssys_wasm_sdk::http::Request;
use airssys_wasm_sdk::keyvalue::Bucket;
use airssys_wasm_sdk::log::Level;
use airssys_wasm_sdk::prelude::*;
use airssys_wasm_sdk::{log, serde_json, settings};

pub(crate) fn log(input: &ComponentInput) -> ComponentResult {
    let [level, text] = words(input)?;
    let level = match level {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        "error" => Level::Error,
        "critical" => Level::Critical,
        _ => return Err(ComponentError::invalid_input(format!("no level called {level}"))),
    };
    log::line(level, "conformance", format_args!("{text}"));
    Ok("logged".into())
}

pub(crate) fn context(context: &CallContext) -> ComponentResult {
    ComponentOutput::json(&serde_json::json!({
        "request_id": context.request_id(),
        "trace_parent": context.trace_parent(),
        "deadline_ns": context.time_left().map(|left| left.as_nanos() as u64),
        "caller": context.caller(),
        "attempt": context.attempt(),
    }))
}

pub(crate) fn env(input: &ComponentInput) -> ComponentResult {
    let value = settings::get(input.text()?)?;
    Ok(value.ok_or_else(|| ComponentError::invalid_input("not set"))?.into())
}

pub(crate) fn kv_set(input: &ComponentInput) -> ComponentResult {
    let [bucket, key, value] = words(input)?;
    Bucket::open(bucket)?.set(key, value)?;
    Ok("ok".into())
}

pub(crate) fn kv_get(input: &ComponentInput) -> ComponentResult {
    let [bucket, key] = words(input)?;
    let value = Bucket::open(bucket)?.get(key)?;
    Ok(ComponentOutput::new(value.ok_or_else(|| ComponentError::invalid_input("no such key"))?))
}

pub(crate) fn kv_delete(input: &ComponentInput) -> ComponentResult {
    let [bucket, key] = words(input)?;
    Bucket::open(bucket)?.delete(key)?;
    Ok("ok".into())
}

pub(crate) fn kv_increment(input: &ComponentInput) -> ComponentResult {
    let [bucket, key, delta] = words(input)?;
    let delta = delta.parse();
    let delta = delta.map_err(|_| ComponentError::invalid_input("the third word is no number"))?;
    Ok(Bucket::open(bucket)?.increment(key, delta)?.to_string().into())
}

pub(crate) fn kv_list(input: &ComponentInput) -> ComponentResult {
    let bucket = Bucket::open(input.text()?)?;
    let mut keys = bucket.keys().collect::<Result<Vec<_>, _>>()?;
    keys.sort();
    Ok(keys.join("\n").into())
}

pub(crate) fn http(input: &ComponentInput) -> ComponentResult {
    let text = input.text()?;
    let [method, url, body] = match text.matches(' ').count() {
        1 => {
            let [method, url] = words(input)?;
            [method, url, ""]
        }
        _ => words(input)?,
    };
    let response = Request::new(method, url).body(body).send()?;
    let mut answer = format!("{} ", response.status).into_bytes();
    answer.extend(response.body);
    Ok(ComponentOutput::new(answer))
}

/// So many words; the last one is what is left, spaces and all.
fn words<const N: usize>(input: &ComponentInput) -> Result<[&str; N], ComponentError> {
    let words: Vec<&str> = input.text()?.splitn(N, ' ').collect();
    words.try_into().map_err(|_| ComponentError::invalid_input(format!("{N} words are wanted")))
}
