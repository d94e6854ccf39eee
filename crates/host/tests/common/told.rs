//! A watch that keeps what it is told.

use std::sync::Mutex;

use airssys_wasm_host::{Use, User, Watch};
use airssys_wasm_model::{Denial, Kind};

/// What was told, in its order.
#[derive(Debug)]
pub(crate) struct Told {
    sees_uses: bool,
    all: Mutex<Vec<Telling>>,
}

#[derive(Debug, Clone)]
enum Telling {
    Used(Used),
    Denied(Denial),
}

/// A use.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    pub(crate) service: String,
    pub(crate) kind: Kind,
    pub(crate) access: String,
    pub(crate) target: String,
    /// The name of the call in which it was.
    pub(crate) call: String,
}

impl Default for Told {
    fn default() -> Self {
        Self::seeing_uses(true)
    }
}

impl Told {
    /// One that wants to be told of uses, or of denials alone.
    pub(crate) fn seeing_uses(sees_uses: bool) -> Self {
        Self { sees_uses, all: Mutex::default() }
    }

    /// The uses.
    pub(crate) fn used(&self) -> Vec<Used> {
        let used = |telling| match telling {
            Telling::Used(used) => Some(used),
            Telling::Denied(_) => None,
        };
        self.all().into_iter().filter_map(used).collect()
    }

    /// The denials.
    pub(crate) fn denied(&self) -> Vec<Denial> {
        let denied = |telling| match telling {
            Telling::Denied(denial) => Some(denial),
            Telling::Used(_) => None,
        };
        self.all().into_iter().filter_map(denied).collect()
    }

    /// All of it: the uses in these words, the denials by the grant to add.
    pub(crate) fn lines(&self, words: impl Fn(&Used) -> String) -> Vec<String> {
        let line = |telling| match telling {
            Telling::Used(used) => words(&used),
            Telling::Denied(denial) => denial.grant,
        };
        self.all().into_iter().map(line).collect()
    }

    fn all(&self) -> Vec<Telling> {
        self.all.lock().unwrap().clone()
    }
}

impl Watch for Told {
    fn sees_uses(&self, _kind: Kind) -> bool {
        self.sees_uses
    }

    fn used(&self, by: User<'_>, Use { kind, access, target }: Use<'_>) {
        let (service, kind) = (by.service.to_string(), kind);
        let (access, target) = (access.to_owned(), target.to_owned());
        let call = by.request_id.to_string();
        self.all.lock().unwrap().push(Telling::Used(Used { service, kind, access, target, call }));
    }

    fn denied(&self, _by: User<'_>, denial: &Denial) {
        self.all.lock().unwrap().push(Telling::Denied(denial.clone()));
    }
}
