//! wasmtime behind hyper, as one would write it who wants it fast and nothing else: pooled memory that stays
//! resident, the pagemap scan, everything linked ahead. No limit, no routing, no log.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use anyhow::Result;
use futures::channel::oneshot;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{
    AsContextMut, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    Store,
};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{Prepared, Proxy, ProxyPre};
use wasmtime_wasi_http::p2::bindings::ProxyPre as P2Pre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p3::bindings::ServicePre as P3Pre;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::Host;
use super::driven::{Driven, Work};
use super::limited::{Limits, Memory};
use crate::of_engine;

/// Serves a `wasi:http` component, 0.2 or 0.3. Either is called once at a time in an instance: calls that wait for
/// nothing have nothing to share an instance for.
pub(super) async fn serve(how: Host) -> Result<()> {
    let bare = Arc::new(BareHost::new(&how).map_err(of_engine)?);
    let listener = super::listen().await?;
    let service = service_fn(move |request| {
        let bare = Arc::clone(&bare);
        async move { Ok::<_, Infallible>(bare.answer(request).await.unwrap_or_else(failed)) }
    });
    super::accept(listener, service).await
}

struct BareHost {
    engine: Engine,
    pre: ProxyPre<Ctx>,
    reuse: usize,
    epochs: bool,
    limits: Option<Limits>,
    /// Instances that may answer again. Guards a push or a pop.
    idle: Mutex<Vec<Warm>>,
}

type Answer = wasmtime::Result<Response<WasiBody>>;

struct Warm {
    store: Store<Ctx>,
    proxy: Proxy,
    calls: usize,
}

pub(super) struct Ctx {
    wasi: WasiCtx,
    pub(super) http: WasiHttpCtx,
    hooks: NoRequests,
    pub(super) table: ResourceTable,
    pub(super) memory: Memory,
}

/// The guests measured send no requests.
struct NoRequests;

type Sent = Result<(Response<WasiBody>, Io), Error>;
type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for NoRequests {
    fn send_request(
        &mut self,
        _request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _processed: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }
}

impl WasiView for Ctx {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Ctx {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// The engine as one would set it up who wants it fast.
pub(crate) fn config(concurrency: bool, epochs: bool) -> Config {
    let mut slots = PoolingAllocationConfig::new();
    slots.pagemap_scan(Enabled::Auto).linear_memory_keep_resident(512 << 10);
    slots.table_keep_resident(512 << 10);
    let mut config = Config::new();
    config.concurrency_support(concurrency).epoch_interruption(epochs);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(slots));
    config
}

impl BareHost {
    fn new(how: &Host) -> wasmtime::Result<Self> {
        let engine = Engine::new(&config(!how.no_concurrency, how.epochs || how.limits))?;
        let component = Component::from_file(&engine, &how.component)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        if !how.no_concurrency {
            wasmtime_wasi::p3::add_to_linker(&mut linker)?;
            wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        }
        let pre = linker.instantiate_pre(&component)?;
        let pre = match P3Pre::new(pre.clone()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(_) => ProxyPre::P2(P2Pre::new(pre)?),
        };
        let (reuse, epochs) = (how.reuse, how.epochs);
        let limits = how.limits.then(|| Limits::of(&engine));
        Ok(Self { engine, pre, reuse, epochs, limits, idle: Mutex::default() })
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> wasmtime::Result<Response<Driven>> {
        let (answer, mut answered) = oneshot::channel();
        // Most guests have ended when they have answered; the others go on while their answer is read.
        let limits = self.limits.clone();
        let _place = match &limits {
            Some(limits) => Some(limits.place().await?),
            None => None,
        };
        let work = Arc::clone(&self).work(request, answer);
        let mut work: Option<Work> = Some(match &limits {
            Some(limits) => limits.timed(Box::pin(work)),
            None => Box::pin(work),
        });
        let answered = std::future::poll_fn(|cx| -> Poll<wasmtime::Result<Answer>> {
            if let Some(going) = &mut work
                && let Poll::Ready(worked) = going.as_mut().poll(cx)
            {
                work = None;
                worked?;
            }
            Pin::new(&mut answered).poll(cx).map_err(Into::into)
        });
        let answered = answered.await??;
        let bound = |body| match &limits {
            Some(_) => Limits::counted(body),
            None => body,
        };
        Ok(answered.map(|body| Driven { body: bound(body), work }))
    }

    async fn work(
        self: Arc<Self>,
        request: Request<Incoming>,
        answer: oneshot::Sender<Answer>,
    ) -> wasmtime::Result<()> {
        let mut warm = self.instance().await?;
        let request = request.map(|body| body.map_err(Error::Hyper).boxed_unsync());
        warm.handle(request, answer).await?;
        warm.calls += 1;
        if warm.calls < self.reuse {
            self.idle.lock().expect("not poisoned").push(warm);
        }
        Ok(())
    }

    async fn instance(&self) -> wasmtime::Result<Warm> {
        if let Some(warm) = self.idle.lock().expect("not poisoned").pop() {
            return Ok(warm);
        }
        let ctx = Ctx {
            wasi: WasiCtxBuilder::new().build(),
            http: WasiHttpCtx::new(),
            hooks: NoRequests,
            table: ResourceTable::new(),
            memory: Memory::default(),
        };
        let mut store = Store::new(&self.engine, ctx);
        if self.epochs {
            store.set_epoch_deadline(u64::MAX / 2);
        }
        if self.limits.is_some() {
            Limits::bind(&mut store);
        }
        let proxy = self.pre.instantiate_async(&mut store).await?;
        Ok(Warm { store, proxy, calls: 0 })
    }
}

impl Warm {
    /// Until the guest has written its whole answer.
    async fn handle(
        &mut self,
        request: Request<WasiBody>,
        answer: oneshot::Sender<Answer>,
    ) -> wasmtime::Result<()> {
        let store = &mut self.store;
        if let Proxy::P2(proxy) = &self.proxy {
            let mut http = store.data_mut().http();
            let request = http.new_incoming_request(Scheme::Http, request)?;
            let out = http.new_response_outparam_from_callback(move |answered| {
                answer.send(answered.map_err(Into::into)).ok();
            })?;
            return proxy.wasi_http_incoming_handler().call_handle(store, request, out).await;
        }
        let view = WasiHttpView::http;
        let call = Prepared::new(store.as_context_mut(), &self.proxy, request, view, answer)?;
        let ended = store.run_concurrent(async move |accessor| {
            call.run(accessor, std::future::pending()).await?;
            // The body is written by tasks that outlive the call.
            std::future::poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            Ok(())
        });
        ended.await?
    }
}

fn failed(error: wasmtime::Error) -> Response<Driven> {
    eprintln!("{error:?}");
    let body = http_body_util::Full::from(format!("{error:#}\n"));
    let body = body.map_err(|never| match never {}).boxed_unsync();
    let mut answer = Response::new(Driven { body, work: None });
    *answer.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
    answer
}
