//! Who may depend on whom: `model ← {host, deploy, policy, store, request, api} ← node ← cli`, and only
//! `node` introduces host, deploy, policy and store to one another.
//!
//! Cargo refuses cycles but no short cut; this refuses the short cuts.

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::Source;

/// The rooms that never depend on one another.
const APART: [&str; 4] = ["host", "deploy", "policy", "store"];

/// What a room may never depend on, and why. `*` stands for every crate of the project.
const FORBIDDEN: [(&str, &[&str], &str); 10] = [
    ("model", &["*"], "model holds the words everyone shares, so it depends on no one"),
    ("sdk", &["host side"], "a guest never carries the host"),
    ("sdk-macros", &["*"], "macros run at a guest's build"),
    ("api", &["host", "store", "node", "cli"], "a client is not a node"),
    ("host", &["api", "node", "cli"], "dependencies point from node to host"),
    (
        "languages",
        &["host", "deploy", "policy", "store", "request", "api", "node", "cli"],
        "what builds a component runs none",
    ),
    ("deploy", &["api", "node", "cli"], "deploy knows neither wasm, HTTP nor disk"),
    (
        "request",
        &["host", "deploy", "policy", "store", "api", "node", "cli"],
        "a request is read before anything serves it",
    ),
    ("policy", &["api", "node", "cli"], "policy knows neither the disk nor who asks over HTTP"),
    ("store", &["api", "node", "cli"], "dependencies point from node to store"),
];

/// Libraries with one owner, so that what they mean stays in one room.
const OWNED: [(&str, &str, &str); 7] = [
    ("wasmtime", "host", "only host knows wasmtime"),
    ("wasmtime-wasi", "host", "only host knows wasmtime"),
    ("wasmtime-wasi-http", "host", "only host knows wasmtime"),
    ("cedar-policy", "policy", "only policy knows Cedar"),
    ("redb", "store", "only store knows the disk's format"),
    ("wit-bindgen-c", "languages", "only languages knows how bindings are made"),
    ("wit-bindgen-go", "languages", "only languages knows how bindings are made"),
];

/// Findings in every room's `Cargo.toml`.
pub(super) fn check(sources: &[Source]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(room) = room_of(&source.path) else { continue };
        let manifest: Table =
            source.text.parse().with_context(|| format!("{} is not TOML", source.path))?;
        let named = dependencies(&manifest);
        findings.extend(broken(room, &named).map(|why| format!("{}: {why}", source.path)));
    }
    Ok(findings)
}

fn broken<'a>(room: &'a str, named: &'a [String]) -> impl Iterator<Item = String> + 'a {
    let rooms: Vec<&str> = named.iter().filter_map(|name| room_named(name)).collect();
    let apart: Vec<&str> = rooms.iter().copied().filter(|room| APART.contains(room)).collect();
    let mut why = Vec::new();
    if APART.contains(&room) && !apart.is_empty() {
        why.push(format!("{room} depends on {}; only node introduces them", apart.join(", ")));
    }
    if !APART.contains(&room) && apart.len() > 1 && room != "node" {
        why.push(format!("{room} joins {}; only node introduces them", apart.join(" and ")));
    }
    for (_, forbidden, reason) in FORBIDDEN.iter().filter(|(name, ..)| *name == room) {
        for dependency in rooms.iter().filter(|dependency| is_in(forbidden, dependency)) {
            why.push(format!("{room} depends on {dependency}; {reason}"));
        }
    }
    for (library, owner, reason) in OWNED {
        if room != owner && named.iter().any(|name| name == library) {
            why.push(format!("{room} depends on {library}; {reason}"));
        }
    }
    why.into_iter()
}

fn is_in(forbidden: &[&str], dependency: &str) -> bool {
    forbidden.iter().any(|entry| match *entry {
        "*" => true,
        "host side" => !["sdk", "sdk-macros"].contains(&dependency),
        name => name == dependency,
    })
}

/// `crates/host/Cargo.toml` → `host`.
fn room_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml").filter(|room| !room.contains('/'))
}

/// A crate of the project → its room.
fn room_named(crate_name: &str) -> Option<&str> {
    match crate_name {
        "airssys-wasm" => Some("node"),
        "airssys-wasm-component" => Some("sdk-macros"),
        name => name.strip_prefix("airssys-wasm-"),
    }
}

/// Every dependency a manifest names: normal, dev, build and per target.
fn dependencies(manifest: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in manifest {
        let Value::Table(table) = value else { continue };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" => {
                names.extend(table.iter().map(|(name, value)| renamed(name, value)));
            }
            "target" => {
                let targets = table.values().filter_map(Value::as_table);
                names.extend(targets.flat_map(dependencies));
            }
            _ => {}
        }
    }
    names
}

/// `airssys_host = { package = "airssys-wasm-host" }` hides nothing.
fn renamed(name: &str, value: &Value) -> String {
    value.get("package").and_then(Value::as_str).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(room: &str, manifest: &str) -> Vec<String> {
        let manifest: Table = manifest.parse().expect("toml");
        broken(room, &dependencies(&manifest)).collect()
    }

    #[test]
    fn a_short_cut_between_rooms_is_found_wherever_it_stands() {
        let dev = "[dev-dependencies]\nairssys-wasm-store.workspace = true";
        assert_eq!(findings("host", dev).len(), 1);
        let target = "[target.'cfg(unix)'.dependencies]\nairssys-wasm-host = \"1\"";
        assert_eq!(findings("deploy", target).len(), 1);
        let hidden = "[dependencies]\nh = { package = \"airssys-wasm-host\" }";
        assert_eq!(findings("store", hidden).len(), 1);
    }

    #[test]
    fn node_may_join_what_cli_may_not() {
        let both = "[dependencies]\nairssys-wasm-host = \"1\"\nairssys-wasm-store = \"1\"";
        assert!(findings("node", both).is_empty());
        assert_eq!(findings("cli", both).len(), 1);
    }

    #[test]
    fn a_guests_sdk_never_carries_the_host() {
        assert_eq!(findings("sdk", "[dependencies]\nairssys-wasm-model = \"1\"").len(), 1);
        let macros = "[dependencies]\nairssys-wasm-component = \"1\"";
        assert!(findings("sdk", macros).is_empty());
    }
}
