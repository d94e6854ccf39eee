//! The world of one project: the exports of its kind, and those imports that its files name.
//!
//! The tool imports all that its world has, used or not. The SDK's modules for the host are loaded by nothing but an
//! import that names them, so that the files say which there are.

use std::fmt::Write;
use std::io;
use std::path::Path;

use crate::ComponentKind;
use crate::build::Job;
use crate::project::SDK_DIR;

/// What the world is called, beside those of the contract.
pub(super) const NAME: &str = "project";

/// The SDK's modules, and what each imports.
const MODULES: &[(&str, &[&str])] = &[
    ("config", &["wasi:config/store@0.2.0-rc.1"]),
    ("http", &["wasi:http/types@0.2.12", "wasi:http/outgoing-handler@0.2.12"]),
    (LOG, &["wasi:logging/logging@0.1.0-draft"]),
    ("keyvalue", &["wasi:keyvalue/store@0.2.0-draft2", "wasi:keyvalue/atomics@0.2.0-draft2"]),
    ("process", &["airssys:component/process@0.1.0"]),
    ("services", &["airssys:component/services@0.1.0"]),
];

/// The module that lines of the log go through, whether files name it or not; a command says its lines to standard error.
const LOG: &str = "log";

/// Writes it into the folder of the contract, as a further file of its package.
pub(super) fn write(job: &Job<'_>, source: &Path, vendor: &Path) -> io::Result<()> {
    let mut named = Vec::new();
    find(source, &mut named)?;
    find(vendor, &mut named)?;
    std::fs::write(job.wit().join("project.wit"), text(job, &named))
}

fn text(job: &Job<'_>, named: &[&str]) -> String {
    let mut world = format!("package airssys:sdk@0.1.0;\n\nworld {NAME} {{\n");
    let logs = job.kind != ComponentKind::Cli;
    let used = |module: &str| named.contains(&module) || (module == LOG && logs);
    let modules = MODULES.iter().filter(|(module, _)| used(module));
    for import in modules.flat_map(|(_, imports)| imports.iter()) {
        // A string takes all that is written to it.
        let _ = writeln!(world, "    import {import};");
    }
    for export in job.exports() {
        let _ = writeln!(world, "    export {export};");
    }
    world + "}\n"
}

/// Which of the SDK's modules are named by the files below a folder, the SDK's own aside.
fn find(dir: &Path, named: &mut Vec<&'static str>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != SDK_DIR) {
            find(&path, named)?;
        } else if path.extension().is_some_and(|extension| extension == "py") {
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            let used = MODULES.iter().map(|(module, _)| *module);
            named.extend(used.filter(|module| imports(&text, module)));
        }
    }
    Ok(())
}

/// Whether a file imports this module of the SDK: `import airssys.http`, `from airssys.http import get`, or
/// `from airssys import keyvalue, http` on a line or in parentheses.
fn imports(text: &str, module: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let whole = format!("{SDK_DIR}.{module}");
    if text.match_indices(&whole).any(|(at, _)| !text[at + whole.len()..].starts_with(is_word)) {
        return true;
    }
    let from = format!("from {SDK_DIR} import");
    text.match_indices(&from).any(|(at, _)| {
        let rest = text[at + from.len()..].trim_start_matches([' ', '\\', '\n', '\r']);
        let end = if rest.starts_with('(') { ')' } else { '\n' };
        rest.split(end).next().unwrap_or_default().split(|c| !is_word(c)).any(|word| word == module)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_of_the_sdk_is_seen_however_it_is_imported() {
        for text in [
            "import airssys.http\n",
            "from airssys.http import get",
            "from airssys import keyvalue, http\n",
            "from airssys import (\n    keyvalue,\n    http as web,\n)\n",
        ] {
            assert!(imports(text, "http"), "{text}");
        }
    }

    #[test]
    fn a_module_that_is_not_the_sdks_is_not() {
        for text in ["import http", "from airssys import Input\nimport http\n", "airssys.https()"] {
            assert!(!imports(text, "http"), "{text}");
        }
    }
}
