//! A seed that somebody wrote by hand: never a panic, and what is read can be started from.
#![no_main]

use kinde_emulator::{Environment, Seed};
use kinde_fuzz::RUNTIME;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // Dates and numbers of TOML are read from this text, too, so both forms get every input.
    for read in [Seed::from_toml(text), Seed::from_json(text)] {
        match read {
            Ok(seed) => RUNTIME.with(|runtime| {
                runtime.block_on(async {
                    // A seed may be refused as a whole (a webhook to another computer), with an error.
                    if let Ok(kinde) = Environment::builder().with_seed(seed).try_start().await {
                        kinde.stop().await;
                    }
                });
            }),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
