//! What a service lets its callers have a say in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attribute::StickyBy;

/// The `[routing]` table of a manifest. The active revision's holds for its service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingSettings {
    /// What a split of the calls sticks to, if it is to: `cookie:session`, say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<StickyBy>,
    /// Whether a call may name its revision by the header `x-airssys-route`, as `revision=3` or
    /// `version=2.0.0`, and so reach one that has no share of the calls.
    pub named: bool,
    /// Whether each revision that runs has an address of its own, `r3.<service>.localhost`.
    pub preview: bool,
}

#[cfg(test)]
mod tests {
    use crate::Manifest;

    const HEAD: &str = "[component]\nname = \"a\"\nversion = \"1.0.0\"\n[routing]\n";

    #[test]
    fn a_manifest_says_what_callers_have_a_say_in() {
        let text = format!("{HEAD}sticky = \"cookie:session\"\nnamed = true\n");
        let routing = Manifest::parse(&text).unwrap().routing;
        assert_eq!(routing.sticky, Some("cookie:session".parse().unwrap()));
        assert!(routing.named && !routing.preview);
        let silent = Manifest::parse(HEAD).unwrap().routing;
        assert_eq!(silent, Default::default());
    }

    #[test]
    fn what_nothing_sticks_to_is_refused_at_its_line() {
        let error = Manifest::parse(&format!("{HEAD}sticky = \"weather\"\n")).unwrap_err();
        assert!(error.to_string().contains("nothing to stick by"), "{error}");
        assert_eq!(error.position.unwrap().line, 5);
    }
}
