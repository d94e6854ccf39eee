//! What a component's own code asks for: `capabilities.required()`, called once, here, with nothing granted.

use std::sync::Arc;

use airssys_wasm_host::{
    CallCtx, CallError, Host, HostSettings, Inspection, NoLog, Pool, Pooling, RequestId,
    RevisionSpec,
};
use airssys_wasm_model::{InstanceModel, Manifest, RevisionNumber, Rights};
use anyhow::Context as _;
use bytes::Bytes;
use wasm_wave::value::{Type, Value};
use wasm_wave::wasm::WasmValue;

use crate::ui::Ui;

/// One thing that the code asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CodeAsk {
    pub(super) kind: Kind,
    pub(super) what: String,
    pub(super) reason: Option<String>,
}

/// What it asks to do. The kinds are those of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    FileRead,
    FileWrite,
    NetworkOutbound,
    Environment,
}

/// The function that tells it.
const REQUIRED: &str = "airssys:component/capabilities@0.1.0#required";

/// Asks the code. A component without the interface asks for nothing.
///
/// The host gives no instance that has not seen `init`, so the manifest's own configuration is what it
/// sees. A component that refuses it is not asked, which is said: the manifest's list is all there is then.
pub(super) async fn by_code(
    component: &[u8],
    inspection: &Inspection,
    manifest: &Manifest,
    ui: &Ui,
) -> anyhow::Result<Vec<CodeAsk>> {
    if !inspection.offers.capabilities {
        return Ok(Vec::new());
    }
    match required(component, inspection, manifest).await {
        Ok(text) => read(&text).context("`capabilities.required` gave something else"),
        Err(Refusal::Init(why)) => {
            ui.say(&format!(
                "note: `init` refuses the manifest's [config] ({why}), so the code was not asked what \
                 it requires; list it under [capabilities]"
            ));
            Ok(Vec::new())
        }
        Err(Refusal::Other(error)) => {
            Err(error.context("what the code requires cannot be learned"))
        }
    }
}

enum Refusal {
    Init(String),
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

async fn required(
    component: &[u8],
    inspection: &Inspection,
    manifest: &Manifest,
) -> Result<String, Refusal> {
    let settings = HostSettings { pooling: Pooling::Never, ..HostSettings::default() };
    let mut instances = manifest.instances;
    // An actor would wait for its state; the question needs none.
    if !inspection.offers.state {
        instances.model = InstanceModel::Fresh;
    }
    let spec = RevisionSpec {
        service: manifest.component.name.clone(),
        revision: RevisionNumber(1),
        version: manifest.component.version.clone(),
        digest: inspection.digest,
        config: manifest.config.clone(),
        rights: Arc::new(Rights::default()),
        limits: manifest.limits,
        instances,
        sink: Arc::new(NoLog),
        state: None,
    };
    let host = Host::new(&settings)?;
    let pool = Pool::new(host.prepare(spec, Bytes::copy_from_slice(component)).await?);
    let lease = pool.claim(CallCtx::new(RequestId::draw())).await?;
    match lease.invoke(REQUIRED, &[]).await {
        Err(CallError::Init(fault)) => Err(Refusal::Init(fault.message)),
        answered => Ok(answered?),
    }
}

/// Reads the list as the component model's own text for values has it.
fn read(text: &str) -> anyhow::Result<Vec<CodeAsk>> {
    let value: Value = wasm_wave::from_str(&list_type()?, text)?;
    value.unwrap_list().map(|request| ask(&request)).collect()
}

const KINDS: [(&str, Kind); 4] = [
    ("file-read", Kind::FileRead),
    ("file-write", Kind::FileWrite),
    ("network-outbound", Kind::NetworkOutbound),
    ("environment", Kind::Environment),
];

fn list_type() -> anyhow::Result<Type> {
    let capability = Type::variant(KINDS.map(|(name, _)| (name, Some(Type::STRING))));
    let capability = capability.context("a variant has cases")?;
    let reason = Type::option(Type::STRING);
    let request = Type::record([("capability", capability), ("reason", reason)]);
    Ok(Type::list(request.context("a record has fields")?))
}

fn ask(request: &Value) -> anyhow::Result<CodeAsk> {
    let mut fields = request.unwrap_record().map(|(_, value)| value);
    let (capability, reason) =
        fields.next().zip(fields.next()).context("a request has two fields")?;
    let (case, what) = capability.unwrap_variant();
    let kind = KINDS.iter().find(|(name, _)| *name == case).map(|(_, kind)| *kind);
    Ok(CodeAsk {
        kind: kind.with_context(|| format!("an unknown capability `{case}`"))?,
        what: what.map(|what| what.unwrap_string().into_owned()).unwrap_or_default(),
        reason: reason.unwrap_option().map(|reason| reason.unwrap_string().into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_requests_is_read_with_and_without_reasons() {
        let text = r#"[{capability: file-read("/data")}, {capability: environment("TZ"), reason: some("dates")}]"#;
        let asks = read(text).unwrap();
        assert_eq!(asks[0], CodeAsk { kind: Kind::FileRead, what: "/data".into(), reason: None });
        assert_eq!(asks[1].reason.as_deref(), Some("dates"));
        assert_eq!(read("[]").unwrap(), []);
    }
}
