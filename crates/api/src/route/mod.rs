//! How each command travels over HTTP: one table for the server, the client and the OpenAPI document.
//!
//! A command's JSON fields are spread over the request: those that stand in the path template go there,
//! the others into the query or the body. Reading a request puts them together again, so that no route
//! has code of its own.

mod table;
mod wire;

pub use table::{Carries, ROUTES, Route};
pub use wire::Wire;

#[cfg(test)]
mod tests;
