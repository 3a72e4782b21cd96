//! Variables as `NAME=value` lines: never a panic, and no secret in what is said about them.
#![no_main]

use kinde_core::Settings;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let variables: Vec<_> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let secret =
        variables.iter().find(|(name, _)| *name == "KINDE_CLIENT_SECRET").map_or("", |(_, value)| value);
    let said = match Settings::from_variables(variables.iter().copied()) {
        Ok(settings) => format!("{settings:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    // A short secret may be part of another word.
    let is_elsewhere =
        variables.iter().any(|(name, value)| *name != "KINDE_CLIENT_SECRET" && value.contains(secret));
    assert!(secret.len() < 24 || is_elsewhere || !said.contains(secret), "the secret was said");
});
