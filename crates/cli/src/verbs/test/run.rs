//! Runs a case: a revision of its own, and its calls in their order.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use airssys_wasm_host::{
    Backends, CallCtx, CallError, Host, HostSettings, Input, Lease, Line, LogSink, MemoryKeeper,
    NoWatch, Pool, Pooling, RequestId, RevisionSpec,
};
use airssys_wasm_model::{Grant, Grants, Instances, Manifest, RevisionNumber, Rights};
use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};

use super::CaseReport;
use super::case::{Call, Case, Request};
use super::judge::{Answer, judge, judge_error};
use crate::component::LocalComponent;
use crate::verbs::build::Project;

/// The component under test and the host it runs in.
pub(super) struct Bench {
    host: Host,
    component: LocalComponent,
    manifest: Manifest,
    dir: PathBuf,
    /// Compiled code is kept for as long as the tests run, so that it is compiled for the first case alone.
    _cache: tempfile::TempDir,
}

/// Lines of a failed case that are shown: enough to see what it was doing.
const LOG_LINES_MAX: usize = 50;

/// What the component says during a case.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl LogSink for Heard {
    fn line(&self, line: Line<'_>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LOG_LINES_MAX {
            lines.push(line.text.to_owned());
        }
    }
}

impl Bench {
    pub(super) fn new(component: LocalComponent, project: &Project) -> anyhow::Result<Self> {
        let cache = tempfile::tempdir().context("there is no place for compiled code")?;
        let settings = HostSettings {
            cache_dir: Some(cache.path().to_owned()),
            pooling: Pooling::Never,
            ..HostSettings::default()
        };
        let manifest = component.manifest.clone().unwrap_or_else(|| project.manifest.clone());
        let (host, dir) = (Host::new(&settings)?, project.dir.clone());
        Ok(Self { host, component, manifest, dir, _cache: cache })
    }

    pub(super) async fn report(&self, name: String, case: &Case) -> CaseReport {
        let heard = Arc::new(Heard::default());
        let why = self.run(case, Arc::clone(&heard)).await.err();
        let log = match &why {
            Some(_) => std::mem::take(&mut *heard.0.lock().unwrap_or_else(PoisonError::into_inner)),
            None => Vec::new(),
        };
        let why = why.map(|why| format!("{why:#}"));
        CaseReport { name, passed: why.is_none(), calls: case.calls.len(), why, log }
    }

    async fn run(&self, case: &Case, heard: Arc<Heard>) -> anyhow::Result<()> {
        let spec = self.spec(case, heard)?;
        let prepared = self.host.prepare(spec, self.component.bytes.clone()).await?;
        let pool = Pool::new(prepared);
        match (&case.refused, pool.warm().await) {
            (None, warmed) => warmed?,
            (Some(expected), Err(error)) => {
                return judge_error(expected, &error).map_err(anyhow::Error::msg);
            }
            (Some(_), Ok(())) => anyhow::bail!("the configuration was to be refused and was not"),
        }
        for (at, call) in case.calls.iter().enumerate() {
            let called = self.call(&pool, call).await;
            let judged =
                called.and_then(|came| judge(call, came, &self.dir).map_err(anyhow::Error::msg));
            judged.with_context(|| format!("call {}", at + 1))?;
        }
        pool.stop().await;
        Ok(())
    }

    fn spec(&self, case: &Case, heard: Arc<Heard>) -> anyhow::Result<RevisionSpec> {
        let manifest = &self.manifest;
        let mut config = manifest.config.clone();
        config.extend(case.config.clone());
        Ok(RevisionSpec {
            service: manifest.component.name.clone(),
            revision: RevisionNumber(1),
            version: manifest.component.version.clone(),
            digest: self.component.inspection.digest,
            config,
            asked: Arc::new(manifest.asked.clone()),
            rights: Arc::new(self.rights(case)?),
            limits: manifest.limits,
            // The calls of a case are one actor's, whatever they would say of its key.
            instances: Instances { key: None, ..manifest.instances.clone() },
            determinism: manifest.determinism.clone(),
            sink: heard,
            watch: Arc::new(NoWatch),
            state: Some(Arc::new(MemoryKeeper::default())),
            backends: Backends::in_memory(),
        })
    }

    /// What the case grants of what the manifest asks. What it does not grant is not there: a test need
    /// not grant what it does not touch.
    fn rights(&self, case: &Case) -> anyhow::Result<Rights> {
        let grants = case.grants.iter().map(|grant| self.grant(grant));
        let grants = Grants(grants.collect::<anyhow::Result<_>>()?);
        Ok(Rights::granted(&self.manifest.asked, &grants)?)
    }

    /// A grant, its host directory taken from the project where it is relative.
    fn grant(&self, text: &str) -> anyhow::Result<Grant> {
        let absolute = match text.strip_prefix("files:") {
            Some(rest) if !std::path::Path::new(rest).is_absolute() => {
                format!("files:{}", self.dir.join(rest).display())
            }
            _ => text.to_owned(),
        };
        absolute.parse().with_context(|| format!("the grant `{text}`"))
    }

    async fn call(
        &self,
        pool: &Arc<Pool>,
        call: &Call,
    ) -> anyhow::Result<Result<Answer, CallError>> {
        let input = self.input(call)?;
        let lease = pool.claim(CallCtx::new(RequestId::draw())).await?;
        if let Some(function) = &call.function {
            let invoked = lease.invoke(function, &call.args).await;
            return Ok(invoked.map(|text| Answer {
                body: text.into_bytes(),
                content_type: None,
                headers: Vec::new(),
                status: None,
            }));
        }
        if let Some(request) = &call.request {
            return http(lease, request, input).await;
        }
        Ok(lease.execute(input).await.map(|output| Answer {
            body: output.body.into(),
            content_type: output.content_type,
            headers: output.metadata,
            status: None,
        }))
    }

    fn input(&self, call: &Call) -> anyhow::Result<Input> {
        let body = match (&call.input, &call.input_json, &call.input_file) {
            (Some(text), ..) => text.clone().into_bytes(),
            (None, Some(json), _) => serde_json::to_vec(json)?,
            (None, None, Some(path)) => std::fs::read(self.dir.join(path))
                .with_context(|| format!("{} cannot be read", path.display()))?,
            (None, None, None) => Vec::new(),
        };
        let said = call.input_json.is_some().then(|| "application/json".to_owned());
        Ok(Input {
            body: body.into(),
            content_type: call.input_type.clone().or(said),
            metadata: call.metadata.clone().into_iter().collect(),
        })
    }
}

async fn http(
    lease: Lease,
    request: &Request,
    input: Input,
) -> anyhow::Result<Result<Answer, CallError>> {
    let mut builder = http::Request::builder()
        .method(request.method.as_str())
        .uri(format!("http://localhost{}", request.path));
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Some(content_type) = &input.content_type {
        builder = builder.header(http::header::CONTENT_TYPE, content_type);
    }
    let response = match lease.http(builder.body(Full::<Bytes>::from(input.body))?).await {
        Ok(response) => response,
        Err(error) => return Ok(Err(error)),
    };
    let (head, body) = response.into_parts();
    let body =
        body.collect().await.map_err(|error| anyhow::anyhow!("the body broke off: {error}"))?;
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let content_type = headers.iter().find(|(name, _)| name == "content-type");
    Ok(Ok(Answer {
        body: body.to_bytes().into(),
        content_type: content_type.map(|(_, value)| value.clone()),
        status: Some(head.status.as_u16()),
        headers,
    }))
}
