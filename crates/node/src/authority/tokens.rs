//! The node's tokens: their records, and who comes with one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use airssys_wasm_api::command::CreateToken;
use airssys_wasm_api::reply::{self, Reply, TokenLine, TokenMade, TokenRevoked};
use airssys_wasm_api::{Asker, Code, Failure};
use airssys_wasm_model::Name;
use airssys_wasm_policy::{Presented, TokenDraw, TokenId, TokenRecord};
use airssys_wasm_store::Store;

use super::{Authority, LOCAL};
use crate::node::{NodeError, blocking, store_failure};

/// Where a token's record is.
const PREFIX: &str = "tokens/";

/// Tokens of a node: enough for one for each person and each job of a large house, and few enough to be read at every
/// start.
const TOKENS_MAX: usize = 1_000;

/// The tokens by what they are found by.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<TokenId, Kept>);

struct Kept {
    record: TokenRecord,
    /// The record's version in the store.
    version: u64,
}

/// Who came with a token that is believed.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) who: String,
    pub(crate) asker: Asker,
    pub(crate) roles: BTreeSet<Name>,
    /// What the token is found by; nothing of the data directory's own.
    pub(crate) token: Option<TokenId>,
}

impl Tokens {
    pub(super) fn read(store: &Store) -> Result<Self, NodeError> {
        let mut tokens = BTreeMap::new();
        for found in store.records().list(PREFIX)? {
            let record: TokenRecord = serde_json::from_slice(&found.value)
                .map_err(|source| NodeError::Record { key: found.key, source })?;
            tokens.insert(record.id.clone(), Kept { record, version: found.version });
        }
        Ok(Self(tokens))
    }

    pub(super) fn named(&self, name: &Name) -> Option<&TokenRecord> {
        self.kept(name).map(|kept| &kept.record)
    }

    fn kept(&self, name: &Name) -> Option<&Kept> {
        self.0.values().find(|kept| kept.record.name == *name)
    }
}

impl Admitted {
    /// Whoever has the data directory's own token.
    pub(crate) fn local() -> Self {
        let roles = airssys_wasm_api::By::ADMIN.parse().into_iter().collect();
        Self { who: LOCAL.to_owned(), asker: Asker::Token { expires: None }, roles, token: None }
    }
}

impl Authority {
    /// Who comes with this token.
    ///
    /// # Errors
    /// In words, when it is not believed.
    pub(crate) fn admit(&self, token: &str) -> Result<Admitted, String> {
        // Of another form, or mistyped: said alike, so that nobody learns which ids there are.
        let wrong = || "the token is wrong or was revoked".to_owned();
        let presented: Presented = token.parse().map_err(|_| wrong())?;
        let tokens = self.tokens();
        let record = &tokens.0.get(presented.id()).ok_or_else(wrong)?.record;
        record.verify(&presented, SystemTime::now()).map_err(|error| error.to_string())?;
        Ok(Admitted {
            who: record.name.to_string(),
            asker: Asker::Token { expires: record.expires },
            roles: record.roles.clone(),
            token: Some(record.id.clone()),
        })
    }

    /// Whether a token that was believed still is: another one may have its name by now.
    pub(super) fn is_good(&self, id: &TokenId, now: SystemTime) -> bool {
        let tokens = self.tokens();
        let end = tokens.0.get(id).map(|kept| kept.record.expires);
        end.is_some_and(|end| end.is_none_or(|end| now < end))
    }

    pub(crate) async fn create_token(&self, command: CreateToken) -> Result<Reply, Failure> {
        let CreateToken { name, roles, expires_in } = command;
        let _alone = self.changing.lock().await;
        self.check_free(&name)?;
        self.check_roles(&roles)?;
        let mut draw: TokenDraw = [0; _];
        rand::fill(&mut draw[..]);
        let lifetime = expires_in.map(|span| span.0);
        let (record, secret) = TokenRecord::create(name, roles, SystemTime::now(), lifetime, &draw)
            .map_err(|error| Failure::from_error(Code::Usage, &error))?;
        let (store, written) = (Arc::clone(&self.store), record.clone());
        let put = blocking(move || store.records().put_json(&key(&written.id), None, &written));
        let version = put.await?.map_err(|error| store_failure(&error))?;
        let line = line(&record);
        self.tokens().0.insert(record.id.clone(), Kept { record, version });
        Ok(TokenMade { token: secret.reveal().to_owned(), line }.into())
    }

    pub(crate) fn list_tokens(&self) -> Reply {
        let tokens = self.tokens();
        let mut lines: Vec<_> = tokens.0.values().map(|kept| line(&kept.record)).collect();
        lines.sort_by(|one, other| one.name.cmp(&other.name));
        reply::Tokens(lines).into()
    }

    /// A token that is revoked lets nobody in from now on, and ends the answers that go on. Commands that have come in
    /// go on.
    pub(crate) async fn revoke_token(&self, name: Name) -> Result<Reply, Failure> {
        let _alone = self.changing.lock().await;
        let found = self.tokens().kept(&name).map(|kept| (kept.record.id.clone(), kept.version));
        let (id, version) = found.ok_or_else(|| no_token(&name))?;
        let (store, key) = (Arc::clone(&self.store), key(&id));
        let removed = blocking(move || store.records().delete_if(&key, version)).await?;
        removed.map_err(|error| store_failure(&error))?;
        self.tokens().0.remove(&id);
        self.changed.send_replace(());
        Ok(TokenRevoked { revoked: name }.into())
    }

    /// A role that no rule names makes nothing of anybody. Where the policy names none, it goes by something else.
    fn check_roles(&self, roles: &BTreeSet<Name>) -> Result<(), Failure> {
        let known = self.policy.load().policy.roles();
        let is_unknown = |role: &&Name| !known.is_empty() && !known.contains(role.as_str());
        let Some(unknown) = roles.iter().find(is_unknown) else { return Ok(()) };
        let known: Vec<_> = known.iter().map(|role| format!("`{role}`")).collect();
        let message = format!("no rule of the policy names the role `{unknown}`");
        Err(Failure::new(Code::Usage, message).help(format!(
            "it names {}; for another one, `policy set` a policy with rules for it first",
            known.join(", ")
        )))
    }

    fn check_free(&self, name: &Name) -> Result<(), Failure> {
        let tokens = self.tokens();
        if name.as_str() == LOCAL || tokens.named(name).is_some() {
            return Err(Failure::new(Code::Conflict, format!("there is a token `{name}`"))
                .help("give it another name, or `token revoke` the one that is there"));
        }
        if tokens.0.len() >= TOKENS_MAX {
            let message = format!("a node has {TOKENS_MAX} tokens at most");
            return Err(Failure::new(Code::Conflict, message)
                .help("`token list` shows them; revoke those that nobody uses"));
        }
        Ok(())
    }
}

fn no_token(name: &Name) -> Failure {
    match name.as_str() {
        LOCAL => {
            Failure::new(Code::Usage, "the token `local` is the file `token` of the data directory")
                .help("delete that file and start the node again: it makes another")
        }
        _ => Failure::new(Code::NotFound, format!("there is no token `{name}`"))
            .help("`airssys-wasm token list` shows them"),
    }
}

fn line(record: &TokenRecord) -> TokenLine {
    TokenLine {
        name: record.name.clone(),
        id: String::from(record.id.clone()),
        roles: record.roles.clone(),
        created: record.created.into(),
        expires: record.expires.map(Into::into),
    }
}

fn key(id: &TokenId) -> String {
    format!("{PREFIX}{}", String::from(id.clone()))
}
