//! What the program says when an environment is there: where, and the variables of an application.

use std::{fmt::Write as _, net::IpAddr};

use kinde_emulator::Environment;
use serde_json::{Map, Value, json};

/// Writes the block for a `.env` file, by language.
pub(crate) fn env_file(kinde: &Environment) -> String {
    let mut text = "# Rust (KindeLayer::from_env) and Next.js (@kinde-oss/kinde-auth-nextjs)\n".to_owned();
    // Writing to a text does not fail.
    for (name, value) in kinde.variables() {
        let _ = writeln!(text, "{name}={value}");
    }
    text.push_str("\n# Python (kinde-python-sdk) reads these, and client id and secret from above\n");
    for (name, value) in of_python(kinde) {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

/// Writes what a person reads.
pub(crate) fn as_text(kinde: &Environment) -> String {
    format!(
        "The Kinde emulator listens at {}\n\nPut this into your application's .env:\n\n{}",
        kinde.url(),
        env_file(kinde)
    )
}

/// Writes what a script reads.
pub(crate) fn as_json(kinde: &Environment) -> Value {
    let variables: Map<_, _> =
        variables(kinde).into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
    json!({ "issuer": kinde.issuer(), "url": kinde.url(), "variables": variables })
}

/// Returns the variables of every language.
pub(crate) fn variables(kinde: &Environment) -> Vec<(&'static str, String)> {
    kinde.variables().into_iter().chain(of_python(kinde)).collect()
}

/// Says what an exposed environment means.
pub(crate) fn warning(address: IpAddr) -> String {
    format!(
        "WARNING: --insecure-listen {address}: whoever reaches this port signs in as anybody, and the private keys are \
         public.\nOnly a network that nobody else is on may reach it."
    )
}

fn of_python(kinde: &Environment) -> Vec<(&'static str, String)> {
    let callbacks = kinde.callbacks();
    // The quick starts of the Python SDK listen at /callback.
    let usual = callbacks.iter().find(|callback| callback.ends_with("/callback"));
    let redirect_uri = usual.or(callbacks.first()).cloned();
    let mut variables = vec![("KINDE_HOST", kinde.issuer().to_owned())];
    variables.extend(redirect_uri.map(|redirect_uri| ("KINDE_REDIRECT_URI", redirect_uri)));
    variables
}
