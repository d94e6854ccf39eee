//! Watching a project's sources. What a build writes is not looked at, or each would start the next.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// A watch on a project.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
    dir: PathBuf,
    changes: mpsc::Receiver<()>,
}

/// An editor writes a file in several steps, and a checkout many files: a change is over when nothing has
/// happened for so long.
const QUIET: Duration = Duration::from_millis(100);

/// One that never comes to rest is taken as it is.
const RESTLESS_MAX: Duration = Duration::from_secs(2);

/// Folders and files at the top that a build or a tool writes.
const WRITTEN: &[&str] = &["target", "build", "node_modules", "Cargo.lock"];

impl Watch {
    pub(super) fn start(dir: &Path) -> anyhow::Result<Self> {
        // One place: that something changed is all there is to know, and while it is known no more is.
        let (tell, changes) = mpsc::channel(1);
        let root = dir.to_owned();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(&root, &event)) {
                let _ = tell.try_send(());
            }
        });
        let watcher = watcher.context("files can't be watched here")?;
        let mut watch = Self { watcher, dir: dir.to_owned(), changes };
        watch.watch().with_context(|| format!("{} can't be watched", dir.display()))?;
        Ok(watch)
    }

    /// Waits for a change and until it is over.
    pub(super) async fn changed(&mut self) {
        // The watcher holds the other end, so there is always a next one.
        let _ = self.changes.recv().await;
        let restless = tokio::time::sleep(RESTLESS_MAX);
        tokio::pin!(restless);
        loop {
            tokio::select! {
                _ = self.changes.recv() => {}
                () = tokio::time::sleep(QUIET) => break,
                () = &mut restless => break,
            }
        }
        // A folder that is new at the top is watched from now on; one that can't be is no reason to stop.
        let _ = self.watch();
    }

    /// Watches the top by itself and each source folder with all below it: `target` alone would cost
    /// thousands of watches.
    fn watch(&mut self) -> notify::Result<()> {
        self.watcher.watch(&self.dir, RecursiveMode::NonRecursive)?;
        for entry in std::fs::read_dir(&self.dir)?.filter_map(Result::ok) {
            if entry.path().is_dir() && is_source(&self.dir, &entry.path()) {
                self.watcher.watch(&entry.path(), RecursiveMode::Recursive)?;
            }
        }
        Ok(())
    }
}

fn is_change(root: &Path, event: &Event) -> bool {
    !event.kind.is_access() && event.paths.iter().any(|path| is_source(root, path))
}

/// Whether a path inside the project is a source: nothing a build writes, nothing hidden.
fn is_source(root: &Path, path: &Path) -> bool {
    let Some(Component::Normal(top)) =
        path.strip_prefix(root).ok().and_then(|inside| inside.components().next())
    else {
        return false;
    };
    let top = top.to_string_lossy();
    !top.starts_with('.') && !WRITTEN.contains(&top.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_writes_is_no_source() {
        let root = Path::new("/p");
        for source in ["src/lib.rs", "Component.toml", "Cargo.toml", "tests/cases/a.toml"] {
            assert!(is_source(root, &root.join(source)), "{source}");
        }
        for written in ["target/x/y", "build/p.wasm", "Cargo.lock", ".git/index", ".#lib.rs"] {
            assert!(!is_source(root, &root.join(written)), "{written}");
        }
        assert!(!is_source(root, Path::new("/elsewhere/src/lib.rs")));
    }

    #[tokio::test]
    async fn a_changed_source_is_told_and_a_built_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["src", "target"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        let mut watch = Watch::start(&root).unwrap();
        std::fs::write(root.join("target/out"), "x").unwrap();
        std::fs::write(root.join("src/lib.rs"), "x").unwrap();
        watch.changed().await;
        assert!(watch.changes.try_recv().is_err());
    }
}
