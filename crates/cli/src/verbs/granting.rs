//! What the operator allows: flags, a grants file, or a yes to what is asked.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use airssys_wasm_api::command::grant_all_asked;
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::{Asked, Grant, GrantError, Grants, MissingGrant, Rights, RightsError};

use crate::files::read_text;
use crate::ui::{Ui, harmless_line};

/// What is granted on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct GrantFlags {
    /// Allow something: files:HOST=GUEST:read,write, http:HOST, net:HOST:PORT, dns:NAME,
    /// listen:PORT, listen:ADDRESS:PORT, env:NAME, env:NAME=VALUE, or `asked` for all that the component asks for.
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
    pub(crate) async fn settle(&self, asked: &Asked, ui: &Ui) -> anyhow::Result<Grants> {
        let named = self.named()?;
        if self.grants_asked() {
            let all = grant_all_asked(asked, &named).map_err(|error| denied(&error))?;
            say_each("granting", &added(&named, &all), ui);
            return Ok(all);
        }
        let missing = match Rights::intersect(asked, &named) {
            Ok(_) => return Ok(named),
            Err(RightsError::Missing(missing)) => missing,
            Err(error) => return Err(denied(&error).into()),
        };
        if !ui.can_ask() || !is_allowed(&missing, asked, &named, ui).await? {
            return Err(refusal(&missing).into());
        }
        Ok(grant_all_asked(asked, &named).map_err(|error| denied(&error))?)
    }

    /// Whether something is allowed by name.
    pub(crate) fn names_any(&self) -> bool {
        let names_one = self.grant.iter().any(|flag| matches!(flag, GrantFlag::One(_)));
        self.grants.is_some() || names_one
    }

    /// What an update says of grants. What is not named stays as the operator has set it; `asked` adds to
    /// that, and a name replaces it all.
    pub(crate) fn change(&self) -> Result<GrantChange, Failure> {
        let grants = self.names_any().then(|| self.named()).transpose()?;
        Ok(GrantChange { grants, asked: self.grants_asked() })
    }

    /// The same for a component whose asks are known, once whoever sits at the terminal has been asked for
    /// what neither the flags nor the active revision's grants allow.
    pub(crate) async fn settle_change(
        &self,
        asked: &Asked,
        active: &Grants,
        ui: &Ui,
    ) -> anyhow::Result<GrantChange> {
        let mut change = self.change()?;
        let granted = change.grants.clone().unwrap_or_else(|| Rights::still_asked(asked, active));
        if let Err(RightsError::Missing(missing)) = Rights::intersect(asked, &granted)
            && !change.asked
            && ui.can_ask()
        {
            if !is_allowed(&missing, asked, &granted, ui).await? {
                return Err(refusal(&missing).into());
            }
            change.asked = true;
        }
        Ok(change)
    }
}

/// What an update says of grants.
#[derive(Debug, PartialEq)]
pub(crate) struct GrantChange {
    /// In the place of the active revision's.
    pub(crate) grants: Option<Grants>,
    /// And all that is asked besides.
    pub(crate) asked: bool,
}

/// Says what is granted that was not before.
pub(crate) fn say_added(before: &Grants, after: &Grants, ui: &Ui) {
    say_each("granted", &added(before, after), ui);
}

fn added(before: &Grants, after: &Grants) -> Vec<Grant> {
    after.0.iter().filter(|grant| !before.0.contains(grant)).cloned().collect()
}

fn say_each(done: &str, grants: &[Grant], ui: &Ui) {
    for grant in grants {
        ui.say(&format!("{done} {}", harmless_line(&grant.to_string())));
    }
}

/// Shows what is missing, with the component's reasons and with what a yes would grant, and asks.
async fn is_allowed(
    missing: &[MissingGrant],
    asked: &Asked,
    granted: &Grants,
    ui: &Ui,
) -> anyhow::Result<bool> {
    let all = grant_all_asked(asked, granted).map_err(|error| denied(&error))?;
    ui.say("The component asks for:");
    for one in missing {
        ui.say(&format!("  {}  ({})", harmless_line(&one.asked), harmless_line(&one.reason)));
    }
    say_each("  yes grants", &added(granted, &all), ui);
    ui.ask("Allow it?").await
}

fn read(path: &Path) -> Result<Grants, Failure> {
    Grants::parse_toml(&read_text(path)?)
        .map_err(|error| Failure::new(Code::Usage, format!("{}: {error}", path.display())))
}

/// The refusal, with the flags that would turn it into a yes.
fn refusal(missing: &[MissingGrant]) -> Failure {
    let asked: Vec<_> = missing
        .iter()
        .map(|one| format!("{} ({})", one.asked, harmless_line(&one.reason)))
        .collect();
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
    fn an_update_keeps_the_operators_grants_unless_some_are_named() {
        let kept = GrantChange { grants: None, asked: false };
        assert_eq!(flags(&[]).change().unwrap(), kept);
        let topped_up = GrantChange { grants: None, asked: true };
        assert_eq!(flags(&["asked"]).change().unwrap(), topped_up);
        let replaced = flags(&["env:TZ", "asked"]).change().unwrap();
        assert_eq!((replaced.grants.unwrap().0.len(), replaced.asked), (1, true));
    }

    #[test]
    fn what_is_no_longer_asked_is_not_kept() {
        let granted = Grants(vec!["env:OLD".parse().unwrap(), "env:TZ".parse().unwrap()]);
        let kept = Rights::still_asked(&asked(), &granted);
        assert_eq!(kept.0, ["env:TZ".parse().unwrap()]);
    }

    #[tokio::test]
    async fn without_a_terminal_the_refusal_prints_the_flags_to_add() {
        let ui = Ui::new(Format::Json);
        let error = flags(&[]).settle(&asked(), &ui).await.unwrap_err();
        let failure = error.downcast_ref::<Failure>().unwrap();
        assert_eq!(failure.code.exit_code(), 4);
        assert_eq!(failure.message, "the component asks for the variable `TZ` (dates)");
        assert_eq!(failure.help.as_deref(), Some("add --grant env:TZ, or --grant asked"));
    }

    #[tokio::test]
    async fn what_is_granted_by_flag_needs_no_question() {
        let ui = Ui::new(Format::Json);
        for granted in ["env:TZ", "asked"] {
            let all = flags(&[granted]).settle(&asked(), &ui).await.unwrap();
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
