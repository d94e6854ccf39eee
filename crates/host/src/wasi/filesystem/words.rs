//! What a guest says of a path, taken apart: names, and nothing that only looks like one.

use rustix::io::Errno;

/// Bytes of a path, in a guest's words or below a mount: Linux' own bound.
pub(super) const PATH_BYTES_MAX: usize = 4096;

/// A path. Bytes are compared as they are: no case is folded and no Unicode normalized, as in the
/// file systems of Linux.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    text: &'a str,
}

/// One step on a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Into(&'a str),
    Up,
}

impl<'a> Words<'a> {
    /// Refuses what no path is.
    pub(super) fn read(text: &'a str) -> Result<Self, Errno> {
        if text.is_empty() {
            return Err(Errno::NOENT);
        }
        if text.len() >= PATH_BYTES_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        if text.contains('\0') {
            return Err(Errno::INVAL);
        }
        Ok(Self { text })
    }

    /// Its steps, without those that lead nowhere.
    pub(super) fn steps(self) -> impl DoubleEndedIterator<Item = Step<'a>> {
        self.text.split('/').filter_map(|part| match part {
            "" | "." => None,
            ".." => Some(Step::Up),
            name => Some(Step::Into(name)),
        })
    }

    /// Whether it begins at no directory that a guest holds.
    pub(super) fn is_absolute(self) -> bool {
        self.text.starts_with('/')
    }

    /// Its names, if it goes downwards alone.
    pub(super) fn names(self) -> Option<Vec<&'a str>> {
        let down = |step| match step {
            Step::Into(name) => Some(name),
            Step::Up => None,
        };
        self.steps().map(down).collect()
    }

    /// Whether it can only mean a directory: `a/`, `a/.`, `a/..`.
    pub(super) fn means_directory(self) -> bool {
        matches!(self.text.rsplit('/').next(), Some("" | "." | ".."))
    }
}

/// The path of `name` in the directory at `dir`, both below a mount, whose own path is empty.
pub(super) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Where words lead from the directory at `from`, for a person to read: the way that the words say, without
/// a look at links.
pub(super) fn spelled(from: &str, words: &str) -> String {
    let from = if words.starts_with('/') { "" } else { from };
    let mut names: Vec<&str> = Vec::new();
    for part in from.split('/').chain(words.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

/// Whether a link at `path` with this target stays below the mount without regard to what else lies there:
/// relative, and `..` only before every name and no oftener than the link lies deep.
pub(super) fn stays_below(path: &str, target: &str) -> bool {
    let depth = path.split('/').count() - 1;
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let mut parts = target.split('/').filter(|part| !matches!(*part, "" | ".")).peekable();
    let mut up = 0;
    while parts.next_if_eq(&"..").is_some() {
        up += 1;
    }
    up <= depth && parts.all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_steps_and_no_more() {
        let steps = |text| Words::read(text).unwrap().steps().collect::<Vec<_>>();
        let into = Step::Into;
        assert_eq!(steps("a//b/./c/"), [into("a"), into("b"), into("c")]);
        assert_eq!(steps("a/../b"), [into("a"), Step::Up, into("b")]);
        assert_eq!(steps("..a/...//b.."), [into("..a"), into("..."), into("b..")]);
        assert_eq!(steps("./."), []);
        for refused in ["", "a\0b", &"a/".repeat(2048)] {
            assert!(Words::read(refused).is_err(), "{refused:?} was accepted");
        }
    }

    #[test]
    fn a_trailing_slash_means_a_directory() {
        for (text, means) in
            [("a", false), ("a/", true), ("a/.", true), ("a/..", true), ("a.", false)]
        {
            assert_eq!(Words::read(text).unwrap().means_directory(), means, "{text}");
        }
    }

    #[test]
    fn a_way_out_is_spelled_as_the_guest_sees_it() {
        assert_eq!(spelled("/data/a", "../../etc/./x"), "/etc/x");
        assert_eq!(spelled("/data", "../../../x"), "/x");
        assert_eq!(spelled("/data", "/etc/x"), "/etc/x");
    }

    #[test]
    fn a_link_that_could_leave_its_mount_is_known_by_its_text() {
        for (path, target) in [("l", "a/b"), ("a/l", "../b"), ("a/b/l", "../../c"), ("l", "./a")] {
            assert!(stays_below(path, target), "{path} -> {target}");
        }
        let leaving =
            [("l", ".."), ("l", "/a"), ("a/l", "../../b"), ("a/l", "b/../../c"), ("l", "")];
        for (path, target) in leaving {
            assert!(!stays_below(path, target), "{path} -> {target}");
        }
    }
}
