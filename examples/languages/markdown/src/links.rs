//! Where links and images may lead.

/// Whether an address may stand in a page: it has no scheme, or one of these.
pub(crate) fn may_lead(address: &str, schemes: &[String]) -> bool {
    // Browsers leave out line ends and tabs anywhere, and spaces and control characters before the address.
    let read: String = address.chars().filter(|c| !c.is_control()).collect();
    let read = read.trim_start();
    match read.find([':', '/', '?', '#']) {
        Some(at) if read[at..].starts_with(':') => {
            schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case(&read[..at]))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_where_its_scheme_is_listed_or_missing() {
        let schemes = ["https".to_owned(), "mailto".to_owned()];
        for fine in
            ["", "#a", "a/b:c", "?a:b", "//a.example", "HTTPS://a.example", "mailto:a@b.example"]
        {
            assert!(may_lead(fine, &schemes), "{fine}");
        }
        for wrong in
            ["http://a", "javascript:x", "\u{1} java\nscript:x", "data:x", ":x", "\tfile:///a"]
        {
            assert!(!may_lead(wrong, &schemes), "{wrong}");
        }
    }
}
