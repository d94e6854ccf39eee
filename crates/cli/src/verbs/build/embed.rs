//! The manifest inside the `.wasm`: merged with what the code asks for, then written into the sections that
//! nodes and other tools read.

use airssys_wasm_host::{Required, RequiredCapability};
use airssys_wasm_model::{Access, Asked, Component, MANIFEST_SECTION, Version};
use anyhow::Context as _;
use toml::{Table, Value};
use wasm_metadata::{AddMetadata, AddMetadataField};

/// The manifest with what the code asks for and the manifest does not. The text stays as it was written
/// where nothing changes.
pub(super) fn merged(
    text: &str,
    asked: &Asked,
    by_code: &[Required],
    version: Option<&Version>,
) -> anyhow::Result<String> {
    let missing: Vec<_> = by_code.iter().filter(|ask| !is_asked(asked, ask)).collect();
    if missing.is_empty() && version.is_none() {
        return Ok(text.to_owned());
    }
    let mut manifest: Table = text.parse()?;
    for ask in missing {
        add(&mut manifest, ask)?;
    }
    if let Some(version) = version {
        table(&mut manifest, "component")?.insert("version".into(), version.to_string().into());
    }
    Ok(toml::to_string(&manifest)?)
}

fn is_asked(asked: &Asked, by_code: &Required) -> bool {
    let files = |path: &str, access| {
        asked.files.iter().any(|ask| dir(&ask.path) == dir(path) && ask.access.contains(&access))
    };
    match &by_code.capability {
        RequiredCapability::FileRead(path) => files(path, Access::Read),
        RequiredCapability::FileWrite(path) => files(path, Access::Write),
        RequiredCapability::NetworkOutbound(host) => {
            asked.http.iter().any(|ask| ask.host.to_string() == *host)
        }
        RequiredCapability::Environment(name) => asked.env.iter().any(|ask| ask.name == *name),
    }
}

/// The directory that a path of the manifest means: `/data/**` is `/data` with all below it.
fn dir(path: &str) -> &str {
    path.strip_suffix("**").unwrap_or(path).trim_end_matches('/')
}

fn add(manifest: &mut Table, by_code: &Required) -> anyhow::Result<()> {
    let files = |path: &str, access| entry([("path", path.into()), ("access", words([access]))]);
    let (kind, mut entry) = match &by_code.capability {
        RequiredCapability::FileRead(path) => ("files", files(path, "read")),
        RequiredCapability::FileWrite(path) => ("files", files(path, "write")),
        RequiredCapability::NetworkOutbound(host) => {
            ("http", entry([("host", host.as_str().into())]))
        }
        RequiredCapability::Environment(name) => ("env", entry([("name", name.as_str().into())])),
    };
    let reason = by_code.reason.as_deref().unwrap_or("the component's code asks for it");
    entry.insert("reason".into(), reason.into());
    let kinds = table(manifest, "capabilities")?;
    let list = kinds.entry(kind).or_insert_with(|| Value::Array(Vec::new()));
    list.as_array_mut().context("a kind of capability is a list")?.push(entry.into());
    Ok(())
}

fn entry<const N: usize>(pairs: [(&str, Value); N]) -> Table {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn words<const N: usize>(words: [&str; N]) -> Value {
    Value::Array(words.into_iter().map(Value::from).collect())
}

fn table<'a>(manifest: &'a mut Table, name: &str) -> anyhow::Result<&'a mut Table> {
    let table = manifest.entry(name).or_insert_with(|| Value::Table(Table::new()));
    table.as_table_mut().with_context(|| format!("[{name}] is a table"))
}

/// The component with its manifest, and with its name and version where any tool looks for them.
pub(super) fn embed(wasm: &[u8], manifest: &str, component: &Component) -> anyhow::Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(component.name.to_string());
    metadata.processed_by = vec![("airssys-wasm".into(), env!("CARGO_PKG_VERSION").into())];
    let mut wasm = metadata.to_wasm(wasm).context("the metadata cannot be written")?;
    // The last section of a name is the one that counts, so a file that had them before may keep them.
    push_section(&mut wasm, "version", component.version.to_string().as_bytes());
    push_section(&mut wasm, MANIFEST_SECTION, manifest.as_bytes());
    Ok(wasm)
}

/// Appends a custom section: its id 0, its size, then its name and its data. A component may end with any
/// number of them.
fn push_section(wasm: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut head = Vec::new();
    push_number(&mut head, name.len());
    head.extend_from_slice(name.as_bytes());
    wasm.push(0);
    push_number(wasm, head.len() + data.len());
    wasm.extend_from_slice(&head);
    wasm.extend_from_slice(data);
}

/// A number as WebAssembly writes it: LEB128, seven bits a byte.
fn push_number(to: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        to.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

#[cfg(test)]
mod tests {
    use airssys_wasm_host::RequiredCapability::{
        Environment, FileRead, FileWrite, NetworkOutbound,
    };
    use airssys_wasm_model::Manifest;

    use super::*;

    const MANIFEST: &str = "# mine\n[component]\nname = \"greeter\"\nversion = \"1.0.0\"\n\n[capabilities]\n\
        files = [{ path = \"/data/**\", access = [\"read\"], reason = \"word lists\" }]\n";

    fn ask(capability: RequiredCapability, reason: Option<&str>) -> Required {
        Required { capability, reason: reason.map(str::to_owned) }
    }

    fn merge(asks: &[Required], version: Option<&Version>) -> String {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        merged(MANIFEST, &manifest.asked, asks, version).unwrap()
    }

    #[test]
    fn what_the_manifest_asks_already_leaves_its_text_alone() {
        assert_eq!(merge(&[ask(FileRead("/data".into()), None)], None), MANIFEST);
    }

    #[test]
    fn what_only_the_code_asks_is_added_with_its_reason() {
        let asks = [
            ask(FileWrite("/data".into()), None),
            ask(NetworkOutbound("api.example.com".into()), Some("prices")),
            ask(Environment("TZ".into()), None),
        ];
        let manifest = Manifest::parse(&merge(&asks, None)).unwrap();
        let asked = manifest.asked;
        assert_eq!(asked.files.len(), 2);
        assert_eq!(asked.files[1].access, [Access::Write]);
        assert_eq!(
            (asked.http[0].host.to_string().as_str(), asked.http[0].reason.as_str()),
            ("api.example.com", "prices")
        );
        assert_eq!(asked.env[0].reason, "the component's code asks for it");
    }

    #[test]
    fn a_version_that_is_given_stands_in_the_place_of_the_manifests() {
        let version = "1.0.0-dev.7".parse().unwrap();
        let manifest = Manifest::parse(&merge(&[], Some(&version))).unwrap();
        assert_eq!(manifest.component.version, version);
        assert_eq!(manifest.asked.files.len(), 1);
    }

    #[test]
    fn numbers_are_written_seven_bits_a_byte() {
        let written = |number| {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number);
            bytes
        };
        assert_eq!(written(0), [0]);
        assert_eq!(written(127), [0x7f]);
        assert_eq!(written(128), [0x80, 1]);
        assert_eq!(written(624_485), [0xe5, 0x8e, 0x26]);
    }
}
