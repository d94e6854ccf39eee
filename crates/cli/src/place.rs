//! Finding the node: its URL, its token and whose certificate it has, from flags, the environment, the config file
//! or the data directory, in this order.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use airssys_wasm_api::{Client, Code, Failure, Place, Trust};
use airssys_wasm_languages::Toolchains;
use airssys_wasm_model::Digest;
use serde::Deserialize;

use crate::files::{read_text, unreadable};

/// Where the node is. Without any of these, `AIRSSYS_WASM_NODE`, `AIRSSYS_WASM_TOKEN` and
/// `AIRSSYS_WASM_DATA`, then the config file, then the platform's data directory say it.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Finding the node")]
pub(crate) struct NodeFlags {
    /// The node's control port [env: AIRSSYS_WASM_NODE].
    #[arg(long, value_name = "URL")]
    pub(crate) node: Option<String>,

    /// A file that holds the node's token [env: AIRSSYS_WASM_TOKEN holds the token itself].
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// The certificate, in PEM, of the authority that a node elsewhere is believed by; of a node that made its own,
    /// `control-ca.pem` in its data directory. Without, the public authorities [env: AIRSSYS_WASM_CA].
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// The data directory of a node on this machine [env: AIRSSYS_WASM_DATA].
    #[arg(long, value_name = "DIR", conflicts_with = "node")]
    pub(crate) data: Option<PathBuf>,
}

/// The part of the config file that says where the node is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The node's control port.
    node: Option<String>,
    /// A file that holds its token.
    token_file: Option<PathBuf>,
    /// The certificate of the authority that it is believed by.
    ca: Option<PathBuf>,
    /// The data directory of a node on this machine.
    pub(crate) data: Option<PathBuf>,
}

/// What a running node writes beside its data.
#[derive(Debug, Deserialize)]
struct NodeFile {
    control: String,
    /// What it presents, where it is encrypted.
    certificate: Option<Digest>,
}

/// A node that runs on a data directory of this machine.
struct Running {
    url: String,
    trust: Trust,
}

/// What surrounds the process; handed in so that a test can surround it differently.
struct Surroundings<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    config: Config,
    /// None where the user has no home, as in a container: whoever names a node needs none.
    default_data: Option<PathBuf>,
}

/// What one source (the flags, the environment, the config file) says.
#[derive(Default)]
struct Said {
    node: Option<String>,
    data: Option<PathBuf>,
    token: Option<Token>,
    ca: Option<PathBuf>,
}

enum Token {
    Text(String),
    InFile(PathBuf),
}

impl NodeFlags {
    /// A client of the node that is meant.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let surroundings = Surroundings {
            variable: &variable,
            config: Config::read()?,
            default_data: default_data_dir().ok(),
        };
        Ok(Client::new(self.find(&surroundings)?)?)
    }

    /// The first source that says where the node is decides; within one, a URL before a directory.
    fn find(&self, around: &Surroundings<'_>) -> Result<Place, Failure> {
        let sources = self.sources(around);
        let decides = sources.iter().position(|said| said.node.is_some() || said.data.is_some());
        if let Some(at) = decides
            && let Some(node) = &sources[at].node
        {
            return at_url(node, &sources, at, around);
        }
        let data = decides.and_then(|at| sources[at].data.clone());
        let data = data.or_else(|| around.default_data.clone()).ok_or_else(homeless)?;
        let Running { url: node, trust } = running_node(&data)?;
        // A directory has a token of its own: only who was asked before it may name another.
        let before = &sources[..decides.map_or(sources.len(), |at| at + 1)];
        let token = match before.iter().find_map(|said| said.token.as_ref()) {
            Some(token) => token.read()?,
            None => read_token(&data.join("token"))?,
        };
        // What it presents is known to the byte: no authority has more to say.
        Ok(Place { node, token, trust })
    }

    /// Every source, the first to be asked first.
    fn sources(&self, around: &Surroundings<'_>) -> [Said; 3] {
        let Config { node, token_file, ca, data } = around.config.clone();
        [
            Said {
                node: self.node.clone(),
                data: self.data.clone(),
                token: self.token_file.clone().map(Token::InFile),
                ca: self.ca.clone(),
            },
            Said {
                node: (around.variable)("AIRSSYS_WASM_NODE"),
                data: (around.variable)("AIRSSYS_WASM_DATA").map(Into::into),
                token: (around.variable)("AIRSSYS_WASM_TOKEN").map(Token::Text),
                ca: (around.variable)("AIRSSYS_WASM_CA").map(Into::into),
            },
            Said { node, data, token: token_file.map(Token::InFile), ca },
        ]
    }
}

impl Token {
    fn read(&self) -> Result<String, Failure> {
        match self {
            Self::Text(text) => Ok(text.trim().to_owned()),
            Self::InFile(path) => read_token(path),
        }
    }
}

/// The node at a URL that the source at this place named.
fn at_url(
    node: &str,
    sources: &[Said],
    at: usize,
    around: &Surroundings<'_>,
) -> Result<Place, Failure> {
    // The token in a data directory is for the node that wrote it there: sending it to another URL that somebody
    // typed would give it away. What it presents is known there too.
    let data = sources.iter().find_map(|said| said.data.as_ref()).or(around.default_data.as_ref());
    let here = data.and_then(|data| {
        running_node(data).ok().filter(|running| is_same(&running.url, node)).zip(Some(data))
    });
    let token = match (said_for(node, sources, at, |said| said.token.as_ref()), &here) {
        (Some(token), _) => token.read()?,
        (None, Some((_, data))) => read_token(&data.join("token"))?,
        (None, None) => {
            let message = format!("there is no token for {node}");
            return Err(Failure::new(Code::Unauthorized, message)
                .help("name its file with --token-file, or set AIRSSYS_WASM_TOKEN"));
        }
    };
    let trust = match (said_for(node, sources, at, |said| said.ca.as_ref()), here) {
        (Some(ca), _) => read_authorities(ca)?,
        (None, Some((running, _))) => running.trust,
        (None, None) => Trust::Public,
    };
    Ok(Place { node: node.to_owned(), token, trust })
}

/// What is said for a URL that the source at this place named. What a later source says beside another node is that
/// node's.
fn said_for<'a, T>(
    node: &str,
    sources: &'a [Said],
    at: usize,
    what: impl Fn(&'a Said) -> Option<&'a T>,
) -> Option<&'a T> {
    let mut usable = sources.iter().enumerate().filter(|(place, said)| {
        let for_another = match &said.node {
            Some(other) => !is_same(other, node),
            None => said.data.is_some(),
        };
        *place <= at || !for_another
    });
    usable.find_map(|(_, said)| what(said))
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

impl Config {
    /// Reads the config file; one that is not there says nothing.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let Some(dirs) = project_dirs() else { return Ok(Self::default()) };
        let path = dirs.config_dir().join("config.toml");
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(failure) if failure.code == Code::NotFound => return Ok(Self::default()),
            Err(failure) => return Err(failure.into()),
        };
        toml::from_str(&text).map_err(|error| {
            Failure::new(Code::Usage, format!("{}: {error}", path.display())).into()
        })
    }
}

/// A node's data directory: the flag's, the environment's, the config file's or the platform's.
pub(crate) fn data_dir(flag: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let said = flag.or_else(|| variable("AIRSSYS_WASM_DATA").map(Into::into));
    match said.or(Config::read()?.data) {
        Some(dir) => Ok(dir),
        None => Ok(default_data_dir()?),
    }
}

/// The platform's directory for a node's data.
pub(crate) fn default_data_dir() -> Result<PathBuf, Failure> {
    Ok(project_dirs().ok_or_else(homeless)?.data_dir().to_owned())
}

/// Where languages' toolchains are: the folder that AIRSSYS_WASM_TOOLCHAINS names, else one of this user's.
pub(crate) fn toolchains() -> Result<Toolchains, Failure> {
    if let Some(dir) = variable("AIRSSYS_WASM_TOOLCHAINS") {
        // Tools are run from the project's folder, so a relative one is made absolute here.
        let dir = std::path::absolute(&dir)
            .map_err(|error| Failure::new(Code::Usage, format!("{dir}: {error}")))?;
        return Ok(Toolchains::new(dir));
    }
    let dirs = project_dirs().ok_or_else(|| {
        Failure::new(Code::Usage, "this user has no home directory")
            .help("name a folder for toolchains in AIRSSYS_WASM_TOOLCHAINS")
    })?;
    Ok(Toolchains::new(dirs.data_local_dir().join("toolchains")))
}

fn homeless() -> Failure {
    Failure::new(Code::Usage, "this user has no home directory").help("name one with --data DIR")
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn project_dirs() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "airssys-wasm")
}

/// The node that runs on this directory.
///
/// What a killed node wrote stays, and anybody may listen at its port since. So the directory's lock is
/// looked at: the system takes it from a process that has ended, however it ended.
fn running_node(data: &Path) -> Result<Running, Failure> {
    let nobody = || {
        Failure::new(Code::Unreachable, format!("no node runs on {}", data.display()))
            .help("start one with `airssys-wasm serve`, or name another with --node or --data")
    };
    let path = data.join("node.json");
    let text = match read_text(&path) {
        Err(failure) if failure.code == Code::NotFound => return Err(nobody()),
        text => text?,
    };
    if !is_held(&data.join("lock"))? {
        return Err(nobody());
    }
    let file: NodeFile = serde_json::from_str(&text)
        .map_err(|error| Failure::new(Code::Unreachable, format!("{}: {error}", path.display())))?;
    Ok(Running {
        url: file.control.trim_end_matches('/').to_owned(),
        trust: file.certificate.map_or(Trust::Public, Trust::Certificate),
    })
}

/// Whether a process holds this lock. Shared, so that clients that look at the same time see none in each
/// other.
fn is_held(lock: &Path) -> Result<bool, Failure> {
    let file = match File::open(lock) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(unreadable(lock, &error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(unreadable(lock, &error)),
    }
}

fn read_authorities(path: &Path) -> Result<Trust, Failure> {
    read_text(path).map(|text| Trust::Authorities(text.into_bytes()))
}

fn read_token(path: &Path) -> Result<String, Failure> {
    Ok(read_text(path)?.trim().to_owned())
}

#[cfg(test)]
mod tests;
