//! Watching a project's sources. What a build writes is not looked at, or each would start the next; and a
//! file that is written again as it was has not changed.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use airssys_wasm_model::Digest;
use anyhow::Context as _;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::files::read_bytes;

/// A watch on a project.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
    dir: PathBuf,
    touched: Arc<Touched>,
    /// What was in each file when it was looked at last; none where it was not there. No more entries than
    /// the project has had sources that changed.
    known: HashMap<PathBuf, Option<Digest>>,
}

/// What was written since it was looked at last.
#[derive(Default)]
struct Touched {
    /// Never held for longer than it takes to add or take paths.
    paths: Mutex<HashSet<PathBuf>>,
    some: Notify,
}

/// An editor writes a file in several steps, and a checkout many files: a change is over when nothing has
/// happened for so long.
const QUIET: Duration = Duration::from_millis(100);

/// One that never comes to rest is taken as it is.
const RESTLESS_MAX: Duration = Duration::from_secs(2);

/// Folders and files at the top that a build or a tool writes.
const WRITTEN: &[&str] = &["target", "build", "node_modules", "zig-out", "Cargo.lock"];

/// Sources are smaller; what is larger counts as changed whenever it is written.
const SOURCE_BYTES_MAX: usize = 64 << 20;

impl Watch {
    pub(super) fn start(dir: &Path) -> anyhow::Result<Self> {
        let touched = Arc::new(Touched::default());
        let (root, tell) = (dir.to_owned(), Arc::clone(&touched));
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            if event.kind.is_access() {
                return;
            }
            tell.add(event.paths.into_iter().filter(|path| is_source(&root, path)));
        });
        let watcher = watcher.context("files can't be watched here")?;
        let mut watch = Self { watcher, dir: dir.to_owned(), touched, known: HashMap::new() };
        watch.watch().with_context(|| format!("{} can't be watched", dir.display()))?;
        Ok(watch)
    }

    /// Waits for a change and until it is over. `output` is what the build leaves, wherever it lies.
    pub(super) async fn changed(&mut self, output: Option<&Path>) {
        loop {
            self.touched.some.notified().await;
            let restless = tokio::time::sleep(RESTLESS_MAX);
            tokio::pin!(restless);
            loop {
                tokio::select! {
                    () = self.touched.some.notified() => {}
                    () = tokio::time::sleep(QUIET) => break,
                    () = &mut restless => break,
                }
            }
            // A folder that is new at the top is watched from now on; one that can't be is no reason to stop.
            let _ = self.watch();
            if self.has_news(output) {
                return;
            }
        }
    }

    /// Whether a file that was written holds something else than before.
    fn has_news(&mut self, output: Option<&Path>) -> bool {
        let paths = self.touched.take();
        let is_plain = |path: &Path| path.is_file() || !path.exists();
        let sources = paths
            .into_iter()
            .filter(|path| Some(path.as_path()) != output && is_plain(path) && !is_ours(path));
        // Each is looked at, so that none of them is news a second time.
        sources.fold(false, |news, path| {
            let now = read_bytes(&path, SOURCE_BYTES_MAX).ok().map(|bytes| Digest::of(&bytes));
            let too_large = now.is_none() && path.exists();
            let before = self.known.insert(path, now);
            news || too_large || before != Some(now)
        })
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

impl Touched {
    fn add(&self, paths: impl Iterator<Item = PathBuf>) {
        let mut touched = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let mut some = false;
        for path in paths {
            touched.insert(path);
            some = true;
        }
        // Also of a path that is there: its file is still being written.
        if some {
            self.some.notify_one();
        }
    }

    fn take(&self) -> HashSet<PathBuf> {
        std::mem::take(&mut self.paths.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether this is where our own words go, as with `dev 2>dev.log`: each round would start the next.
#[cfg(unix)]
fn is_ours(path: &Path) -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::MetadataExt as _;
    let Ok(file) = path.metadata() else { return false };
    let is_it = |own: std::io::Result<std::os::fd::OwnedFd>| {
        let own = own.and_then(|own| std::fs::File::from(own).metadata());
        own.is_ok_and(|own| (own.dev(), own.ino()) == (file.dev(), file.ino()))
    };
    is_it(std::io::stdout().as_fd().try_clone_to_owned())
        || is_it(std::io::stderr().as_fd().try_clone_to_owned())
}

#[cfg(not(unix))]
fn is_ours(_path: &Path) -> bool {
    false
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
        let told = tokio::time::timeout(Duration::from_secs(60), watch.changed(None)).await;
        assert!(told.is_ok(), "the source is told");
        // The system may still have more to say of the source.
        let sources = root.join("src");
        assert!(watch.touched.take().iter().all(|path| path.starts_with(&sources)));
    }

    #[test]
    fn what_is_written_as_it_was_is_no_change_and_neither_is_the_output() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let mut watch = Watch::start(&root).unwrap();
        let (source, output) = (root.join("main.c"), root.join("out.wasm"));
        let mut wrote = |path: &Path, text: &str| {
            std::fs::write(path, text).unwrap();
            watch.touched.add([path.to_owned()].into_iter());
            watch.has_news(Some(&output))
        };
        assert!(wrote(&source, "one"));
        assert!(!wrote(&source, "one"));
        assert!(wrote(&source, "two"));
        assert!(!wrote(&output, "built"));
        std::fs::remove_file(&source).unwrap();
        watch.touched.add([source].into_iter());
        assert!(watch.has_news(Some(&output)));
    }
}
