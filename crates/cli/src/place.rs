//! Finding the node: its URL and its token, from flags, the environment, the config file or the data
//! directory, in this order.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use airssys_wasm_api::{Client, Code, Failure, Place};
use serde::Deserialize;

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
    /// The data directory of a node on this machine.
    pub(crate) data: Option<PathBuf>,
}

/// What a running node writes beside its data.
#[derive(Debug, Deserialize)]
struct NodeFile {
    control: String,
}

/// What surrounds the process; handed in so that a test can surround it differently.
struct Surroundings<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    config: Config,
    default_data: PathBuf,
}

impl NodeFlags {
    /// A client of the node that is meant.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let surroundings = Surroundings {
            variable: &variable,
            config: Config::read()?,
            default_data: default_data_dir()?,
        };
        Ok(Client::new(self.find(&surroundings)?)?)
    }

    fn find(&self, around: &Surroundings<'_>) -> Result<Place, Failure> {
        let config = &around.config;
        // Each source is asked for a URL, then for a data directory, before the next source is.
        let url_and_data = [
            (self.node.clone(), self.data.clone()),
            (
                (around.variable)("AIRSSYS_WASM_NODE"),
                (around.variable)("AIRSSYS_WASM_DATA").map(Into::into),
            ),
            (config.node.clone(), config.data.clone()),
        ];
        let data = url_and_data.iter().find_map(|(_, data)| data.clone());
        let data = data.unwrap_or_else(|| around.default_data.clone());
        let node = url_and_data.into_iter().find_map(|(node, data)| match (node, data) {
            (Some(node), _) => Some(Some(node)),
            (None, Some(_)) => Some(None),
            (None, None) => None,
        });
        match node.flatten() {
            Some(node) => {
                let token = self.token(around, &data, Some(&node))?;
                Ok(Place { node, token })
            }
            None => {
                let node = running_node(&data)?;
                let token = self.token(around, &data, None)?;
                Ok(Place { node, token })
            }
        }
    }

    /// The token. One that lies in a data directory goes only to the node that wrote it there: sending
    /// it to a URL that somebody typed would give it away.
    fn token(
        &self,
        around: &Surroundings<'_>,
        data: &Path,
        named: Option<&str>,
    ) -> Result<String, Failure> {
        if let Some(file) = &self.token_file {
            return read_token(file);
        }
        if self.data.is_none() {
            if let Some(token) = (around.variable)("AIRSSYS_WASM_TOKEN") {
                return Ok(token.trim().to_owned());
            }
            if let Some(file) = &around.config.token_file {
                return read_token(file);
            }
        }
        if let Some(named) = named
            && running_node(data).ok().as_deref() != Some(named.trim_end_matches('/'))
        {
            return Err(Failure::new(Code::Unauthorized, format!("there is no token for {named}"))
                .help("name its file with --token-file, or set AIRSSYS_WASM_TOKEN"));
        }
        read_token(&data.join("token"))
    }
}

impl Config {
    /// Reads the config file; one that is not there says nothing.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let Some(dirs) = project_dirs() else { return Ok(Self::default()) };
        let path = dirs.config_dir().join("config.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unreadable(&path, &error).into()),
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
    let dirs = project_dirs().ok_or_else(|| {
        Failure::new(Code::Usage, "this user has no home directory")
            .help("name one with --data DIR")
    })?;
    Ok(dirs.data_dir().to_owned())
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn project_dirs() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "airssys-wasm")
}

fn running_node(data: &Path) -> Result<String, Failure> {
    let path = data.join("node.json");
    let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Failure::new(Code::Unreachable, format!("no node runs on {}", data.display()))
                .help("start one with `airssys-wasm serve`, or name another with --node or --data")
        }
        _ => unreadable(&path, &error),
    })?;
    let file: NodeFile = serde_json::from_str(&text)
        .map_err(|error| Failure::new(Code::Unreachable, format!("{}: {error}", path.display())))?;
    Ok(file.control.trim_end_matches('/').to_owned())
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Ok(text.trim().to_owned())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let code = match error.kind() {
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::PermissionDenied => Code::Denied,
        _ => Code::Failed,
    };
    Failure::new(code, format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data directory in which a node at this URL wrote its token.
    fn data(url: &str, token: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let node = serde_json::json!({ "pid": 1, "http": "http://h", "control": url });
        std::fs::write(dir.path().join("node.json"), node.to_string()).unwrap();
        std::fs::write(dir.path().join("token"), format!("{token}\n")).unwrap();
        dir
    }

    fn find(
        flags: &NodeFlags,
        variables: &[(&str, &str)],
        config: Config,
        default_data: &Path,
    ) -> Result<(String, String), Failure> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let around =
            Surroundings { variable: &variable, config, default_data: default_data.to_owned() };
        flags.find(&around).map(|place| (place.node, place.token))
    }

    #[test]
    fn flags_come_before_the_environment_before_the_config_file_before_the_default() {
        let (flag, env, config, default) = (
            data("http://f", "tf"),
            data("http://e", "te"),
            data("http://c", "tc"),
            data("http://d", "td"),
        );
        let flags = NodeFlags { data: Some(flag.path().into()), ..NodeFlags::default() };
        let variables = [("AIRSSYS_WASM_DATA", env.path().to_str().unwrap())];
        let file = || Config { data: Some(config.path().into()), ..Config::default() };
        let silent = NodeFlags::default();
        let found =
            |flags, variables, config| find(flags, variables, config, default.path()).unwrap();
        assert_eq!(found(&flags, &variables, file()), ("http://f".into(), "tf".into()));
        assert_eq!(found(&silent, &variables, file()), ("http://e".into(), "te".into()));
        assert_eq!(found(&silent, &[], file()), ("http://c".into(), "tc".into()));
        assert_eq!(found(&silent, &[], Config::default()), ("http://d".into(), "td".into()));
    }

    #[test]
    fn a_flag_for_the_data_directory_beats_a_variable_for_the_url() {
        let flag = data("http://f", "tf");
        let flags = NodeFlags { data: Some(flag.path().into()), ..NodeFlags::default() };
        let variables = [("AIRSSYS_WASM_NODE", "http://e"), ("AIRSSYS_WASM_TOKEN", "te")];
        let found = find(&flags, &variables, Config::default(), Path::new("/nowhere"));
        assert_eq!(found.unwrap(), ("http://f".into(), "tf".into()));
    }

    #[test]
    fn a_token_is_never_sent_to_another_node_than_its_own() {
        let local = data("http://127.0.0.1:7070", "secret");
        let named = |url: &str| NodeFlags { node: Some(url.into()), ..NodeFlags::default() };
        let found = |flags| find(&flags, &[], Config::default(), local.path());
        assert_eq!(found(named("http://127.0.0.1:7070/")).unwrap().1, "secret");
        assert_eq!(found(named("http://evil.example")).unwrap_err().code, Code::Unauthorized);
    }

    #[test]
    fn without_a_node_the_failure_says_how_to_start_one() {
        let empty = tempfile::tempdir().unwrap();
        let failure =
            find(&NodeFlags::default(), &[], Config::default(), empty.path()).unwrap_err();
        assert_eq!(failure.code.exit_code(), 7);
        assert!(failure.help.unwrap().contains("airssys-wasm serve"));
    }
}
