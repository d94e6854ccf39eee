//! A service that counts for each user: an actor a key.

use std::collections::BTreeMap;

use airssys_wasm_api::command::Invoke;
use airssys_wasm_api::reply::Invoked;
use airssys_wasm_api::{Command, Failure, Payload};
use futures::{StreamExt as _, stream};

use super::{Tested, V1, guest, name, with_manifest};

/// Calls at once in what the tests do in parallel.
pub(crate) const AT_ONCE: usize = 16;

/// A counter for each user, on at most so many instances.
pub(crate) fn counter(guest_name: &str, max: u32) -> Vec<u8> {
    let tables = format!("[instances]\nmodel = \"actor\"\nkey = \"header:x-user\"\nmax = {max}\n");
    with_manifest(guest(guest_name), "counter", &tables)
}

/// The same, with this limit.
pub(crate) fn limited(guest_name: &str, limit: &str) -> Vec<u8> {
    let tables = "[instances]\nmodel = \"actor\"\nkey = \"header:x-user\"\n";
    with_manifest(guest(guest_name), "counter", &format!("[limits]\n{limit}\n{tables}"))
}

pub(crate) fn said(user: Option<&str>, text: &str) -> Invoke {
    let metadata = user.map(|user| ("x-user".to_owned(), user.to_owned()));
    Invoke {
        service: name("counter"),
        function: None,
        args: Vec::new(),
        input: Payload(text.to_owned().into()),
        content_type: None,
        metadata: metadata.into_iter().collect(),
    }
}

/// What one key's call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) count: u64,
    pub(crate) revision: u32,
}

pub(crate) async fn say(tested: &Tested, user: &str, text: &str) -> Result<Count, Failure> {
    let invoked: Invoked = tested.ask(Command::Invoke(said(Some(user), text))).await?;
    let count = String::from_utf8(invoked.output.0.to_vec()).unwrap().parse().unwrap();
    Ok(Count { count, revision: invoked.revision.0 })
}

/// Calls for each of these users once, and gives the answers by their user.
pub(crate) async fn each(tested: &Tested, users: &[String], text: &str) -> BTreeMap<String, Count> {
    let calls = stream::iter(users).map(|user| async move {
        (
            user.clone(),
            say(tested, user, text).await.unwrap_or_else(|error| panic!("{user}: {error}")),
        )
    });
    calls.buffer_unordered(AT_ONCE).collect().await
}

pub(crate) fn users(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user-{number}")).collect()
}

pub(crate) async fn deployed(max: u32) -> Tested {
    let tested = Tested::new().await;
    let deploy = tested.deployment("counter", &counter("counter", max), V1);
    tested.deploy(deploy).await.unwrap();
    tested
}
