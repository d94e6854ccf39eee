//! What the operator allows: flags, a grants file, or a yes to what is asked.

use std::path::PathBuf;
use std::str::FromStr;

use airssys_wasm_api::command::grant_all_asked;
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::{Asked, Grant, GrantError, Grants, MissingGrant, Rights, RightsError};

use crate::ui::Ui;

/// What is granted on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct GrantFlags {
    /// Allow something: files:HOST=GUEST:read,write, http:HOST, env:NAME, env:NAME=VALUE, or `asked` for
    /// all that the component asks for.
    #[arg(long = "grant", value_name = "GRANT")]
    grant: Vec<GrantFlag>,

    /// Allow what this TOML file lists.
    #[arg(long, value_name = "FILE")]
    grants: Option<PathBuf>,
}

#[derive(Debug, Clone)]
enum GrantFlag {
    Asked,
    One(Grant),
}

impl FromStr for GrantFlag {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        match text {
            "asked" => Ok(Self::Asked),
            _ => text.parse().map(Self::One),
        }
    }
}

impl GrantFlags {
    /// Whether nothing was said of grants.
    pub(crate) fn is_silent(&self) -> bool {
        self.grant.is_empty() && self.grants.is_none()
    }

    /// Whether all that is asked is allowed.
    pub(crate) fn grants_asked(&self) -> bool {
        self.grant.iter().any(|flag| matches!(flag, GrantFlag::Asked))
    }

    /// What is allowed by name.
    pub(crate) fn named(&self) -> Result<Grants, Failure> {
        let mut all = match &self.grants {
            Some(path) => read(path)?,
            None => Grants::default(),
        };
        all.0.extend(self.grant.iter().filter_map(|flag| match flag {
            GrantFlag::One(grant) => Some(grant.clone()),
            GrantFlag::Asked => None,
        }));
        Ok(all)
    }

    /// What is allowed in the end, once whoever sits at the terminal has been asked for what is missing.
    pub(crate) fn settle(&self, asked: &Asked, ui: &Ui) -> anyhow::Result<Grants> {
        let named = self.named()?;
        if self.grants_asked() {
            let all = grant_all_asked(asked, &named).map_err(|error| denied(&error))?;
            for grant in all.0.iter().filter(|grant| !named.0.contains(grant)) {
                ui.say(&format!("granting {grant}"));
            }
            return Ok(all);
        }
        let missing = match Rights::intersect(asked, &named) {
            Ok(_) => return Ok(named),
            Err(RightsError::Missing(missing)) => missing,
            Err(error) => return Err(denied(&error).into()),
        };
        if !ui.can_ask() {
            return Err(refusal(&missing).into());
        }
        ui.say("The component asks for:");
        for one in &missing {
            ui.say(&format!("  {}  ({})", one.asked, one.reason));
        }
        let all = grant_all_asked(asked, &named).map_err(|error| denied(&error))?;
        for grant in all.0.iter().filter(|grant| !named.0.contains(grant)) {
            ui.say(&format!("  yes grants {grant}"));
        }
        if ui.ask("Allow it?")? { Ok(all) } else { Err(refusal(&missing).into()) }
    }
}

fn read(path: &PathBuf) -> Result<Grants, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => Code::NotFound,
            _ => Code::Failed,
        };
        Failure::new(code, format!("{shown} cannot be read: {error}"))
    })?;
    Grants::parse_toml(&text)
        .map_err(|error| Failure::new(Code::Usage, format!("{shown}: {error}")))
}

/// The refusal, with the flags that would turn it into a yes.
fn refusal(missing: &[MissingGrant]) -> Failure {
    let asked: Vec<_> =
        missing.iter().map(|one| format!("{} ({})", one.asked, one.reason)).collect();
    let flags: Vec<_> = missing.iter().map(|one| format!("--grant {}", one.grant)).collect();
    Failure::new(Code::Denied, format!("the component asks for {}", asked.join(", ")))
        .help(format!("add {}, or --grant asked", flags.join(" ")))
}

fn denied(error: &RightsError) -> Failure {
    Failure::new(Code::Denied, error)
}

#[cfg(test)]
mod tests {
    use airssys_wasm_model::EnvAsk;

    use super::*;
    use crate::ui::Format;

    fn asked() -> Asked {
        let env = vec![EnvAsk { name: "TZ".into(), reason: "dates".into() }];
        Asked { env, ..Asked::default() }
    }

    fn flags(grants: &[&str]) -> GrantFlags {
        let grant = grants.iter().map(|text| text.parse().unwrap()).collect();
        GrantFlags { grant, grants: None }
    }

    #[test]
    fn without_a_terminal_the_refusal_prints_the_flags_to_add() {
        let ui = Ui::new(Format::Json);
        let error = flags(&[]).settle(&asked(), &ui).unwrap_err();
        let failure = error.downcast_ref::<Failure>().unwrap();
        assert_eq!(failure.code.exit_code(), 4);
        assert_eq!(failure.message, "the component asks for the variable `TZ` (dates)");
        assert_eq!(failure.help.as_deref(), Some("add --grant env:TZ, or --grant asked"));
    }

    #[test]
    fn what_is_granted_by_flag_needs_no_question() {
        let ui = Ui::new(Format::Json);
        for granted in ["env:TZ", "asked"] {
            let all = flags(&[granted]).settle(&asked(), &ui).unwrap();
            assert_eq!(all.0[0].to_string(), "env:TZ");
        }
    }

    #[test]
    fn a_grants_file_adds_to_the_flags() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grants.toml");
        std::fs::write(&path, "env = [{ name = \"A\" }]").unwrap();
        let flags = GrantFlags { grants: Some(path), ..flags(&["env:B"]) };
        let said: Vec<_> = flags.named().unwrap().0.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["env:A", "env:B"]);
    }
}
