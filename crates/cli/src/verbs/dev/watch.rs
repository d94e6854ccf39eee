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
const WRITTEN: &[&str] = &["target", "build", "zig-out", "zig-pkg", "Cargo.lock"];

/// What tools write wherever it lies: Python's compiled files, and npm's packages, which `package-lock.json` tells of.
const WRITTEN_ANYWHERE: &[&str] = &["__pycache__", "node_modules"];

/// How editors and tools end the names of what they keep beside a file while it is edited or written.
const BESIDE: &[&str] = &["~", ".swp", ".swx", ".tmp", ".bak", ".pyc"];

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
            let path = entry.path();
            if path.is_dir() && is_source(&self.dir, &path) && !is_environment(&path) {
                self.watcher.watch(&path, RecursiveMode::Recursive)?;
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

/// Whether a path inside the project is a source: nothing that a build or an editor writes, nothing hidden.
fn is_source(root: &Path, path: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(root) else { return false };
    let mut names = inside.components().map(|part| match part {
        Component::Normal(name) => name.to_string_lossy(),
        _ => Default::default(),
    });
    let Some(top) = names.clone().next() else { return false };
    !WRITTEN.contains(&top.as_ref()) && names.all(|name| is_written_by_hand(&name))
}

fn is_written_by_hand(name: &str) -> bool {
    let is_hidden = name.is_empty() || name.starts_with('.');
    let is_beside = BESIDE.iter().any(|end| name.ends_with(end))
        // Emacs saves so, and vim tries with this name whether it can write.
        || name.starts_with('#')
        || name == "4913";
    !is_hidden && !is_beside && !WRITTEN_ANYWHERE.contains(&name)
}

/// Whether a folder holds packages of Python's for this machine, thousands of files that are nobody's source.
fn is_environment(dir: &Path) -> bool {
    dir.join("pyvenv.cfg").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_writes_is_no_source() {
        let root = Path::new("/p");
        let sources = [
            ["src/lib.rs", "Component.toml", "Cargo.toml", "tests/cases/a.toml"],
            ["src/a/b.c", "include/a.h", "compile_flags.txt", "Makefile"],
            ["main.go", "go.mod", "go.sum", "vendor/example.com/x/x.go"],
            ["app.py", "words/build/list.py", "vendor/six.py", "data/words.csv"],
            ["src/main.ts", "package.json", "package-lock.json", "tsconfig.json"],
            ["src/main.zig", "build.zig", "build.zig.zon", "airssys/airssys.zig"],
        ];
        for source in sources.as_flattened() {
            assert!(is_source(root, &root.join(source)), "{source}");
        }
        let written = [
            ["target/x/y", "build/p.wasm", "Cargo.lock", ".git/index", ".zig-cache/o/1"],
            [
                "zig-out/bin/x",
                "zig-pkg/x",
                "__pycache__/app.pyc",
                "words/__pycache__/a.pyc",
                ".venv/x",
            ],
            [
                "node_modules/x/index.js",
                "src/node_modules/x.js",
                ".cache/clangd/i",
                ".idea/x",
                "src/.git",
            ],
            ["src/.main.c.swp", "src/main.c~", "src/#main.c#", "src/.#main.c", "src/4913"],
        ];
        for written in written.as_flattened() {
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
