//! A service's table as a whole.

use std::fmt;

use airssys_wasm_model::{RevisionNumber, StickyBy};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::attributes::{Attributes, meets};
use super::rule::Rule;
use super::split::{Share, Split, SplitError};
use super::weight::Weight;

/// Where the calls of a service go: the first rule that matches decides, else the shares of all.
///
/// In a record a table without rules is the list of its shares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(into = "Written")]
#[schemars(with = "Written")]
pub struct Table {
    rules: Vec<Rule>,
    sticky: Option<StickyBy>,
    shares: Split,
}

/// Why rules make no [`Table`].
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum TableError {
    /// Its shares are none.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// More rules than [`Table::RULES_MAX`].
    #[error("a table has at most {max} rules, not {0}", max = Table::RULES_MAX)]
    TooManyRules(usize),
    /// A rule that names no revision.
    #[error("the rule `{0}` gives its calls to no revision")]
    Nowhere(String),
    /// A rule that an earlier one leaves no call for.
    #[error(
        "the rule `{rule}` never gets a call: `{before}` stands before it and takes every call that \
         it would match; put it first, or take it out"
    )]
    NeverReached {
        /// The rule.
        rule: String,
        /// The earlier one.
        before: String,
    },
}

impl Table {
    /// No revision gets calls.
    pub const EMPTY: Self = Self { rules: Vec::new(), sticky: None, shares: Split::EMPTY };

    /// Rules at most. A call that none of them takes is held against all.
    pub const RULES_MAX: usize = 64;

    /// Every call goes to one revision.
    pub fn all(revision: RevisionNumber) -> Self {
        Split::all(revision).into()
    }

    /// `candidate` gets its share, and `active` what is left.
    pub fn split(candidate: RevisionNumber, weight: Weight, active: RevisionNumber) -> Self {
        Split::all(active).raised(candidate, weight).into()
    }

    /// This table with `candidate` at a share, and the others at what it leaves, in their proportion; see
    /// [`Split::raised`]. The rules stay as they are.
    #[must_use]
    pub fn raised(&self, candidate: RevisionNumber, weight: Weight) -> Self {
        Self { shares: self.shares.raised(candidate, weight), ..self.clone() }
    }

    /// This table with these rules in place of its own, in their order.
    ///
    /// # Errors
    /// When there are too many, or one of them can never get a call.
    pub fn with_rules(self, rules: Vec<Rule>) -> Result<Self, TableError> {
        if rules.len() > Self::RULES_MAX {
            return Err(TableError::TooManyRules(rules.len()));
        }
        for (at, rule) in rules.iter().enumerate() {
            if rule.shares.is_empty() {
                return Err(TableError::Nowhere(rule.when.to_string()));
            }
            if let Some(before) = rules[..at].iter().find(|it| it.when.covers(&rule.when)) {
                let (rule, before) = (rule.when.to_string(), before.when.to_string());
                return Err(TableError::NeverReached { rule, before });
            }
        }
        Ok(Self { rules, ..self })
    }

    /// This table, sticking by this in place of what its service sticks by.
    #[must_use]
    pub fn sticking_by(self, sticky: Option<StickyBy>) -> Self {
        Self { sticky, ..self }
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What its splits stick to, if it is not left to the service.
    pub fn sticky(&self) -> Option<&StickyBy> {
        self.sticky.as_ref()
    }

    /// Who gets which share of the calls that no rule takes.
    pub fn shares(&self) -> &[Share] {
        self.shares.shares()
    }

    /// Every revision that it names, in a share or in a rule, once each.
    pub fn revisions(&self) -> Vec<RevisionNumber> {
        let splits = std::iter::once(&self.shares).chain(self.rules.iter().map(|it| &it.shares));
        let mut named = Vec::new();
        for share in splits.flat_map(Split::shares) {
            if !named.contains(&share.revision) {
                named.push(share.revision);
            }
        }
        named
    }

    /// Whether no revision gets calls.
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty() && self.rules.is_empty()
    }

    /// The share of this revision, if the table names it: nothing, for one that only a rule names.
    pub fn weight(&self, revision: RevisionNumber) -> Option<Weight> {
        let by_rule = || {
            let mut named = self.rules.iter().map(|rule| rule.shares.weight(revision));
            named.any(|weight| weight.is_some()).then_some(Weight::NONE)
        };
        self.shares.weight(revision).or_else(by_rule)
    }

    /// The row of the shares for this draw, a random number: where a call goes if no rule takes it.
    pub fn draw(&self, draw: u64) -> Option<usize> {
        self.shares.pick(draw)
    }

    /// Where this call goes: the split that decides, and its row. `draw` is a random number, for a call
    /// without a key. `None` when nobody gets the call.
    pub(crate) fn pick(
        &self,
        call: &impl Attributes,
        sticky: Option<&StickyBy>,
        seed: u64,
        draw: u64,
    ) -> Option<Picked> {
        let rule = self.rules.iter().position(|rule| meets(call, &rule.when));
        let split = rule.map_or(&self.shares, |rule| &self.rules[rule].shares);
        let row = match sticky {
            Some(by) if split.shares().len() > 1 => call.key(by, |key| match key {
                Some(key) if !key.is_empty() => split.stick(seed, key),
                _ => split.pick(draw),
            }),
            _ => split.pick(draw),
        };
        Some(Picked { rule, row: row? })
    }

    /// This table without a revision that cannot serve: the others take its calls, in their proportion. A
    /// rule that has no other leaves its calls to what comes after it.
    #[must_use]
    pub fn without(&self, revision: RevisionNumber) -> Self {
        let without =
            |rule: &Rule| Rule { when: rule.when.clone(), shares: rule.shares.without(revision) };
        let rules = self.rules.iter().map(without).filter(|rule| !rule.shares.is_empty());
        Self {
            rules: rules.collect(),
            sticky: self.sticky.clone(),
            shares: self.shares.without(revision),
        }
    }
}

/// What [`Table::pick`] comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picked {
    /// The rule whose split decided, if one did.
    pub(crate) rule: Option<usize>,
    /// The row in that split.
    pub(crate) row: usize,
}

/// A table as it is written: the list of its shares alone, as in every record before there were rules.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    Shares(Split),
    Whole(Whole),
}

#[derive(Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sticky: Option<StickyBy>,
    #[serde(default)]
    shares: Split,
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Takes a table in either form. By hand, for an untagged enum would hide the mistake in either.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Table;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of shares, or a table with `rules`, `sticky` and `shares`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<Table, A::Error> {
        Ok(Split::deserialize(SeqAccessDeserializer::new(rows))?.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table, A::Error> {
        let Whole { rules, sticky, shares } = Whole::deserialize(MapAccessDeserializer::new(map))?;
        Table::from(shares).sticking_by(sticky).with_rules(rules).map_err(de::Error::custom)
    }
}

impl From<Table> for Written {
    fn from(table: Table) -> Self {
        let Table { rules, sticky, shares } = table;
        if rules.is_empty() && sticky.is_none() {
            Self::Shares(shares)
        } else {
            Self::Whole(Whole { rules, sticky, shares })
        }
    }
}

impl TryFrom<Vec<Share>> for Table {
    type Error = TableError;

    fn try_from(shares: Vec<Share>) -> Result<Self, TableError> {
        Ok(Split::try_from(shares)?.into())
    }
}

impl From<Split> for Table {
    fn from(shares: Split) -> Self {
        Self { rules: Vec::new(), sticky: None, shares }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.rules {
            write!(f, "{rule}, else ")?;
        }
        write!(f, "{}", self.shares)?;
        match &self.sticky {
            Some(by) => write!(f, ", sticking by {by}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: RevisionNumber = RevisionNumber(1);
    const NEW: RevisionNumber = RevisionNumber(2);
    const THIRD: RevisionNumber = RevisionNumber(3);

    fn rule(when: &str, revision: RevisionNumber) -> Rule {
        Rule::to(when.parse().unwrap(), revision)
    }

    fn table() -> Table {
        let tenth = Weight::from_percent(10.0).unwrap();
        let rules = vec![rule("header:x-beta=1", THIRD), rule("path^=/v2/ & header:x-beta", NEW)];
        Table::split(NEW, tenth, OLD).with_rules(rules).unwrap()
    }

    #[test]
    fn a_record_from_before_rules_is_read_and_a_table_without_them_is_written_so() {
        let former = r#"[{"revision":2,"weight":500},{"revision":1,"weight":9500}]"#;
        let table: Table = serde_json::from_str(former).unwrap();
        assert_eq!(table, Table::split(NEW, Weight::from_percent(5.0).unwrap(), OLD));
        assert_eq!(serde_json::to_string(&table).unwrap(), former);
        assert_eq!(serde_json::to_string(&Table::EMPTY).unwrap(), "[]");
    }

    #[test]
    fn a_table_with_rules_prints_and_reads_as_it_is() {
        let table = table().sticking_by(Some("cookie:session".parse().unwrap()));
        insta::assert_snapshot!(
            table,
            @"`header:x-beta=1` to r3 100%, else `path^=/v2/ & header:x-beta` to r2 100%, else r2 10%, r1 90%, sticking by cookie:session"
        );
        insta::assert_json_snapshot!(table.rules()[1], @r#"
        {
          "when": [
            {
              "on": "path",
              "prefix": "/v2/"
            },
            {
              "header": "x-beta",
              "present": true
            }
          ],
          "shares": [
            {
              "revision": 2,
              "weight": 10000
            }
          ]
        }
        "#);
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<Table>(&text).unwrap(), table);
    }

    #[test]
    fn a_rule_that_an_earlier_one_takes_everything_from_is_refused() {
        let rules = vec![rule("header:x", NEW), rule("path=/a & header:x=1", OLD)];
        let refused = Table::all(OLD).with_rules(rules.clone());
        assert!(matches!(&refused, Err(TableError::NeverReached { .. })), "{refused:?}");
        assert!(Table::all(OLD).with_rules(rules.into_iter().rev().collect()).is_ok());
        let many = (0..65).map(|at| rule(&format!("header:x={at}"), NEW)).collect();
        assert_eq!(Table::all(OLD).with_rules(many), Err(TableError::TooManyRules(65)));
        let nowhere = r#"{"rules":[{"when":["path=/a"],"shares":[]}]}"#;
        let refused = serde_json::from_str::<Table>(nowhere).unwrap_err().to_string();
        assert!(refused.contains("to no revision"), "{refused}");
    }

    #[test]
    fn what_is_no_table_is_refused_in_words() {
        for (json, words) in [
            (r#"[{"revision":1,"weight":6000},{"revision":2,"weight":6000}]"#, "add up to 12000"),
            (r#"{"rules":[{"when":[],"shares":[{"revision":1,"weight":10000}]}]}"#, "a condition"),
            (r#"{"rules":[{"when":["weather"],"shares":[]}]}"#, "no attribute of a call"),
            (r#"{"sticky":"path"}"#, "nothing to stick by"),
            ("7", "a list of shares"),
        ] {
            let error = serde_json::from_str::<Table>(json).unwrap_err().to_string();
            assert!(error.contains(words), "{json}: {error}");
        }
    }

    #[test]
    fn a_revision_that_only_a_rule_names_is_named() {
        let table = table();
        assert_eq!(table.revisions(), [NEW, OLD, THIRD]);
        assert_eq!(table.weight(THIRD).map(Weight::percent), Some(0.0));
        assert_eq!(table.weight(RevisionNumber(4)), None);
    }

    #[test]
    fn the_calls_of_a_rule_without_its_revision_go_on_to_the_next() {
        let left = table().without(NEW);
        assert_eq!(left, Table::all(OLD).with_rules(vec![rule("header:x-beta=1", THIRD)]).unwrap());
        assert_eq!(Table::all(OLD).without(OLD), Table::EMPTY);
    }
}
