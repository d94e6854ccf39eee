//! Does with buckets and secrets what a script says: a command a line, its words set apart by tabs, an answer a line.
//!
//! `open` names a bucket for the commands that follow in the same call. What fails answers with WASI's own name for
//! the error.

mod request;

use std::collections::BTreeMap;

use wasi::keyvalue::atomics::{self, Cas, CasError};
use wasi::keyvalue::batch;
use wasi::keyvalue::store::{self, Bucket, Error};

wit_bindgen::generate!({
    path: ["../../wit/deps/keyvalue", "../../wit/deps/config", "wit"],
    world: "example:keyvalue/keyvalue",
    generate_all,
});

struct Script;

export!(Script);

type Answer = Result<String, String>;

#[derive(Default)]
struct Session {
    buckets: BTreeMap<String, Bucket>,
    swaps: BTreeMap<String, Cas>,
}

impl Guest for Script {
    fn run(script: String) -> String {
        let mut session = Session::default();
        let answers = script.lines().map(|line| {
            let words: Vec<&str> = line.split('\t').collect();
            session.line(&words).unwrap_or_else(|error| error)
        });
        answers.collect::<Vec<_>>().join("\n")
    }
}

impl Session {
    fn bucket(&self, name: &str) -> Result<&Bucket, String> {
        self.buckets.get(name).ok_or_else(|| format!("{name} is not open"))
    }

    fn line(&mut self, words: &[&str]) -> Answer {
        match *words {
            ["open", name] => {
                self.buckets.insert(name.to_owned(), store::open(name).map_err(named)?);
                ok(())
            }
            ["get", name, key] => {
                let found = self.bucket(name)?.get(key).map_err(named)?;
                Ok(text(found))
            }
            ["set", name, key, value] => {
                self.bucket(name)?.set(key, value.as_bytes()).map_err(named).and_then(ok)
            }
            ["fill", name, key, bytes] => {
                let value = vec![b'x'; bytes.parse().unwrap_or(0)];
                self.bucket(name)?.set(key, &value).map_err(named).and_then(ok)
            }
            ["delete", name, key] => self.bucket(name)?.delete(key).map_err(named).and_then(ok),
            ["exists", name, key] => Ok(self.bucket(name)?.exists(key).map_err(named)?.to_string()),
            ["list", name, ref after @ ..] => {
                let page = self.bucket(name)?.list_keys(after.first().copied()).map_err(named)?;
                Ok(format!("[{}] {:?}", page.keys.join(" "), page.cursor))
            }
            ["increment", name, key, delta] => {
                let delta = delta.parse().unwrap_or(0);
                let sum = atomics::increment(self.bucket(name)?, key, delta).map_err(named)?;
                Ok(sum.to_string())
            }
            ["cas", name, key, held] => {
                let cas = Cas::new(self.bucket(name)?, key).map_err(named)?;
                self.swaps.insert(held.to_owned(), cas);
                ok(())
            }
            ["current", held] => {
                let cas = self.swaps.get(held).ok_or("none is held")?;
                Ok(text(cas.current().map_err(named)?))
            }
            ["swap", held, value] => {
                let cas = self.swaps.remove(held).ok_or("none is held")?;
                match atomics::swap(cas, value.as_bytes()) {
                    Ok(()) => ok(()),
                    Err(CasError::StoreError(error)) => Err(named(error)),
                    Err(CasError::CasFailed(again)) => {
                        self.swaps.insert(held.to_owned(), again);
                        Err("changed".to_owned())
                    }
                }
            }
            ["get-many", name, ref keys @ ..] => {
                let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
                let found = batch::get_many(self.bucket(name)?, &keys).map_err(named)?;
                let found = found.into_iter().map(|found| match found {
                    Some((key, value)) => format!("{key}={}", text(Some(value))),
                    None => "none".to_owned(),
                });
                Ok(found.collect::<Vec<_>>().join(" "))
            }
            ["set-many", name, ref pairs @ ..] => {
                let pairs: Vec<(String, Vec<u8>)> = pairs
                    .iter()
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()))
                    .collect();
                batch::set_many(self.bucket(name)?, &pairs).map_err(named).and_then(ok)
            }
            ["delete-many", name, ref keys @ ..] => {
                let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
                batch::delete_many(self.bucket(name)?, &keys).map_err(named).and_then(ok)
            }
            ["config", key] => match wasi::config::store::get(key) {
                Ok(value) => Ok(value.unwrap_or_else(|| "none".to_owned())),
                Err(error) => Err(format!("{error:?}")),
            },
            ["all-config"] => match wasi::config::store::get_all() {
                Ok(all) => Ok(all.into_iter().map(|(key, _)| key).collect::<Vec<_>>().join(" ")),
                Err(error) => Err(format!("{error:?}")),
            },
            ["print", ref words @ ..] => {
                println!("{}", words.join(" "));
                ok(())
            }
            // A secret's placeholder, or the secret, where `{}` stands in the value or the path.
            ["send", url, header, value, secret] => {
                let held = wasi::config::store::get(secret).ok().flatten().unwrap_or_default();
                request::send(&url.replace("{}", &held), header, &value.replace("{}", &held))
            }
            _ => Err(format!("no command: {words:?}")),
        }
    }
}

fn ok((): ()) -> Answer {
    Ok("ok".to_owned())
}

fn text(value: Option<Vec<u8>>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| String::from_utf8_lossy(&value).into_owned())
}

fn named(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no-such-store".to_owned(),
        Error::AccessDenied => "access-denied".to_owned(),
        Error::Other(text) => format!("other: {text}"),
    }
}
