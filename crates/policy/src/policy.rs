//! A policy: its text, checked against the vocabulary.

use std::collections::{BTreeSet, HashSet};

use cedar_policy::{ParseErrors, PolicyId, PolicySet, ValidationMode, Validator};

use crate::cedar::SCHEMA;
use crate::finding::{Finding, Lines, Locator, Severity};
use crate::lint;
use crate::recording;
use crate::rule::Rule;
use crate::scan::{MAX_DEPTH, MAX_OPERATORS, TooDeep, rule_starts};

/// The operator's policy, checked: what it may say wrong about the vocabulary has been refused.
#[derive(Debug, Clone)]
pub struct Policy {
    text: String,
    /// Each under its rule's name.
    set: PolicySet,
    /// In the order of the text.
    rules: Vec<Rule>,
    /// Those that forbid calls to go unrecorded.
    recording: PolicySet,
    warnings: Vec<Finding>,
}

/// Why a text is no [`Policy`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PolicyError {
    /// More text than a policy may have.
    #[error("the policy has {bytes} bytes; at most {} are read", Policy::MAX_BYTES)]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// What is wrong, each with its place.
    #[error("the policy can't be used:{}", Lines(.0))]
    Invalid(Vec<Finding>),
}

impl Policy {
    /// The longest text. A policy of 64 rules has some 16 KiB.
    pub const MAX_BYTES: usize = 256 << 10;

    /// The most rules. Each is looked at in each decision.
    pub const MAX_RULES: usize = 512;

    /// The most findings that are told at once; whoever mends these sees the next.
    pub const MAX_FINDINGS: usize = 64;

    /// What roles mean where the operator says nothing else: `admin`, `deployer`, `operator`, `reader`.
    pub const fn default_text() -> &'static str {
        include_str!("default.cedar")
    }

    /// Reads a policy and checks every rule against the vocabulary, strictly: an act, an attribute or an
    /// entity that does not exist is an error, and so is a comparison of values of different types.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, up to [`Policy::MAX_FINDINGS`].
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > Self::MAX_BYTES {
            return Err(PolicyError::TooLong { bytes: text.len() });
        }
        let locator = Locator::of(text);
        let parsed = read(text, locator)?;
        let (set, rules) = name(&parsed, text, locator)?;
        let mut warnings = validate(&set, locator)?;
        warnings.extend(lint::check(&rules));
        warnings.sort_by_key(|warning| (warning.line, warning.column));
        warnings.truncate(Self::MAX_FINDINGS);
        let recording = recording::of(&rules, &set);
        Ok(Self { text: text.to_owned(), set, rules, recording, warnings })
    }

    /// The text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What looks like a mistake: a rule that never applies, one that another makes useless, a permit for
    /// everyone.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// The names of the rules, in the order of the text.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.name)
    }

    /// The roles that its rules name, in their heads or their conditions.
    pub fn roles(&self) -> BTreeSet<String> {
        let literals = self.set.policies().flat_map(|rule| rule.entity_literals());
        let roles = literals.filter(|literal| literal.type_name().to_string() == "Role");
        roles.map(|role| role.id().unescaped().to_owned()).collect()
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub(crate) const fn recording(&self) -> &PolicySet {
        &self.recording
    }

    pub(crate) const fn set(&self) -> &PolicySet {
        &self.set
    }
}

fn read(text: &str, locator: Locator<'_>) -> Result<PolicySet, PolicyError> {
    let error = |at, message| invalid([locator.finding(Severity::Error, at, message)]);
    let starts = rule_starts(text).map_err(|TooDeep(at)| {
        let bounds = format!("{MAX_OPERATORS} operators or brackets {MAX_DEPTH} deep");
        error(at, format!("a rule has more than {bounds}: split it into several"))
    })?;
    if let Some(at) = starts.get(Policy::MAX_RULES) {
        return Err(error(*at, format!("there are more than {} rules", Policy::MAX_RULES)));
    }
    let set: PolicySet = text.parse().map_err(|errors: ParseErrors| {
        invalid(errors.iter().map(|error| locator.diagnostic(Severity::Error, error)))
    })?;
    if set.num_of_templates() > 0 {
        let at = text.find('?').unwrap_or_default();
        return Err(error(
            at,
            "a rule with a slot such as `?principal` has no use here".to_owned(),
        ));
    }
    Ok(set)
}

/// Gives each rule its name, so that decisions name what the operator wrote.
fn name(
    parsed: &PolicySet,
    text: &str,
    locator: Locator<'_>,
) -> Result<(PolicySet, Vec<Rule>), PolicyError> {
    let starts = rule_starts(text).unwrap_or_default();
    let mut seen = HashSet::new();
    let (mut rules, mut named, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (index, at) in starts.into_iter().enumerate() {
        // Cedar numbers what it reads; a text that it read has nothing else between two semicolons.
        let Some(policy) = parsed.policy(&PolicyId::new(format!("policy{index}"))) else {
            continue;
        };
        let rule = match Rule::of(policy, locator.position(at)) {
            Ok(rule) => rule,
            Err(message) => {
                wrong.push(locator.finding(Severity::Error, at, message));
                continue;
            }
        };
        if let Some(message) = recording::mistake(&rule, policy) {
            wrong.push(locator.finding(Severity::Error, at, message));
        }
        if !seen.insert(rule.name.clone()) {
            let message = format!("there are two rules with the id `{}`", rule.name);
            wrong.push(locator.finding(Severity::Error, at, message));
        }
        named.push(policy.new_id(PolicyId::new(&rule.name)));
        rules.push(rule);
    }
    if !wrong.is_empty() {
        return Err(invalid(wrong));
    }
    // A rule that was not found by its place must not be lost: it may be a forbid.
    if named.len() != parsed.num_of_policies() {
        let message = "the rules can't be told apart: end each with `;`".to_owned();
        return Err(invalid([locator.finding(Severity::Error, 0, message)]));
    }
    let set = PolicySet::from_policies(named)
        .map_err(|error| invalid([locator.diagnostic(Severity::Error, &error)]))?;
    Ok((set, rules))
}

/// The warnings of Cedar's validator.
fn validate(set: &PolicySet, locator: Locator<'_>) -> Result<Vec<Finding>, PolicyError> {
    let result = Validator::new(SCHEMA.clone()).validate(set, ValidationMode::Strict);
    let about = |finding: Finding, id: &PolicyId| {
        let said = format!("for policy `{id}`, ");
        let message = finding.message.replacen(&said, "", 1);
        Finding { policy: Some(id.to_string()), message, ..finding }
    };
    let errors: Vec<_> = result
        .validation_errors()
        .map(|error| about(locator.diagnostic(Severity::Error, error), error.policy_id()))
        .collect();
    if !errors.is_empty() {
        return Err(invalid(errors));
    }
    Ok(result
        .validation_warnings()
        .map(|found| about(locator.diagnostic(Severity::Warning, found), found.policy_id()))
        .collect())
}

/// In the order of the text, each once: the validator reports an error for every kind of request.
fn invalid(findings: impl IntoIterator<Item = Finding>) -> PolicyError {
    let mut findings: Vec<_> = findings.into_iter().collect();
    findings.sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
    findings.dedup();
    findings.truncate(Policy::MAX_FINDINGS);
    PolicyError::Invalid(findings)
}
