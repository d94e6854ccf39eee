//! Does with containers and objects what a script says: a command a line, its words set apart by tabs, an answer a
//! line. `open` and `create` name a container for the commands that follow in the same call.

mod streams;

use std::collections::BTreeMap;

use wasi::blobstore::blobstore;
use wasi::blobstore::container::Container;
use wasi::blobstore::types::{IncomingValue, ObjectId, OutgoingValue};

wit_bindgen::generate!({
    path: ["../../wit/deps/io", "../../wit/deps/blobstore", "wit"],
    world: "example:blobstore/blobstore",
    generate_all,
});

struct Script;

export!(Script);

type Answer = Result<String, String>;

#[derive(Default)]
struct Session {
    containers: BTreeMap<String, Container>,
    /// What was begun and is held on to.
    reads: Vec<IncomingValue>,
    writes: Vec<OutgoingValue>,
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
    fn at(&self, name: &str) -> Result<&Container, String> {
        self.containers.get(name).ok_or_else(|| format!("{name} is not open"))
    }

    fn line(&mut self, words: &[&str]) -> Answer {
        match *words {
            ["create", name] => {
                self.containers.insert(name.to_owned(), blobstore::create_container(name)?);
                ok(())
            }
            ["open", name] => {
                self.containers.insert(name.to_owned(), blobstore::get_container(name)?);
                ok(())
            }
            ["remove", name] => blobstore::delete_container(name).and_then(ok),
            ["exists", name] => Ok(blobstore::container_exists(name)?.to_string()),
            ["copy", at, object, to, other] => {
                blobstore::copy_object(&id(at, object), &id(to, other)).and_then(ok)
            }
            ["move", at, object, to, other] => {
                blobstore::move_object(&id(at, object), &id(to, other)).and_then(ok)
            }
            ["info", name] => {
                let info = self.at(name)?.info()?;
                Ok(format!("{} {}", info.name, info.created_at > 1_600_000_000))
            }
            ["put", name, object, text] => {
                streams::put(self.at(name)?, object, text.as_bytes()).and_then(ok)
            }
            ["early", name, object, bytes] => {
                streams::early(self.at(name)?, object, number(bytes)).and_then(ok)
            }
            ["empty", name, object] => {
                let value = OutgoingValue::new_outgoing_value();
                self.at(name)?.write_data(object, &value)?;
                OutgoingValue::finish(value).and_then(ok)
            }
            ["twice", name, object] => {
                let value = OutgoingValue::new_outgoing_value();
                self.at(name)?.write_data(object, &value)?;
                self.at(name)?.write_data(object, &value).and_then(ok)
            }
            ["nowhere"] => OutgoingValue::finish(OutgoingValue::new_outgoing_value()).and_then(ok),
            ["begin", name, object, text] => {
                let value = streams::begin(self.at(name)?, object, text.as_bytes())?;
                self.writes.push(value);
                ok(())
            }
            ["drop-writes"] => {
                self.writes.clear();
                ok(())
            }
            ["trap"] => panic!("as the script says"),
            ["busy", name, object] => streams::busy(self.at(name)?, object),
            ["fill", name, object, bytes] => {
                streams::fill(self.at(name)?, object, number(bytes) as u64)
            }
            ["sum", name, object] => streams::sum(self.at(name)?.get_data(object, 0, u64::MAX)?),
            ["read", name, object] => whole(self.at(name)?.get_data(object, 0, u64::MAX)?),
            ["range", name, object, start, end] => {
                let (start, end) = (number(start) as u64, number(end) as u64);
                whole(self.at(name)?.get_data(object, start, end)?)
            }
            ["hold", name, object] => {
                self.reads.push(self.at(name)?.get_data(object, 0, u64::MAX)?);
                ok(())
            }
            ["drop-reads"] => {
                self.reads.clear();
                ok(())
            }
            ["held"] => whole(self.reads.pop().ok_or("none is held")?),
            ["has", name, object] => Ok(self.at(name)?.has_object(object)?.to_string()),
            ["size", name, object] => {
                let info = self.at(name)?.object_info(object)?;
                Ok(format!("{}/{} {}", info.container, info.name, info.size))
            }
            ["list", name] => {
                let names = self.at(name)?.list_objects()?;
                let (names, is_over) = names.read_stream_object_names(u64::MAX)?;
                Ok(format!("[{}] {is_over}", names.join(" ")))
            }
            ["page", name, skip, read] => {
                let names = self.at(name)?.list_objects()?;
                let (skipped, _) = names.skip_stream_object_names(number(skip) as u64)?;
                let (names, is_over) = names.read_stream_object_names(number(read) as u64)?;
                Ok(format!("{skipped} [{}] {is_over}", names.join(" ")))
            }
            ["delete", name, object] => self.at(name)?.delete_object(object).and_then(ok),
            ["delete-many", name, ref objects @ ..] => {
                let objects: Vec<String> = objects.iter().map(|&name| name.to_owned()).collect();
                self.at(name)?.delete_objects(&objects).and_then(ok)
            }
            ["clear", name] => self.at(name)?.clear().and_then(ok),
            ["name", name] => self.at(name)?.name(),
            _ => Err(format!("no command: {words:?}")),
        }
    }
}

fn ok((): ()) -> Answer {
    Ok("ok".to_owned())
}

fn id(container: &str, object: &str) -> ObjectId {
    ObjectId { container: container.to_owned(), object: object.to_owned() }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

fn whole(value: IncomingValue) -> Answer {
    let bytes = IncomingValue::incoming_value_consume_sync(value)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
