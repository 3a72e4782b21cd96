//! An emulated Kinde environment on a thread of its own, and the tokens of the measurements.

use std::sync::mpsc;

use http::HeaderValue;
use kinde_emulator::{Environment, Person};

/// The audience that every compared application demands.
pub const AUDIENCE: &str = "https://api.example.test";

/// Starts an environment whose server runs on a thread of its own, so that it takes no time of the measured one.
///
/// # Panics
///
/// When no thread or no port can be had.
pub fn start() -> Environment {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let environment = Environment::builder().with_audience(AUDIENCE).start().await;
            sender.send(environment).expect("the receiver waits");
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().expect("the environment starts")
}

/// Describes the token of all measurements: about 1,390 bytes, 12 permissions, 4 feature flags.
pub fn person(environment: &Environment) -> Person {
    let mut person = environment.person("alice").in_org("acme").with_audience(AUDIENCE);
    for area in ["todos", "reports", "members"] {
        for verb in ["create", "read", "update", "delete"] {
            person = person.with(format!("{verb}:{area}"));
        }
    }
    person
        .with_claim("org_name", "Acme Research & Products")
        .with_flag("theme", "dark")
        .with_flag("is_dark_mode", true)
        .with_flag("competitions_limit", 5)
        .with_flag("beta_export", false)
}

/// Mints tokens that differ in their `jti`.
pub fn distinct_tokens(environment: &Environment, count: usize) -> Vec<String> {
    let person = person(environment);
    (0..count).map(|_| person.access_token()).collect()
}

/// Writes the header value that presents a token.
///
/// # Panics
///
/// When the text cannot stand in a header.
pub fn bearer(token: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {token}")).expect("a token fits into a header")
}
