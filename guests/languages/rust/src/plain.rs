//! The ops that need nothing of the host.

use std::hint::black_box;

use airssys_wasm_sdk::prelude::*;
use airssys_wasm_sdk::serde_json::Value;

pub(crate) fn echo(input: ComponentInput) -> ComponentOutput {
    let kept = input.all_metadata().iter().filter(|(name, _)| !name.eq_ignore_ascii_case("op"));
    let metadata: Vec<_> = kept.cloned().collect();
    let content_type = input.content_type().map(str::to_owned);
    let mut output = ComponentOutput::new(input.into_bytes());
    if let Some(content_type) = content_type {
        output = output.with_content_type(content_type);
    }
    for (name, value) in metadata {
        output = output.with_metadata(name, value);
    }
    output
}

pub(crate) fn upper(input: &ComponentInput) -> ComponentResult {
    let text = str::from_utf8(input.bytes());
    Ok(text.map_err(|_| ComponentError::invalid_input("not UTF-8"))?.to_uppercase().into())
}

pub(crate) fn fill(input: &ComponentInput) -> ComponentResult {
    Ok(ComponentOutput::new((0..251).cycle().take(number(input)?).collect::<Vec<u8>>()))
}

pub(crate) fn sum(input: &ComponentInput) -> ComponentResult {
    let numbers: Vec<i64> = input.json()?;
    Ok(numbers.into_iter().map(i128::from).sum::<i128>().to_string().into())
}

pub(crate) fn error(input: &ComponentInput) -> ComponentResult {
    let kind = input.text()?;
    let error = match kind {
        "invalid-input" => ComponentError::invalid_input,
        "invalid-config" => ComponentError::invalid_config,
        "denied" => ComponentError::denied,
        "unavailable" => ComponentError::unavailable,
        "failed" => ComponentError::failed,
        _ => return Err(ComponentError::invalid_input(format!("no kind called {kind}"))),
    };
    Err(error(format!("as asked: {kind}")))
}

/// So many MiB, each byte of them written.
pub(crate) fn allocate(input: &ComponentInput) -> ComponentResult {
    black_box(vec![1_u8; number(input)? << 20]);
    Ok("ok".into())
}

pub(crate) fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

pub(crate) fn config(config: &ComponentConfig) -> ComponentResult {
    let mut all = Value::Object(config.as_map().clone());
    all.sort_all_objects();
    ComponentOutput::json(&all)
}

fn number(input: &ComponentInput) -> Result<usize, ComponentError> {
    let text = input.text()?.trim();
    text.parse().map_err(|_| ComponentError::invalid_input(format!("{text} is no number")))
}
