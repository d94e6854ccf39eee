//! Misuse is a compile error that says what to write.

#[test]
fn misuse_is_told_with_its_fix() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
