//! The rules of one directory: what may be done with the files that fall under each glob, all globs matched at once.
//!
//! A glob is a row of places, one before each of its parts and one behind the last. A path is read name by name, and
//! where one may stand is a row of bits that a name moves on (Shift-And, by Baeza-Yates and Gonnet; before a `**`, each
//! name leads back to where it was). So a path costs some steps for each of its names, and not for each of the globs.
//! Deciding allocates nothing.
//!
//! At worst, each name is held against all patterns that are more than a beginning or an ending: the time is bounded by
//! the product of the length of the path and that of all globs together.

use super::access::FileAccess;
use super::glob::{Glob, PATH_MAX_BYTES, Part, is_like, names};
use super::texts::Texts;

/// Globs relative to a directory, with what may be done with what falls under them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FileRules(Box<[Group]>);

/// As many globs as a row has places for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Group {
    places: usize,
    words: Vec<Word>,
    literals: Texts<Marks>,
    beginnings: Texts<Marks>,
    endings: Texts<Marks>,
    /// Patterns of other shapes, each once.
    likes: Vec<(Box<str>, Marks)>,
}

/// What is so at 64 places, a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Word {
    /// Where a path begins.
    first: u64,
    /// Before a `**`.
    deep: u64,
    /// Before a `*`.
    any: u64,
    /// Before a literal name.
    literal: u64,
    /// Before a pattern for one name.
    wild: u64,
    /// Behind the last part: what was read falls under the glob.
    last: u64,
    /// Before the `**` of a whole directory.
    whole: u64,
    /// In a rule with this access, in the order of [`FileAccess::EACH`].
    access: [u64; FileAccess::EACH.len()],
}

/// Places in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Places {
    word: usize,
    bits: u64,
}

/// All places before the same part.
type Marks = Vec<Places>;

/// The places of the longest glob: its parts are one letter each, with a slash between them.
const PLACES_MAX: usize = PATH_MAX_BYTES / 2 + 2;

/// A row on the stack that any one glob fits into: 264 bytes.
const WORDS: usize = PLACES_MAX.div_ceil(64);

/// A row that most directories' globs fit into together, quicker to make and to go through.
const FEW_WORDS: usize = 8;

impl FileRules {
    /// Puts rules together.
    pub(super) fn compile(rules: &[(Glob, FileAccess)]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (glob, access) in rules {
            let parts = glob.parts().count();
            match groups.last_mut() {
                Some(group) if group.places + parts < PLACES_MAX => group.add(glob, *access),
                _ => {
                    let mut group = Group::default();
                    group.add(glob, *access);
                    groups.push(group);
                }
            }
        }
        Self(groups.into())
    }

    /// What may be done with the file at this path. The caller has refused `.`, `..` and empty names.
    pub(super) fn access(&self, path: &str) -> FileAccess {
        self.at(path, |word| word.last)
    }

    /// What may be done with some path or other below this one: that of each glob of which something is left.
    pub(super) fn somewhere_below(&self, path: &str) -> FileAccess {
        self.at(path, |word| !word.last)
    }

    /// What may be done with every path below this one, by globs for whole directories.
    pub(super) fn everywhere_below(&self, path: &str) -> FileAccess {
        self.at(path, |word| word.whole)
    }

    #[inline]
    fn at(&self, path: &str, places: impl Fn(&Word) -> u64) -> FileAccess {
        self.0.iter().fold(FileAccess::NONE, |all, group| {
            all.or(match group.words.len() {
                ..=FEW_WORDS => group.at::<FEW_WORDS>(path, &places),
                _ => group.at::<WORDS>(path, &places),
            })
        })
    }
}

impl Group {
    fn add(&mut self, glob: &Glob, access: FileAccess) {
        let mut parts: Vec<Part> = glob.parts().collect();
        // Two `**` mean the same as one, and `step` leads past one only.
        parts.dedup_by(|next, part| (*next, *part) == (Part::Deep, Part::Deep));
        let places: Vec<Places> = (0..=parts.len()).map(|_| self.place(access)).collect();
        for (part, place) in parts.iter().zip(&places) {
            self.stand_before(*part, *place);
        }
        let begins = if parts.first() == Some(&Part::Deep) { 2 } else { 1 };
        for place in &places[..begins] {
            self.words[place.word].first |= place.bits;
        }
        if let Some(end) = places.last() {
            self.words[end.word].last |= end.bits;
        }
        if let (true, [.., deep, _]) = (glob.is_whole(), &*places) {
            self.words[deep.word].whole |= deep.bits;
        }
    }

    /// One place more, of a rule with this access.
    fn place(&mut self, access: FileAccess) -> Places {
        let place = Places { word: self.places / 64, bits: 1 << (self.places % 64) };
        self.places += 1;
        self.words.resize(place.word + 1, Word::default());
        for (one, places) in FileAccess::EACH.iter().zip(&mut self.words[place.word].access) {
            if access.contains(*one) {
                *places |= place.bits;
            }
        }
        place
    }

    fn stand_before(&mut self, part: Part, place: Places) {
        let word = &mut self.words[place.word];
        let marks = match part {
            Part::Deep => return word.deep |= place.bits,
            Part::Any => return word.any |= place.bits,
            Part::Literal(name) => {
                word.literal |= place.bits;
                return mark(self.literals.or_insert(name, Marks::new()), place);
            }
            Part::Beginning(text) => self.beginnings.or_insert(text, Marks::new()),
            Part::Ending(text) => self.endings.or_insert(text, Marks::new()),
            Part::Like(pattern) => self.like(pattern),
        };
        mark(marks, place);
        self.words[place.word].wild |= place.bits;
    }

    fn like(&mut self, pattern: &str) -> &mut Marks {
        let known = self.likes.iter().position(|(one, _)| **one == *pattern);
        let at = known.unwrap_or_else(|| {
            self.likes.push((pattern.into(), Marks::new()));
            self.likes.len() - 1
        });
        &mut self.likes[at].1
    }

    /// The access of the rules in which one stands at such a place behind the path.
    #[inline]
    fn at<const N: usize>(&self, path: &str, places: impl Fn(&Word) -> u64) -> FileAccess {
        let here = self.read::<N>(path);
        let rows = here.iter().zip(&self.words);
        rows.fold(FileAccess::NONE, |all, (here, word)| all.or(word.access(here & places(word))))
    }

    /// Where one stands behind the path, a bit for each place.
    #[inline]
    fn read<const N: usize>(&self, path: &str) -> [u64; N] {
        let (mut here, mut moved) = ([0; N], [0; N]);
        for (here, word) in here.iter_mut().zip(&self.words) {
            *here = word.first;
        }
        for name in names(path) {
            if !self.step(&mut here, &mut moved, name) {
                break;
            }
        }
        here
    }

    /// Goes on by a name. It says whether the next one can change anything: not where nothing but `**` is left.
    #[inline]
    fn step(&self, here: &mut [u64], moved: &mut [u64], name: &str) -> bool {
        let (mut any, mut literal, mut wild) = (0, 0, 0);
        for ((here, moved), word) in here.iter().zip(&mut *moved).zip(&self.words) {
            *moved = here & word.any;
            any |= *moved;
            literal |= here & word.literal;
            wild |= here & word.wild;
        }
        if literal != 0
            && let Some(marks) = self.literals.get(name)
        {
            add(marks, here, moved);
        }
        if wild != 0 {
            self.try_patterns(here, moved, name);
        }
        let mut carried = 0;
        for ((here, moved), word) in here.iter_mut().zip(&*moved).zip(&self.words) {
            let next = (*here & word.deep) | (moved << 1) | carried;
            // A `**` may stand for no name.
            let past = next & word.deep;
            *here = next | (past << 1);
            carried = (moved | past) >> 63;
        }
        (any | literal | wild) != 0
    }

    fn try_patterns(&self, here: &[u64], moved: &mut [u64], name: &str) {
        for (marks, _) in self.beginnings.beginning(name, |_| true) {
            add(marks, here, moved);
        }
        for marks in self.endings.ending(name) {
            add(marks, here, moved);
        }
        for (pattern, marks) in &self.likes {
            if marks.iter().any(|at| here[at.word] & at.bits != 0) && is_like(pattern, name) {
                add(marks, here, moved);
            }
        }
    }
}

impl Word {
    /// What the rules of these places allow.
    #[inline]
    fn access(&self, places: u64) -> FileAccess {
        if places == 0 {
            return FileAccess::NONE;
        }
        let each = FileAccess::EACH.into_iter().zip(self.access);
        each.filter(|(_, of)| places & of != 0)
            .fold(FileAccess::NONE, |all, (access, _)| all.or(access))
    }
}

fn mark(marks: &mut Marks, place: Places) {
    match marks.last_mut() {
        Some(last) if last.word == place.word => last.bits |= place.bits,
        _ => marks.push(place),
    }
}

/// Moves on from those of the places where one stands.
#[inline]
fn add(marks: &Marks, here: &[u64], moved: &mut [u64]) {
    for at in marks {
        moved[at.word] |= here[at.word] & at.bits;
    }
}

#[cfg(test)]
mod tests {
    use super::super::glob::is_normal;
    use super::*;

    fn rules(glob: &str) -> FileRules {
        FileRules::compile(&[(Glob::parse_absolute(glob).unwrap(), FileAccess::READ)])
    }

    fn matches(glob: &str, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap();
        is_normal(path) && rules(glob).access(path) == FileAccess::READ
    }

    #[test]
    fn a_glob_means_what_a_careful_reader_expects() {
        for (glob, path) in [
            ("/app/data/*", "/app/data/x"),
            ("/data/**", "/data"),
            ("/data/**", "/data/a/b"),
            ("/data", "/data/a/b"),
            ("/data/**/*.txt", "/data/a.txt"),
            ("/data/**/*.txt", "/data/a/b/c.txt"),
            ("/data/**/**/x", "/data/x"),
            ("/data/list-*", "/data/list-"),
            ("/**/b/**/d", "/a/b/b/c/d"),
            ("/a/?x*z", "/a/äxyyz"),
            ("/a/é*", "/a/éa"),
            ("/a/*é", "/a/aé"),
            ("/", "/anything"),
        ] {
            assert!(matches(glob, path), "{glob} did not match {path}");
        }
        for (glob, path) in [
            ("/app/data/*", "/app/data-secret/x"),
            ("/app/data/*", "/app/data/../x"),
            ("/app/data/*", "/app/data/a/b"),
            ("/app/data/*", "/app/data"),
            ("/app/data/*", "/app/data/"),
            ("/data/**", "/data/../etc/passwd"),
            ("/data/**", "/data//x"),
            ("/data/**", "/Data/x"),
            ("/data/**", "/database"),
            ("/data/**/*.txt", "/data/a.txt/b"),
            ("/data/**/*.txt", "/data/.."),
            ("/data/list-*", "/data/list"),
            ("/a/*é", "/a/aè"),
        ] {
            assert!(!matches(glob, path), "{glob} matched {path}");
        }
    }

    #[test]
    fn a_guest_is_let_through_to_what_it_may_reach() {
        let rules = rules("/data/*/en/**/*.txt");
        let leads_through = |path| !rules.somewhere_below(path).is_empty();
        for through in ["", "data", "data/x", "data/x/en", "data/x/en/deep/er"] {
            assert!(leads_through(through), "{through}");
        }
        for past in ["dat", "data/x/de", "database"] {
            assert!(!leads_through(past), "{past}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_matched_in_bounded_time() {
        let glob = format!("/{}x", "**/a*a*a*/".repeat(100));
        let path = "aaaaaaaa/".repeat(400) + "y";
        assert!(rules(&glob).access(&path).is_empty());
    }
}
