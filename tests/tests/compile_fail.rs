//! Mistakes that do not compile, and that the compiler explains in our words.

/// covers: D5 H1
#[test]
fn mistakes_are_refused_with_a_message_that_helps() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
