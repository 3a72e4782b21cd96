//! How large the large counts are: full in the soak tier, a hundredth otherwise.

/// Gives the number of repetitions for this run and prints it, so that no report claims more than was run.
pub fn scaled(what: &str, soak_count: u32) -> u32 {
    #[expect(clippy::disallowed_methods, reason = "the tier is a matter of `./check`, not of the settings")]
    let scale = std::env::var("KINDE_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1);
    let count = (soak_count / 100 * scale).max(1);
    println!("{what}: {count} (in the soak tier {soak_count})");
    count
}
