//! What a rule matches: conditions that all hold.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attribute::Attribute;
use super::condition::{Condition, ConditionError, Test};

/// Conditions that all hold, at least one. Some call can meet them: those that exclude one another are
/// refused. As text they stand with ` & ` between them: `header:x-beta=1 & path^=/v2/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Condition>", into = "Vec<Condition>")]
#[schemars(with = "Vec<Condition>")]
pub struct Match(Vec<Condition>);

/// Why conditions make no [`Match`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// A condition is none.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// None at all.
    #[error("a rule needs a condition; what has none is the split of the table itself")]
    Empty,
    /// More than [`Match::CONDITIONS_MAX`].
    #[error("a rule has at most {max} conditions, not {0}", max = Match::CONDITIONS_MAX)]
    TooMany(usize),
    /// No call can meet them all.
    #[error("no call meets all of `{0}`: they exclude one another")]
    Never(String),
}

impl Match {
    /// Conditions at most: each is looked at for a call, while they hold.
    pub const CONDITIONS_MAX: usize = 8;

    /// Conditions that some call meets together.
    ///
    /// # Errors
    /// When there are none or too many, or when they exclude one another.
    pub fn new(conditions: Vec<Condition>) -> Result<Self, MatchError> {
        match conditions.len() {
            0 => return Err(MatchError::Empty),
            count if count > Self::CONDITIONS_MAX => return Err(MatchError::TooMany(count)),
            _ => {}
        }
        let matching = Self(conditions);
        for condition in &matching.0 {
            let attribute = condition.attribute();
            if !matching.on(attribute).can_be_met() {
                let tests = matching.0.iter().filter(|other| other.attribute() == attribute);
                let tests: Vec<_> = tests.map(ToString::to_string).collect();
                return Err(MatchError::Never(tests.join(" & ")));
            }
        }
        Ok(matching)
    }

    /// The conditions.
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// Whether every call that meets `other` meets this too, so that a rule with `other` after a rule with
    /// this never gets a call. Where that cannot be seen from the texts it says no.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.iter().all(|condition| other.on(condition.attribute()).implies(condition.test()))
    }

    fn on(&self, attribute: &Attribute) -> Tests<'_> {
        let on = self.0.iter().filter(|condition| condition.attribute() == attribute);
        Tests(on.map(Condition::test).collect())
    }
}

/// All that is asked of one attribute.
struct Tests<'a>(Vec<&'a Test>);

impl Tests<'_> {
    /// The values that pass all, if they are listed.
    fn listed(&self) -> Option<Vec<&str>> {
        let values = self.0.iter().find_map(|test| test.listed())?;
        let passes = |value: &&str| self.0.iter().all(|test| test.passes(value.as_bytes()));
        Some(values.iter().map(String::as_str).filter(passes).collect())
    }

    fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|test| match test {
            Test::Prefix(prefix) => Some(prefix.as_str()),
            _ => None,
        })
    }

    fn can_be_met(&self) -> bool {
        if let Some(values) = self.listed() {
            return !values.is_empty();
        }
        // What begins with two prefixes begins with the longer one, and that with the shorter one.
        let longest = self.prefixes().max_by_key(|prefix| prefix.len()).unwrap_or_default();
        self.prefixes().all(|prefix| longest.starts_with(prefix))
    }

    /// Whether what passes all of these passes that too.
    fn implies(&self, wanted: &Test) -> bool {
        if self.0.is_empty() {
            return false;
        }
        if let Some(values) = self.listed() {
            return values.iter().all(|value| wanted.passes(value.as_bytes()));
        }
        match wanted {
            Test::Present => true,
            Test::Prefix(wanted) => {
                self.prefixes().any(|prefix| prefix.starts_with(wanted.as_str()))
            }
            Test::Is(_) | Test::OneOf(_) => false,
        }
    }
}

impl FromStr for Match {
    type Err = MatchError;

    fn from_str(text: &str) -> Result<Self, MatchError> {
        if text.trim().is_empty() {
            return Err(MatchError::Empty);
        }
        let conditions = text.split(" & ").map(str::parse).collect::<Result<_, _>>()?;
        Self::new(conditions)
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, condition) in self.0.iter().enumerate() {
            let and = if at == 0 { "" } else { " & " };
            write!(f, "{and}{condition}")?;
        }
        Ok(())
    }
}

impl TryFrom<Vec<Condition>> for Match {
    type Error = MatchError;

    fn try_from(conditions: Vec<Condition>) -> Result<Self, MatchError> {
        Self::new(conditions)
    }
}

impl From<Match> for Vec<Condition> {
    fn from(matching: Match) -> Self {
        matching.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(text: &str) -> Match {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn conditions_that_exclude_one_another_are_refused() {
        for text in [
            "header:x=1 & header:X=2",
            "header:x=1 & header:x in 2,3",
            "path=/a & path^=/b",
            "path^=/a/b & path^=/a/c",
            "method in GET,HEAD & method in PUT,POST",
            "method in GET,PUT & method in PUT,POST & method in POST,GET",
        ] {
            assert!(matches!(text.parse::<Match>(), Err(MatchError::Never(_))), "{text}");
        }
        for text in [
            "header:x=1 & header:y=2",
            "header:x=1 & header:x in 1,3",
            "path=/a/b & path^=/a",
            "path^=/a & path^=/a/c & path",
            "method in GET,HEAD & method in HEAD,POST",
        ] {
            assert_eq!(matching(text).to_string(), text);
        }
    }

    #[test]
    fn a_rule_has_conditions_and_not_too_many() {
        assert_eq!("".parse::<Match>(), Err(MatchError::Empty));
        assert!(serde_json::from_str::<Match>("[]").is_err());
        let nine: Vec<_> = (0..9).map(|at| format!("header:x{at}=1")).collect();
        assert_eq!(nine.join(" & ").parse::<Match>(), Err(MatchError::TooMany(9)));
        assert!(nine[1..].join(" & ").parse::<Match>().is_ok());
    }

    #[test]
    fn what_a_rule_covers_it_leaves_nothing_of() {
        for (wide, narrow) in [
            ("header:x", "header:x=1"),
            ("header:x in 1,2", "header:x=2 & path=/a"),
            ("path^=/a", "path^=/a/b"),
            ("path^=/a", "path in /a,/ab"),
            ("method in GET,HEAD", "method in GET,PUT & method in GET,POST"),
        ] {
            assert!(matching(wide).covers(&matching(narrow)), "{wide}: {narrow}");
            assert!(!matching(narrow).covers(&matching(wide)), "{narrow}: {wide}");
        }
        assert!(!matching("header:x=1").covers(&matching("header:y=1")));
        assert!(!matching("header:x=1 & path=/a").covers(&matching("header:x=1")));
    }
}
