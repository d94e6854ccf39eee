//! What answers requests in a native test: a function of the test's, of the test's own thread.

use std::cell::RefCell;

use super::url::Target;
use super::{Error, Request, Response};

type Answering = Box<dyn FnMut(&Request) -> Result<Response, Error>>;

thread_local! {
    static ANSWERING: RefCell<Option<Answering>> = const { RefCell::new(None) };
}

/// Answers what this thread sends from now on, in a test of a component. It is not there on wasm.
pub fn answer_with(answering: impl FnMut(&Request) -> Result<Response, Error> + 'static) {
    ANSWERING.set(Some(Box::new(answering)));
}

pub(super) fn send(request: &Request, target: &Target<'_>) -> Result<Response, Error> {
    let response = ANSWERING.with_borrow_mut(|answering| match answering {
        Some(answering) => answering(request),
        None => Err(Error::Unreachable(format!(
            "nothing answers at {} in a native test: give `http::answer_with` what shall",
            target.authority
        ))),
    })?;
    match response.body.len() > request.body_limit_bytes {
        true => Err(Error::TooLarge { limit_bytes: request.body_limit_bytes }),
        false => Ok(response),
    }
}
