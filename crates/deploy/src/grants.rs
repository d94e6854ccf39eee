//! What an operator says of a service's grants after its revisions were made.
//!
//! A revision is granted what it was made with, and that never changes. What the operator says later is kept with the
//! service, in order, and each word counts for the revisions that there are then: the running ones and those that a
//! rollback may bring back. So a revocation holds for an older revision too, also for one that was granted more under
//! other words: **a revocation takes away every grant that would still allow some of what is revoked.** Nothing but a
//! later word brings any of it back: `grants add`, or an update that names grants. An update that names none takes
//! over what is in force of the active revision's, and where its manifest asks for what was revoked, it is refused as
//! any update whose asks are not granted.

use airssys_wasm_model::{Grant, Grants, RevisionNumber};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::ServiceRecord;
use crate::revision::RevisionRecord;
use crate::timestamp::Timestamp;

/// Words that are kept: a grant that is given and revoked again and again takes two, so this is an operator who has
/// named this many grants since the oldest revision that is kept.
pub const GRANT_CHANGES_MAX: usize = 256;

/// Revocations are taken beyond that: they must not be refused for what was given. At this many, `--all` is left,
/// which takes one.
const REVOCATIONS_MAX: usize = 2 * GRANT_CHANGES_MAX;

/// One word of the operator's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GrantChange {
    /// What was said.
    pub act: GrantAct,
    /// The revision after the last one that it counts for.
    pub before: RevisionNumber,
    /// When.
    pub at: Timestamp,
    /// Who said it.
    pub by: String,
}

/// What is said of grants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GrantAct {
    /// It is allowed.
    Add(Grant),
    /// It is allowed no more.
    Revoke(Grant),
    /// Nothing is allowed any more.
    RevokeAll,
}

/// A grant of a revision, and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantStanding {
    /// The grant.
    pub grant: Grant,
    /// Since when.
    pub at: Timestamp,
    /// Whose word it is.
    pub by: String,
    /// When it was taken away and by whom, if it was.
    pub revoked: Option<(Timestamp, String)>,
}

/// Why nothing was said.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GrantChangeError {
    /// Every revision that it is for has it.
    #[error("`{0}` is granted already")]
    Granted(Grant),
    /// No revision has it.
    #[error("`{0}` is not granted")]
    NotGranted(Grant),
    /// A wider grant allows it.
    #[error("`{part}` is not granted by itself: it is a part of `{whole}`")]
    Part {
        /// What was to be revoked.
        part: Box<Grant>,
        /// What is granted.
        whole: Box<Grant>,
    },
    /// The bound on what is kept.
    #[error("more than {GRANT_CHANGES_MAX} changes of grants are not kept")]
    TooMany,
}

impl ServiceRecord {
    /// The grants of a revision, those that were taken away among them.
    pub fn grant_standings(&self, revision: &RevisionRecord) -> Vec<GrantStanding> {
        let own = revision.settings.grants.0.iter().map(|grant| {
            let (at, by) = self.granted_since(revision, grant);
            GrantStanding { grant: grant.clone(), at, by, revoked: None }
        });
        let mut all: Vec<_> = own.collect();
        for change in self.grant_changes.iter().filter(|it| revision.number < it.before) {
            change.apply(&mut all);
        }
        let in_force: Vec<_> = all.iter().filter(|it| it.revoked.is_none()).cloned().collect();
        // One that was given again is not also shown as taken away.
        all.retain(|it| {
            it.revoked.is_none() || !in_force.iter().any(|other| other.grant == it.grant)
        });
        all
    }

    /// What a revision is granted now.
    pub fn grants_of(&self, revision: &RevisionRecord) -> Grants {
        let all = self.grant_standings(revision).into_iter();
        Grants(all.filter(|it| it.revoked.is_none()).map(|it| it.grant).collect())
    }

    /// Adds grants to every revision that there is.
    ///
    /// # Errors
    /// When each revision that runs has one of them already. Nothing has changed then.
    pub fn add_grants(
        &mut self,
        grants: &Grants,
        by: &str,
        at: Timestamp,
    ) -> Result<(), GrantChangeError> {
        let running = self.revisions.iter().filter(|it| it.state.is_running());
        let had: Vec<Grants> = running.map(|revision| self.grants_of(revision)).collect();
        let is_had = |grant: &&Grant| !had.is_empty() && had.iter().all(|it| it.0.contains(grant));
        if let Some(grant) = grants.0.iter().find(is_had) {
            return Err(GrantChangeError::Granted(grant.clone()));
        }
        let mut changes = self.grant_changes_kept();
        for grant in &grants.0 {
            changes.retain(|change| change.act != GrantAct::Add(grant.clone()));
            changes.push(self.said(GrantAct::Add(grant.clone()), by, at));
        }
        self.say(changes, GRANT_CHANGES_MAX)
    }

    /// Takes grants away from every revision that there is. Gives what else went with them, because it would still
    /// have allowed a part.
    ///
    /// # Errors
    /// When nothing like that is granted. Nothing has changed then.
    pub fn revoke_grants(
        &mut self,
        grants: &Grants,
        by: &str,
        at: Timestamp,
    ) -> Result<Grants, GrantChangeError> {
        let all = self.all_granted();
        let mut others = Grants::default();
        for revoked in &grants.0 {
            let touched: Vec<_> = all.0.iter().filter(|it| it.allows_any_of(revoked)).collect();
            if !touched.iter().any(|granted| names(revoked, granted)) {
                return Err(match touched.first() {
                    Some(whole) => GrantChangeError::Part {
                        part: Box::new(revoked.clone()),
                        whole: Box::new((*whole).clone()),
                    },
                    None => GrantChangeError::NotGranted(revoked.clone()),
                });
            }
            for went in touched {
                if !grants.0.contains(went) && !others.0.contains(went) {
                    others.0.push(went.clone());
                }
            }
        }
        let mut changes = self.grant_changes_kept();
        for grant in &grants.0 {
            changes.retain(|change| match &change.act {
                GrantAct::Add(given) => !given.allows_any_of(grant),
                GrantAct::Revoke(revoked) => revoked != grant,
                GrantAct::RevokeAll => true,
            });
            changes.push(self.said(GrantAct::Revoke(grant.clone()), by, at));
        }
        self.say(changes, REVOCATIONS_MAX)?;
        Ok(others)
    }

    /// Takes every grant away from every revision that there is; gives them.
    pub fn revoke_all_grants(&mut self, by: &str, at: Timestamp) -> Grants {
        let all = self.all_granted();
        self.grant_changes = vec![self.said(GrantAct::RevokeAll, by, at)];
        self.grants_said += 1;
        all
    }

    /// What any revision is granted now.
    pub fn all_granted(&self) -> Grants {
        let mut all = Grants::default();
        for grant in self.revisions.iter().flat_map(|revision| self.grants_of(revision).0) {
            if !all.0.contains(&grant) {
                all.0.push(grant);
            }
        }
        all
    }

    fn said(&self, act: GrantAct, by: &str, at: Timestamp) -> GrantChange {
        GrantChange { act, before: self.next_revision, at, by: by.to_owned() }
    }

    fn say(&mut self, changes: Vec<GrantChange>, max: usize) -> Result<(), GrantChangeError> {
        if changes.len() > max {
            return Err(GrantChangeError::TooMany);
        }
        self.grant_changes = changes;
        self.grants_said += 1;
        Ok(())
    }

    /// Those that count for a revision that is still kept.
    fn grant_changes_kept(&self) -> Vec<GrantChange> {
        let oldest = self.revisions.iter().map(|revision| revision.number).min();
        let counts = |change: &&GrantChange| oldest.is_some_and(|oldest| oldest < change.before);
        self.grant_changes.iter().filter(counts).cloned().collect()
    }

    /// Since when the revisions up to this one have had a grant without a break, and by whose word.
    fn granted_since(&self, revision: &RevisionRecord, grant: &Grant) -> (Timestamp, String) {
        let mut first = revision;
        let before = self.revisions.iter().rev().filter(|it| it.number < revision.number);
        for earlier in before {
            if !earlier.settings.grants.0.contains(grant) {
                break;
            }
            first = earlier;
        }
        (first.at, first.by.clone())
    }
}

/// Whether a revocation means this grant: by its own words, by wider ones, or by a variable's name.
fn names(revoked: &Grant, granted: &Grant) -> bool {
    match (revoked, granted) {
        (Grant::Env(revoked), Grant::Env(granted)) => revoked.name == granted.name,
        _ => revoked == granted || revoked.meet(granted).as_ref() == Some(granted),
    }
}

impl GrantChange {
    fn apply(&self, all: &mut Vec<GrantStanding>) {
        let revoked = Some((self.at, self.by.clone()));
        let mut in_force = all.iter_mut().filter(|it| it.revoked.is_none());
        match &self.act {
            GrantAct::Add(grant) => {
                if !in_force.any(|it| it.grant == *grant) {
                    let (grant, at, by) = (grant.clone(), self.at, self.by.clone());
                    all.push(GrantStanding { grant, at, by, revoked: None });
                }
            }
            GrantAct::Revoke(grant) => in_force
                .filter(|it| it.grant.allows_any_of(grant))
                .for_each(|it| it.revoked = revoked.clone()),
            GrantAct::RevokeAll => in_force.for_each(|it| it.revoked = revoked.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::{RevisionSettings, RevisionState};

    fn grants(texts: &[&str]) -> Grants {
        Grants(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn words(grants: &Grants) -> Vec<String> {
        grants.0.iter().map(ToString::to_string).collect()
    }

    /// A service with a running revision for each of these lists.
    fn service(revisions: &[&[&str]]) -> ServiceRecord {
        let mut record = ServiceRecord::new("a".parse().unwrap());
        for texts in revisions {
            let settings = RevisionSettings { grants: grants(texts), ..crate::sim::revision() };
            let number = record.add_revision(settings, "ada", "a test", Timestamp::default());
            record.revision_mut(number).unwrap().state = RevisionState::Ready;
        }
        record
    }

    fn of(record: &ServiceRecord, number: u32) -> Vec<String> {
        words(&record.grants_of(record.revision(RevisionNumber(number)).unwrap()))
    }

    const NOW: fn() -> Timestamp = Timestamp::now;

    #[test]
    fn a_revocation_holds_for_every_revision_that_there_is_and_for_wider_grants_of_them() {
        let mut record = service(&[&["http:*.a.org", "env:TZ"], &["http:x.a.org", "env:TZ"]]);
        let others = record.revoke_grants(&grants(&["http:x.a.org"]), "eve", NOW()).unwrap();
        assert_eq!(words(&others), ["http:*.a.org"]);
        assert_eq!(
            (of(&record, 1), of(&record, 2)),
            (vec!["env:TZ".into()], vec!["env:TZ".into()])
        );
        let standings = record.grant_standings(record.revision(RevisionNumber(1)).unwrap());
        assert_eq!(standings[0].revoked.as_ref().unwrap().1, "eve");
        assert_eq!(standings[0].by, "ada");
    }

    #[test]
    fn a_revision_that_is_made_afterwards_has_what_it_is_made_with() {
        let mut record = service(&[&["env:TZ"]]);
        record.revoke_grants(&grants(&["env:TZ"]), "eve", NOW()).unwrap();
        let settings = record.revisions[0].settings.clone();
        record.add_revision(settings, "ada", "an update", NOW());
        assert_eq!((of(&record, 1), of(&record, 2)), (vec![], vec!["env:TZ".to_owned()]));
    }

    #[test]
    fn what_is_given_again_brings_nothing_else_back() {
        let mut record = service(&[&["http:*.a.org"]]);
        record.revoke_grants(&grants(&["http:*.a.org"]), "eve", NOW()).unwrap();
        record.add_grants(&grants(&["http:x.a.org"]), "ada", NOW()).unwrap();
        assert_eq!(of(&record, 1), ["http:x.a.org"]);
        record.revoke_grants(&grants(&["http:x.a.org"]), "eve", NOW()).unwrap();
        assert!(of(&record, 1).is_empty());
    }

    #[test]
    fn giving_and_revoking_again_and_again_takes_no_more_room() {
        let mut record = service(&[&["env:TZ"]]);
        for _ in 0..1_000 {
            record.revoke_grants(&grants(&["env:TZ"]), "eve", NOW()).unwrap();
            record.add_grants(&grants(&["env:TZ"]), "ada", NOW()).unwrap();
        }
        assert!(record.grant_changes.len() <= 2);
        assert_eq!((of(&record, 1), record.grants_said), (vec!["env:TZ".to_owned()], 2_000));
        record.revoke_all_grants("eve", NOW());
        assert!(of(&record, 1).is_empty() && record.grant_changes.len() == 1);
    }

    #[test]
    fn what_says_nothing_new_is_refused() {
        let mut record = service(&[&["http:*.a.org"]]);
        let error = |said: Result<Grants, GrantChangeError>| said.unwrap_err().to_string();
        let none = record.revoke_grants(&grants(&["env:TZ"]), "eve", NOW());
        assert_eq!(error(none), "`env:TZ` is not granted");
        let part = record.revoke_grants(&grants(&["http:x.a.org"]), "eve", NOW());
        assert!(error(part).ends_with("it is a part of `http:*.a.org`"));
        let again = record.add_grants(&grants(&["http:*.a.org"]), "ada", NOW());
        assert_eq!(again.unwrap_err().to_string(), "`http:*.a.org` is granted already");
        assert_eq!(record.grants_said, 0);
    }

    #[test]
    fn revocations_are_taken_beyond_the_bound_on_grants() {
        let mut record = service(&[&["keyvalue:b*:read"]]);
        for number in 0..GRANT_CHANGES_MAX {
            record.add_grants(&grants(&[&format!("env:A{number}")]), "ada", NOW()).unwrap();
        }
        let more = record.add_grants(&grants(&["env:B"]), "ada", NOW());
        assert_eq!(more, Err(GrantChangeError::TooMany));
        record.revoke_grants(&grants(&["keyvalue:b*:read"]), "eve", NOW()).unwrap();
        assert_eq!(of(&record, 1).len(), GRANT_CHANGES_MAX);
    }

    #[test]
    fn a_record_of_the_version_before_has_no_changes() {
        let mut record = serde_json::to_value(service(&[&["env:TZ"]])).unwrap();
        let fields = record.as_object_mut().unwrap();
        fields.remove("grant_changes");
        fields.remove("grants_said");
        let record: ServiceRecord = serde_json::from_value(record).unwrap();
        assert_eq!(of(&record, 1), ["env:TZ"]);
    }
}
