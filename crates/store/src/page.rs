//! Listing in pages: one kind of page for keys, containers and objects.

use std::ops::Bound;

/// A key of three parts: the service, what of it, and the name in there.
pub(crate) type Key<'a> = (&'a str, &'a str, &'a str);

/// The most entries of a page, whatever was asked for.
pub const MAX_PAGE_ENTRIES: usize = 1000;

/// The most bytes of names in a page. With the longest names a page has some 256 entries.
pub const MAX_PAGE_BYTES: usize = 256 << 10;

/// Which page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Begin after this name, which need not exist any more: what [`Page::next`] said, or `None` for the
    /// first page. Any string is safe.
    pub after: Option<String>,
    /// At most so many entries; 1 to [`MAX_PAGE_ENTRIES`], and what is outside of that is moved into it.
    pub limit: usize,
}

/// A part of a listing, in the order of the names. What is there throughout a walk over all pages is listed
/// exactly once; what is added or removed meanwhile may be listed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Where the next page begins; `None` if there is none.
    pub next: Option<String>,
}

impl Default for Paging {
    fn default() -> Self {
        Self { after: None, limit: MAX_PAGE_ENTRIES }
    }
}

impl Paging {
    /// The page that follows this one.
    pub fn next<T>(&self, page: &Page<T>) -> Option<Self> {
        page.next.clone().map(|after| Self { after: Some(after), limit: self.limit })
    }

    /// Takes a page from what begins after [`after`](Self::after), each entry with its name.
    pub(crate) fn fill<T, E>(
        &self,
        found: impl Iterator<Item = Result<(String, T), E>>,
    ) -> Result<Page<T>, E> {
        let limit = self.limit.clamp(1, MAX_PAGE_ENTRIES);
        let (mut entries, mut last, mut bytes) = (Vec::new(), None, 0);
        for each in found {
            let (name, entry) = each?;
            bytes += name.len();
            if entries.len() == limit || (bytes > MAX_PAGE_BYTES && last.is_some()) {
                return Ok(Page { entries, next: last });
            }
            entries.push(entry);
            last = Some(name);
        }
        Ok(Page { entries, next: None })
    }
}

/// Where the names begin that a service has in one of its places, after the given one. They end with the place, which
/// whoever walks them has to look at.
pub(crate) fn names_after<'a>(
    service: &'a str,
    place: &'a str,
    after: Option<&'a str>,
) -> (Bound<Key<'a>>, Bound<Key<'a>>) {
    let begin = match after {
        Some(after) => Bound::Excluded((service, place, after)),
        None => Bound::Included((service, place, "")),
    };
    (begin, Bound::Unbounded)
}
