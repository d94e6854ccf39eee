//! Any text as a `Component.toml`: it is refused with a place inside of it, or read into something that survives being
//! recorded, and that gives no right by itself.

#![no_main]

use airssys_wasm_model::{Grants, Manifest, Rights};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let manifest = match Manifest::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => {
            assert!(!error.message.is_empty());
            if let Some(position) = error.position {
                // One past the last line: where something is missing.
                assert!((1..=text.lines().count() + 1).contains(&position.line), "{position}");
                assert!(position.column >= 1);
            }
            return;
        }
    };
    let recorded = serde_json::to_string(&manifest).expect("a manifest is recorded as JSON");
    let again: Manifest = serde_json::from_str(&recorded).expect("a recorded manifest is read");
    assert_eq!(again, manifest);
    let Ok(rights) = Rights::intersect(&manifest.asked, &Grants::default()) else { return };
    assert_eq!(rights, Rights::default(), "what is asked is no right before it is granted");
});
