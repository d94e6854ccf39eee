//! The control port: requests in, commands out.
//!
//! What a request means is read from the one route table of `airssys-wasm-api`; what it does is
//! [`Node::act`]'s alone. This module knows who may ask, how large a body may be and how an answer looks.
//! It decides nothing about services.

mod admit;
mod answer;
mod attempts;
mod commands;
mod events;
mod following;
mod pace;
mod serve;
mod sse;
mod token;
mod upload;
mod watched;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderValue, StatusCode};

use airssys_wasm_api::{By, Code, Failure, Route};
use airssys_wasm_policy::TokenId;

use self::attempts::Attempts;
use self::pace::Pace;
pub(crate) use self::token::Token;
use crate::authority::Admitted;
use crate::node::Node;
use crate::tls::Identity;

/// The control port of one node.
#[derive(Clone)]
pub(crate) struct Control {
    node: Arc<Node>,
    /// The data directory's own.
    token: Arc<Token>,
    attempts: Arc<Attempts>,
    pace: Pace,
    /// What its connections are encrypted by, if they are.
    identity: Option<Arc<Identity>>,
}

/// Whose request it is, and where it came from.
#[derive(Clone)]
struct Caller {
    admitted: Admitted,
    from: IpAddr,
}

/// The name of a request, for its answer and the log.
#[derive(Clone)]
struct RequestName(String);

const REQUEST_ID: &str = "x-request-id";

impl Control {
    pub(crate) fn new(node: Arc<Node>, token: Token, identity: Option<Arc<Identity>>) -> Self {
        let (token, attempts) = (Arc::new(token), Arc::default());
        Self { node, token, attempts, pace: Pace::SLOWEST, identity }
    }

    /// Every route, behind the door.
    fn router(&self) -> Router {
        let router = Router::new()
            .route("/healthz", get(healthy))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .route("/v1/openapi.json", get(openapi))
            .route("/v1/artifacts", post(upload::store))
            .route(Route::EVENTS, get(events::follow))
            .route(Route::AUDIT_EVENTS, get(following::follow));
        commands::routes(router)
            .fallback(nowhere)
            .method_not_allowed_fallback(not_allowed)
            .layer(middleware::from_fn_with_state(self.clone(), door))
            .with_state(self.clone())
    }
}

/// The one way in: names the request, asks who it is, and sees that every answer carries its name.
async fn door(State(control): State<Control>, mut request: Request, next: Next) -> Response {
    let name = admit::request_name(request.headers());
    let admitted = admit::admit(&control, &request);
    request.extensions_mut().insert(RequestName(name.clone()));
    let mut answer = match admitted {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(failure) => {
            let asked = format!("{} {}", request.method(), request.uri().path());
            control.node.trail().not_let_in(&asked, &failure.message, &name);
            answer::problem(failure, &name)
        }
    };
    if let Ok(value) = HeaderValue::try_from(name) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer
}

/// The process answers.
async fn healthy() -> &'static str {
    "ok\n"
}

/// The node takes calls.
async fn ready(State(control): State<Control>, request: Request) -> Response {
    if control.node.is_ready() {
        // Calls go on, so it is ready all the same. Why, is for those with a token.
        return match control.node.trail().refusal() {
            None => "ready\n".into_response(),
            Some(_) => "ready\ncommands are refused: they can't be recorded\n".into_response(),
        };
    }
    let failure = Failure::new(Code::Unavailable, "the node is starting or stopping");
    answer::problem(failure, &name_of(&request))
}

async fn metrics(State(control): State<Control>, request: Request) -> Response {
    let permitted = by_of(&request).and_then(|by| control.node.permit_metrics(&by));
    if let Err(failure) = permitted {
        return answer::problem(failure, &name_of(&request));
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], control.node.metrics()).into_response()
}

async fn openapi() -> Response {
    axum::Json(airssys_wasm_api::openapi()).into_response()
}

async fn nowhere(request: Request) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let failure = Failure::new(Code::NotFound, format!("no such route: {asked}"))
        .help("GET /v1/openapi.json lists the routes; services answer at the HTTP port, not here");
    answer::problem(failure, &name_of(&request))
}

/// The path is known and the method is not. The router adds the methods that are, as `Allow`.
async fn not_allowed(request: Request) -> Response {
    let asked = format!("{} does not take {}", request.uri().path(), request.method());
    let failure = Failure::new(Code::Usage, asked).help("the `allow` header lists what it takes");
    answer::problem_with(failure, StatusCode::METHOD_NOT_ALLOWED, &name_of(&request))
}

/// Who asks, of a request that the door let in.
fn by_of<B>(request: &http::Request<B>) -> Result<By, Failure> {
    by_of_extensions(request.extensions())
}

/// The same, and by which token.
fn by_and_token_of<B>(request: &http::Request<B>) -> Result<(By, Option<TokenId>), Failure> {
    let Caller { admitted, .. } = caller_of(request.extensions())?;
    Ok((by_of(request)?, admitted.token))
}

fn caller_of(extensions: &Extensions) -> Result<Caller, Failure> {
    let caller = extensions.get::<Caller>().cloned();
    caller.ok_or_else(|| Failure::new(Code::Unauthorized, "no token came along"))
}

fn by_of_extensions(extensions: &Extensions) -> Result<By, Failure> {
    let Caller { admitted, from } = caller_of(extensions)?;
    let Admitted { who, asker, roles, .. } = admitted;
    let name = extensions.get::<RequestName>().map_or_else(String::new, |name| name.0.clone());
    let by = By::unwatched(who, name);
    Ok(By { asker, roles, from: Some(from), ..by })
}

fn name_of(request: &Request) -> String {
    request.extensions().get::<RequestName>().map_or_else(String::new, |name| name.0.clone())
}

#[cfg(test)]
mod encrypted_tests;
#[cfg(test)]
mod tests;
