//! Pools whose rights turn into others at a moment of their guest's own: whoever watches a use of it changes the rights
//! before the guest goes on.

use std::sync::{Arc, Mutex};

use airssys_wasm_host::{CallError, Pool, RevisionSpec, Use, User, Value, Watch};
use airssys_wasm_model::{Denial, Kind, Rights};

use super::waiting::within;
use super::{call, pool, rights};

/// Changes the rights at the first use of this kind and target.
#[derive(Default)]
pub(crate) struct Change {
    pub(crate) at: Mutex<Option<(Kind, String, Act)>>,
    denied: Mutex<Vec<String>>,
}

pub(crate) type Act = Box<dyn FnOnce() + Send>;

impl Watch for Change {
    fn sees_uses(&self, _kind: Kind) -> bool {
        true
    }

    fn used(&self, _by: User<'_>, used: Use<'_>) {
        let mut at = self.at.lock().unwrap();
        let now = at.take_if(|(kind, target, _)| (*kind, &**target) == (used.kind, used.target));
        drop(at);
        if let Some((_, _, act)) = now {
            act();
        }
    }

    fn denied(&self, _by: User<'_>, denial: &Denial) {
        self.denied.lock().unwrap().push(format!("{} {}", denial.act, denial.target));
    }
}

impl Change {
    pub(crate) fn denials(&self) -> Vec<String> {
        self.denied.lock().unwrap().clone()
    }
}

/// A pool whose rights turn from `before` into `after` when a guest of it uses this.
pub(crate) async fn turning(
    name: &str,
    before: &[&str],
    (kind, target): (Kind, &str),
    after: &[&str],
    more: impl FnOnce(&mut RevisionSpec),
) -> (Arc<Pool>, Arc<Change>) {
    let (change, before, after) = (Arc::<Change>::default(), rights(before), rights(after));
    let watch = Arc::clone(&change) as Arc<dyn Watch>;
    let pool = pool(name, |spec| {
        (spec.rights, spec.watch) = (before, watch);
        more(spec);
    })
    .await;
    let weak = Arc::downgrade(&pool);
    let act = move || {
        let pool = weak.upgrade().expect("its guest runs");
        pool.change_rights(Rights::clone(&after)).expect("nothing new is to be opened");
    };
    *change.at.lock().unwrap() = Some((kind, target.to_owned(), Box::new(act)));
    (pool, change)
}

pub(crate) async fn try_run(pool: &Arc<Pool>, lines: &[&str]) -> Result<Vec<String>, CallError> {
    let script = Value::String(lines.join("\n").replace(' ', "\t"));
    let running = pool.claim(call()).await.unwrap().call("run", vec![script]);
    let answer = within("the script's end", running).await;
    let Some(Value::String(answers)) = answer? else { panic!("it answers with a text") };
    Ok(answers.split('\n').map(ToOwned::to_owned).collect())
}

/// Runs these commands in one call, each with its answer.
pub(crate) async fn check(guest: &str, pool: &Arc<Pool>, cases: &[(&str, &str)]) {
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    let answers = try_run(pool, &lines).await.unwrap();
    assert_eq!(answers.len(), cases.len(), "{guest}: {answers:?}");
    for ((line, expected), answer) in cases.iter().zip(answers) {
        assert_eq!(answer, *expected, "{guest}: {line:?}");
    }
}
