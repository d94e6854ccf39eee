//! Who asks.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use airssys_wasm_model::Name;

use crate::progress::Progress;

/// Who asks for a command, under which request, and who watches it.
#[derive(Debug, Clone)]
pub struct By {
    /// For the history: a token's name over the control port; from a program, whom it vouches for.
    pub who: String,
    /// Whether that is a token of the node.
    pub asker: Asker,
    /// What they were made: words that the node's policy goes by.
    pub roles: BTreeSet<Name>,
    /// Where the request came from, if it came over a network.
    pub from: Option<IpAddr>,
    /// For the log and for failures.
    pub request_id: String,
    /// Where to tell how far it is.
    pub progress: Progress,
}

/// What kind of asker a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A token of the node, with its end if it has one.
    Token {
        /// From when on it is worth nothing.
        expires: Option<SystemTime>,
    },
    /// Someone for whom a program that embeds the node vouches.
    User,
}

impl By {
    /// The role that the default policy lets do everything.
    pub const ADMIN: &'static str = "admin";

    /// Somebody who watches nothing, for whom the program that embeds the node vouches: an admin.
    pub fn unwatched(who: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            who: who.into(),
            asker: Asker::User,
            roles: Self::ADMIN.parse().into_iter().collect(),
            from: None,
            request_id: request_id.into(),
            progress: Progress::unwatched(),
        }
    }

    /// The same with these roles and no other.
    #[must_use]
    pub fn with_roles(self, roles: impl IntoIterator<Item = Name>) -> Self {
        Self { roles: roles.into_iter().collect(), ..self }
    }
}
