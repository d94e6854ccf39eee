//! What may be done: the words of manifests and grants, and the sets that checks compare.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be done with files, as a manifest or a grant says it.
///
/// `read` and `write` are the usual two and hold the finer ones: `read` is to open, stat and list, `write`
/// is to change, create and delete. The others are for those who want less.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Open for reading, stat and list.
    Read,
    /// Open for writing, create, rename and delete.
    Write,
    /// Stat, and see in a listing.
    List,
    /// Make what was not there.
    Create,
    /// Take away what was there.
    Delete,
    /// Change what a file holds.
    Modify,
}

/// A set of ways to use a file.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FileAccess(u8);

impl FileAccess {
    /// No access.
    pub const NONE: Self = Self(0);
    /// Read what a file holds.
    pub const READ: Self = Self(1);
    /// Stat, and see in a listing.
    pub const LIST: Self = Self(2);
    /// Change what a file holds.
    pub const MODIFY: Self = Self(4);
    /// Make what was not there; the new name of what is renamed or linked.
    pub const CREATE: Self = Self(8);
    /// Take away what was there; the old name of what is renamed.
    pub const DELETE: Self = Self(16);

    /// Every access.
    pub const ALL: Self = Self(31);

    /// Each access, as a set of its own.
    pub(super) const EACH: [Self; 5] =
        [Self::READ, Self::LIST, Self::MODIFY, Self::CREATE, Self::DELETE];

    const NAMED: [(Self, Access); 5] = [
        (Self::READ, Access::Read),
        (Self::LIST, Access::List),
        (Self::MODIFY, Access::Modify),
        (Self::CREATE, Access::Create),
        (Self::DELETE, Access::Delete),
    ];

    /// What the words mean together.
    pub fn of(words: &[Access]) -> Self {
        words.iter().fold(Self::NONE, |all, word| all.or(word.set()))
    }

    /// Whether all of `other` is in it.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Its members, each as a set of its own.
    pub fn each(self) -> impl Iterator<Item = Self> {
        Self::EACH.into_iter().filter(move |one| self.contains(*one))
    }

    /// The fewest words that mean no less and, where words can say it, no more: `read` holds `list`.
    pub fn words(self) -> Vec<Access> {
        let mut words: Vec<_> = [Access::Read, Access::Write]
            .into_iter()
            .filter(|word| self.contains(word.set()))
            .collect();
        for (one, word) in Self::NAMED {
            if self.contains(one) && !Self::of(&words).contains(one) {
                words.push(word);
            }
        }
        words
    }
}

impl fmt::Debug for FileAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&join(&self.words()))
    }
}

/// What may be done with a bucket or a container.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum DataAccess {
    /// Get, list, ask whether it is there.
    Read,
    /// Set, change and delete.
    Write,
}

/// What may be done with a topic.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TopicAccess {
    /// Send to it.
    Publish,
    /// Receive from it.
    Subscribe,
}

/// A word that says what may be done.
pub trait AccessWord: Copy + Ord + 'static {
    /// All of its kind, at most 7: a set of them is the bits of a byte.
    const ALL: &'static [Self];

    /// The word.
    fn as_str(self) -> &'static str;
}

impl AccessWord for Access {
    const ALL: &'static [Self] =
        &[Self::Read, Self::Write, Self::List, Self::Create, Self::Delete, Self::Modify];

    fn as_str(self) -> &'static str {
        self.word()
    }
}

impl Access {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::List => "list",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Modify => "modify",
        }
    }

    fn set(self) -> FileAccess {
        match self {
            Self::Read => FileAccess::READ.or(FileAccess::LIST),
            Self::Write => FileAccess::MODIFY.or(FileAccess::CREATE).or(FileAccess::DELETE),
            Self::List => FileAccess::LIST,
            Self::Create => FileAccess::CREATE,
            Self::Delete => FileAccess::DELETE,
            Self::Modify => FileAccess::MODIFY,
        }
    }
}

impl AccessWord for DataAccess {
    const ALL: &'static [Self] = &[Self::Read, Self::Write];

    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl AccessWord for TopicAccess {
    const ALL: &'static [Self] = &[Self::Publish, Self::Subscribe];

    fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        }
    }
}

/// `read,write`
pub(super) fn join<W: AccessWord>(words: &[W]) -> String {
    let words: Vec<_> = words.iter().map(|word| word.as_str()).collect();
    words.join(",")
}

/// The words of `read,write`, sorted, each once; at least one.
pub(super) fn split<W: AccessWord>(text: &str) -> Option<Vec<W>> {
    let named = |word: &str| W::ALL.iter().copied().find(|one| one.as_str() == word);
    let words: Option<Vec<W>> = text.split(',').map(named).collect();
    words.map(sorted)
}

pub(super) fn sorted<W: AccessWord>(mut words: Vec<W>) -> Vec<W> {
    words.sort_unstable();
    words.dedup();
    words
}
