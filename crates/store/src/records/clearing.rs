//! Deleting many records at once: what a removed service leaves may be a record for each of its callers.

use redb::{ReadableTable, WriteTransaction};

use super::engine::RECORDS;
use super::error::PutError;
use super::shelf::Records;
use super::watch::Change;

impl Records {
    /// Deletes records whose key starts with `prefix`, whatever they say, in the order of their keys and at most so
    /// many: the keys are held in memory, and other writers wait meanwhile. Durable when it returns with how many
    /// there were.
    pub fn delete_under(&self, prefix: &str, at_most: usize) -> Result<usize, PutError> {
        let body = |transaction: &WriteTransaction| {
            let mut table = transaction.open_table(RECORDS)?;
            let mut keys = Vec::new();
            for found in table.range(prefix..)?.take(at_most) {
                let (key, _) = found?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                keys.push(key.value().to_owned());
            }
            for key in &keys {
                table.remove(key.as_str())?;
            }
            Ok(keys)
        };
        let told = |done: Option<&Vec<String>>| match done {
            Some(keys) => {
                keys.iter().for_each(|key| self.tell(Some(Change::Deleted { key: key.clone() })));
            }
            None => self.tell(None),
        };
        self.engine().write(body, told).map(|keys| keys.len())
    }
}

#[cfg(test)]
mod tests {
    use crate::Store;

    #[test]
    fn what_is_under_a_prefix_goes_so_many_at_a_time_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let records = store.records();
        for key in ["a", "a/1", "a/2", "a/3", "a-b", "a0", "b/1"] {
            records.put_if(key, None, b"x").unwrap();
        }
        assert_eq!(records.count("a/").unwrap(), 3);
        assert_eq!(records.delete_under("a/", 2).unwrap(), 2);
        assert_eq!(records.delete_under("a/", 2).unwrap(), 1);
        assert_eq!(records.delete_under("a/", 2).unwrap(), 0);
        assert_eq!(records.count("a/").unwrap(), 0);
        let left: Vec<_> = records.keys("").unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(left, ["a", "a-b", "a0", "b/1"]);
    }
}
