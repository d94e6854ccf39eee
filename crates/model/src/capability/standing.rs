//! How what a component asks for stands: each ask with the grants that allow some of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::grant::Grant;
use super::grants::Grants;
use super::kind::Kind;
use super::meeting::Ask;

/// One ask and what is granted of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AskStanding {
    /// Its kind.
    pub kind: Kind,
    /// What is asked, as a person would say it.
    pub asked: String,
    /// Why, in the manifest's words.
    pub reason: String,
    /// The grants that allow some of it: both together are the right. With none there is no right.
    pub granted: Vec<Grant>,
}

/// Does something for each kind: its field in [`Asked`], its grants.
macro_rules! each_kind {
    ($do:ident!($($with:tt)*)) => {
        $do! {
            $($with)*;
            files: Files, http: Http, net: Net, dns: Dns, listen: Listen, env: Env, secrets: Secrets,
            keyvalue: Keyvalue, blobstore: Blobstore, messaging: Messaging, services: Services,
            process: Process
        }
    };
}

impl Asked {
    /// What is asked of these grants, for a file that has no way to ask: as much as they allow. What a manifest
    /// states stays as it is.
    pub fn stated(&self, grants: &Grants) -> Self {
        if !self.unstated {
            return self.clone();
        }
        let mut asked = Self::default();
        macro_rules! state {
            (; $($field:ident: $kind:ident),*) => {
                for grant in &grants.0 {
                    match grant {
                        $(Grant::$kind(grant) => asked.$field.push(Ask::of(grant)),)*
                    }
                }
            };
        }
        each_kind!(state!());
        asked
    }

    /// Each ask, with the grants of these that allow some of it.
    pub fn standing(&self, grants: &Grants) -> Vec<AskStanding> {
        fn of<A: Ask>(
            all: &mut Vec<AskStanding>,
            asks: &[A],
            grants: &Grants,
            meets: impl Fn(&A, &Grant) -> bool,
        ) {
            all.extend(asks.iter().map(|ask| AskStanding {
                kind: A::KIND,
                asked: ask.said(),
                reason: ask.reason().to_owned(),
                granted: grants.0.iter().filter(|grant| meets(ask, grant)).cloned().collect(),
            }));
        }
        let asked = self.stated(grants);
        let mut all = Vec::new();
        macro_rules! stand {
            (; $($field:ident: $kind:ident),*) => {
                $(of(&mut all, &asked.$field, grants, |ask, grant| {
                    matches!(grant, Grant::$kind(grant) if ask.meet(grant).is_some())
                });)*
            };
        }
        each_kind!(stand!());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::EnvAsk;

    #[test]
    fn each_ask_has_the_grants_that_allow_some_of_it() {
        let ask = |name: &str| EnvAsk { name: name.into(), reason: "dates".into() };
        let asked = Asked { env: vec![ask("TZ"), ask("LANG")], ..Asked::default() };
        let grants = Grants(vec!["env:TZ=x".parse().unwrap(), "http:a.org".parse().unwrap()]);
        let standing = asked.standing(&grants);
        assert_eq!(standing[0].granted, [grants.0[0].clone()]);
        assert_eq!(
            (standing[1].asked.as_str(), standing[1].granted.len()),
            ("the variable `LANG`", 0)
        );
    }

    #[test]
    fn what_asks_for_nothing_in_words_asks_for_what_it_is_granted() {
        let grants = Grants(vec!["env:TZ".parse().unwrap(), "http:a.org/x".parse().unwrap()]);
        let stated = Asked::unstated().stated(&grants);
        assert_eq!((stated.env.len(), stated.http.len()), (1, 1));
        let wider = Grants(vec!["env:TZ".parse().unwrap(), "http:a.org".parse().unwrap()]);
        let more = Asked::unstated().stated(&wider).more_than(&stated);
        assert_eq!(more.0.len(), 1);
    }
}
