//! What a guest holds of its secrets: values that it may see, and placeholders of those that it may not.
//!
//! A placeholder is a random text, one for each secret and instance. It is worth nothing anywhere but in a header of
//! a request that this host sends to a host that the secret was granted for: there its value takes its place. It is
//! never put into a body, a path or a header's name, and a request that has one for another host does not leave.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airssys_wasm_model::{Denial, Kind, SecretName};
use http::{HeaderMap, HeaderValue};

use crate::prepare::Revision;
use crate::rights::authority;
use crate::secret::SecretValue;
use crate::watch::{CurrentTeller, Use};

/// The secrets of one instance.
pub(crate) struct HeldSecrets {
    revision: Arc<Revision>,
    telling: CurrentTeller,
    /// No more than there are names among the rights. Locked for a look-up, never across an await.
    given: Mutex<Vec<Placeholder>>,
}

#[derive(Clone)]
struct Placeholder {
    text: String,
    name: SecretName,
}

/// Where a request goes.
#[derive(Clone, Copy)]
pub(super) struct Receiver<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) tls: bool,
}

/// A request that has a placeholder and must not leave with it. Why is in the service's log.
#[derive(Debug)]
pub(super) struct Withheld;

/// How a placeholder begins: to be known in a header, and by whoever finds one in a log.
const PREFIX: &str = "airssys-secret-";

/// The prefix and 32 hexadecimal digits.
const PLACEHOLDER_BYTES: usize = PREFIX.len() + 32;

/// The longest header with values in it. Servers take 8 to 64 KiB; a guest that repeats a placeholder must not make
/// the host's memory its own.
const FILLED_BYTES_MAX: usize = 128 << 10;

impl HeldSecrets {
    pub(crate) fn new(revision: Arc<Revision>, telling: CurrentTeller) -> Self {
        Self { revision, telling, given: Mutex::default() }
    }

    /// What the guest gets for a secret: its value where it may see it, else a placeholder.
    ///
    /// # Errors
    /// What the guest is told.
    pub(super) fn show(&self, name: &str) -> Result<Option<String>, String> {
        let Ok(name) = name.parse::<SecretName>() else { return Ok(None) };
        let rights = Arc::clone(&self.revision.rights.now().rights);
        let rights = &rights.secrets;
        if !rights.check_handle(name.as_str()).is_allowed() {
            self.denied("use the secret", name.as_str(), &format!("{name}=HOST"));
            return Err(format!("the secret `{name}` is not granted"));
        }
        let Some(value) = self.value(&name)? else { return Ok(None) };
        if !rights.check_reveal(name.as_str()).is_allowed() {
            return Ok(Some(self.placeholder(name)));
        }
        let text = std::str::from_utf8(value.expose());
        let text = text.map_err(|_| format!("the secret `{name}` is no text"))?.to_owned();
        self.telling.now().mask(name.as_str(), value);
        self.used(&format!("{name}:revealed"));
        Ok(Some(text))
    }

    /// Puts the values into a request's headers.
    pub(super) fn fill(&self, headers: &mut HeaderMap, to: Receiver<'_>) -> Result<(), Withheld> {
        // A placeholder of a right that was revoked is still none to be sent.
        if self.revision.rights.now().rights.secrets.is_empty() && self.given().is_empty() {
            return Ok(());
        }
        for value in headers.values_mut() {
            if let Some(filled) = self.filled(value.as_bytes(), to)? {
                *value = filled;
            }
        }
        Ok(())
    }

    /// A header with the values in it; `None` if it has no placeholder.
    fn filled(&self, said: &[u8], to: Receiver<'_>) -> Result<Option<HeaderValue>, Withheld> {
        let (mut filled, mut rest) = (Vec::new(), said);
        while let Some(at) = find(rest, PREFIX.as_bytes()) {
            let end = rest.len().min(at + PLACEHOLDER_BYTES);
            let value = self.sent(&rest[at..end], to)?;
            filled.extend_from_slice(&rest[..at]);
            filled.extend_from_slice(value.expose());
            rest = &rest[end..];
            if filled.len() + rest.len() > FILLED_BYTES_MAX {
                return Err(self.withhold("a header with its secrets is too long"));
            }
        }
        if filled.is_empty() && rest.len() == said.len() {
            return Ok(None);
        }
        filled.extend_from_slice(rest);
        let mut value = HeaderValue::from_bytes(&filled).map_err(|_| {
            self.withhold("a secret has bytes that no header can, such as a line's end")
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The value that a placeholder stands for, if it may be sent there.
    fn sent(&self, placeholder: &[u8], to: Receiver<'_>) -> Result<Arc<dyn SecretValue>, Withheld> {
        let given = self.given();
        let name = given.iter().find(|one| one.text.as_bytes() == placeholder);
        let name = name.map(|one| one.name.clone());
        drop(given);
        let name = name.ok_or_else(|| {
            self.withhold("a placeholder of a secret is this instance's alone: get it again")
        })?;
        // A host that was granted without a port is meant by its name and certificate, so without TLS nothing but
        // a port that the operator named will do.
        let default_port = if to.tls { 443 } else { 0 };
        let rights = Arc::clone(&self.revision.rights.now().rights);
        let allowed = rights.secrets.check_send(name.as_str(), to.host, to.port, default_port);
        let target = format!("{name}={}", authority(to.host, to.port, default_port));
        if !allowed.is_allowed() || (!to.tls && to.port == 443) {
            self.denied("send the secret", &target, &target);
            return Err(Withheld);
        }
        match self.value(&name) {
            Ok(Some(value)) => {
                self.telling.now().mask(name.as_str(), Arc::clone(&value));
                self.used(&target);
                Ok(value)
            }
            Ok(None) | Err(_) => Err(Withheld),
        }
    }

    fn value(&self, name: &SecretName) -> Result<Option<Arc<dyn SecretValue>>, String> {
        let spec = &self.revision.spec;
        let found = match &spec.backends.secrets {
            Some(source) => source.current(name.as_str()),
            None => Ok(None),
        };
        match found {
            Ok(Some(value)) => Ok(Some(value)),
            Ok(None) => {
                let help = format!("there is no secret `{name}`; set it with `secret set {name}`");
                self.telling.says("secrets", &help);
                Ok(None)
            }
            Err(error) => {
                let (service, why) = (&spec.service, &*error.0);
                tracing::error!(%service, secret = %name, error = why, "a secret cannot be read");
                Err(format!("the secret `{name}` cannot be read"))
            }
        }
    }

    fn placeholder(&self, name: SecretName) -> String {
        let mut given = self.given();
        if let Some(one) = given.iter().find(|one| one.name == name) {
            return one.text.clone();
        }
        let text = format!("{PREFIX}{:032x}", rand::random::<u128>());
        given.push(Placeholder { text: text.clone(), name });
        text
    }

    fn given(&self) -> MutexGuard<'_, Vec<Placeholder>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn withhold(&self, why: &str) -> Withheld {
        self.telling.says("secrets", &format!("a request was not sent: {why}"));
        Withheld
    }

    fn used(&self, target: &str) {
        if self.revision.spec.watch.sees_uses(Kind::Secrets) {
            self.telling.used(Use { kind: Kind::Secrets, access: "", target });
        }
    }

    fn denied(&self, act: &str, target: &str, scope: &str) {
        let service = &self.revision.spec.service;
        let denial = Denial::new(service, Kind::Secrets, act, target, scope);
        self.telling.denied(denial);
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
