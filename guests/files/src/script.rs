//! The scripts of the two guests that try files: a command a line, its words set apart by tabs, an answer a line.
//!
//! A directory is named as it was granted (`/data`) or as `open` named it. What fails answers with WASI's own
//! name for the error.

use std::collections::{BTreeMap, BTreeSet};

/// How a path is opened.
#[derive(Clone, Copy, Default)]
pub struct How {
    pub read: bool,
    pub write: bool,
    pub create: bool,
    pub exclusive: bool,
    pub truncate: bool,
    pub directory: bool,
    pub nofollow: bool,
}

/// The error's name in WASI.
pub type Answer<T> = Result<T, String>;

/// A version of `wasi:filesystem`.
pub trait Files {
    type Fd;
    type Stream;

    fn preopens(&self) -> Vec<(Self::Fd, String)>;
    async fn open(&self, dir: &Self::Fd, path: &str, how: How) -> Answer<Self::Fd>;
    async fn read(&self, file: &Self::Fd) -> Answer<String>;
    async fn write(&self, file: &Self::Fd, text: &str) -> Answer<()>;
    async fn list(&self, dir: &Self::Fd) -> Answer<Vec<String>>;
    async fn stat(&self, dir: &Self::Fd, path: &str, follow: bool) -> Answer<String>;
    async fn hash(&self, dir: &Self::Fd, path: &str) -> Answer<bool>;
    async fn create_directory(&self, dir: &Self::Fd, path: &str) -> Answer<()>;
    async fn remove_directory(&self, dir: &Self::Fd, path: &str) -> Answer<()>;
    async fn unlink(&self, dir: &Self::Fd, path: &str) -> Answer<()>;
    async fn rename(&self, dir: &Self::Fd, path: &str, to: &Self::Fd, new: &str) -> Answer<()>;
    async fn link(&self, dir: &Self::Fd, path: &str, to: &Self::Fd, new: &str) -> Answer<()>;
    async fn symlink(&self, dir: &Self::Fd, target: &str, path: &str) -> Answer<()>;
    async fn read_link(&self, dir: &Self::Fd, path: &str) -> Answer<String>;
    async fn touch(&self, dir: &Self::Fd, path: &str) -> Answer<()>;
    async fn touch_open(&self, file: &Self::Fd) -> Answer<()>;
    async fn set_size(&self, file: &Self::Fd, size: u64) -> Answer<()>;
    fn stream(&self, file: &Self::Fd) -> Answer<Self::Stream>;
    /// The next few bytes, or how it ended.
    async fn more(&self, stream: &mut Self::Stream) -> Answer<String>;
}

/// Runs a script.
pub async fn run<F: Files>(files: &F, script: &str) -> String {
    let named = files.preopens().into_iter().map(|(fd, name)| (name, fd)).collect();
    let mut session = Session { files, held: named, streams: BTreeMap::new() };
    let mut answers = Vec::new();
    for line in script.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        let answer = session.line(&words).await;
        answers.push(answer.unwrap_or_else(|error| error));
    }
    answers.join("\n")
}

struct Session<'a, F: Files> {
    files: &'a F,
    held: BTreeMap<String, F::Fd>,
    streams: BTreeMap<String, F::Stream>,
}

const READ: How = How { read: true, ..NOTHING };
const NOTHING: How = How {
    read: false,
    write: false,
    create: false,
    exclusive: false,
    truncate: false,
    directory: false,
    nofollow: false,
};

impl<F: Files> Session<'_, F> {
    fn fd(&self, name: &str) -> Answer<&F::Fd> {
        self.held.get(name).ok_or_else(|| format!("nothing is held as {name}"))
    }

    async fn line(&mut self, words: &[&str]) -> Answer<String> {
        let files = self.files;
        let done = |()| "ok".to_owned();
        match *words {
            ["preopens"] => Ok(self.held.keys().cloned().collect::<Vec<_>>().join(" ")),
            ["open", dir, path, how, name] => {
                let opened = files.open(self.fd(dir)?, path, how_of(how)).await?;
                self.held.insert(name.to_owned(), opened);
                Ok("ok".into())
            }
            ["close", name] => Ok(self.held.remove(name).map_or("none", |_| "ok").into()),
            ["stream", name] => {
                let stream = files.stream(self.fd(name)?)?;
                self.streams.insert(name.to_owned(), stream);
                Ok("ok".into())
            }
            ["more", name] => {
                let stream = self.streams.get_mut(name).ok_or("no such stream")?;
                files.more(stream).await
            }
            ["get", name] => files.read(self.fd(name)?).await,
            ["put", name, text] => files.write(self.fd(name)?, text).await.map(done),
            ["resize", name, size] => {
                files.set_size(self.fd(name)?, size.parse().unwrap_or(0)).await.map(done)
            }
            ["touch-open", name] => files.touch_open(self.fd(name)?).await.map(done),
            ["read", dir, path] => {
                let opened = files.open(self.fd(dir)?, path, READ).await?;
                files.read(&opened).await
            }
            ["write", dir, path, text] => {
                let how = How { write: true, create: true, truncate: true, ..NOTHING };
                let opened = files.open(self.fd(dir)?, path, how).await?;
                files.write(&opened, text).await.map(done)
            }
            ["list", dir, path] => {
                let how = How { directory: true, ..READ };
                let opened = files.open(self.fd(dir)?, path, how).await?;
                let mut names = files.list(&opened).await?;
                names.sort();
                Ok(format!("[{}]", names.join(" ")))
            }
            ["stat", dir, path] => files.stat(self.fd(dir)?, path, true).await,
            ["lstat", dir, path] => files.stat(self.fd(dir)?, path, false).await,
            ["hash", dir, path] => Ok(files.hash(self.fd(dir)?, path).await?.to_string()),
            ["mkdir", dir, path] => files.create_directory(self.fd(dir)?, path).await.map(done),
            ["rmdir", dir, path] => files.remove_directory(self.fd(dir)?, path).await.map(done),
            ["unlink", dir, path] => files.unlink(self.fd(dir)?, path).await.map(done),
            ["rename", dir, path, to, new] => {
                files.rename(self.fd(dir)?, path, self.fd(to)?, new).await.map(done)
            }
            ["link", dir, path, to, new] => {
                files.link(self.fd(dir)?, path, self.fd(to)?, new).await.map(done)
            }
            ["symlink", dir, target, path] => {
                files.symlink(self.fd(dir)?, target, path).await.map(done)
            }
            ["readlink", dir, path] => files.read_link(self.fd(dir)?, path).await,
            ["touch", dir, path] => files.touch(self.fd(dir)?, path).await.map(done),
            ["hoard", dir, path, count] => self.hoard(dir, path, count.parse().unwrap_or(0)).await,
            ["storm", dir, path, count] => self.storm(dir, path, count.parse().unwrap_or(0)).await,
            _ => Err(format!("no such command: {words:?}")),
        }
    }

    /// Opens a file so often and lets none go; says how often it was, and what ended it.
    async fn hoard(&mut self, dir: &str, path: &str, count: usize) -> Answer<String> {
        for opened in 0..count {
            match self.files.open(self.fd(dir)?, path, READ).await {
                Ok(file) => drop(self.held.insert(format!("hoard {opened}"), file)),
                Err(error) => return Ok(format!("{opened} {error}")),
            }
        }
        Ok(format!("{count} ok"))
    }

    /// Reads a path so often; says every different answer that there was.
    async fn storm(&self, dir: &str, path: &str, count: usize) -> Answer<String> {
        let mut answers = BTreeSet::new();
        for _ in 0..count {
            let read = async {
                let opened = self.files.open(self.fd(dir)?, path, READ).await?;
                self.files.read(&opened).await
            };
            answers.insert(read.await.unwrap_or_else(|error| error));
        }
        Ok(answers.into_iter().collect::<Vec<_>>().join(" "))
    }
}

fn how_of(letters: &str) -> How {
    let has = |letter| letters.contains(letter);
    How {
        read: has('r'),
        write: has('w'),
        create: has('c'),
        exclusive: has('x'),
        truncate: has('t'),
        directory: has('d'),
        nofollow: has('n'),
    }
}
