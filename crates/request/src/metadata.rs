//! A request's head as the metadata of a handler's input.

use http::HeaderName;
use http::header::{CONTENT_LENGTH, HOST, TRAILER};
use http::request::Parts;

use crate::fields::is_of_connection;

/// The name under which a handler finds the request's method among its metadata.
pub const METHOD: &str = "http-method";

/// Its path, without the service's route, and its query.
pub const TARGET: &str = "http-target";

/// The method, the target, and the headers that are about neither connection nor message.
pub fn metadata(parts: &Parts) -> Vec<(String, String)> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut metadata =
        vec![(METHOD.into(), parts.method.to_string()), (TARGET.into(), target.to_owned())];
    let is_said = |name: &HeaderName| {
        let is_the_nodes = is_of_connection(name) || is_of_message(name);
        // A header must not pass for what the node says of the request.
        !is_the_nodes && name != METHOD && name != TARGET
    };
    let said = parts.headers.iter().filter(|(name, _)| is_said(name));
    // A value that is no text could not be told from another one; it is left out.
    metadata.extend(
        said.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into()))),
    );
    metadata
}

/// Whether a field is about the message's form: how long it is, what follows it and whom it is for.
pub fn is_of_message(name: &HeaderName) -> bool {
    [CONTENT_LENGTH, HOST, TRAILER].contains(name)
}
