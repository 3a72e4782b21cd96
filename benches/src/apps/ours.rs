//! Kinde's layer and extractor.

use std::time::Duration;

use axum::{Router, routing::get};
use kinde_axum::{AuthUser, Issuer, Jwks, KindeLayer, Verifier};
use kinde_core::{ManualClock, VerifierBuilder};
use kinde_emulator::Environment;

use crate::environment::AUDIENCE;

/// Builds the protected handler around a verifier.
pub fn app(verifier: Verifier) -> Router {
    Router::new()
        .route("/me", get(async |user: AuthUser| user.id().to_owned()))
        .layer(KindeLayer::new(verifier))
}

/// Makes a key set that fetches over loopback HTTP, with default settings.
///
/// # Panics
///
/// When the environment's issuer is refused.
pub fn jwks(environment: &Environment) -> Jwks {
    Jwks::builder(issuer(environment)).build().expect("a key set")
}

/// Makes a key set that asks for an unknown key ID once in an hour, so that a run stays inside one cooldown.
///
/// # Panics
///
/// When the environment's issuer is refused.
pub fn patient_jwks(environment: &Environment) -> Jwks {
    let hour = Duration::from_secs(3600);
    Jwks::builder(issuer(environment)).with_cooldown(hour).with_soft_age(hour).build().expect("a key set")
}

/// Starts a verifier bound by audience.
pub fn verifier(jwks: Jwks) -> VerifierBuilder {
    Verifier::builder(jwks).with_audience(AUDIENCE)
}

/// Makes a verifier that remembers `token`, which was issued `since` ago and has expired by now.
///
/// # Panics
///
/// When the token is not accepted while it is good.
pub async fn verifier_that_saw_it_expire(
    jwks: Jwks,
    environment: &Environment,
    token: &str,
    since: Duration,
) -> Verifier {
    let clock = ManualClock::at_unix_seconds(environment.now().saturating_sub(since.as_secs()));
    let verifier = verifier(jwks).with_clock(clock.clone()).build().expect("a verifier");
    verifier.verify(token).await.expect("the token is good");
    clock.advance(since);
    verifier
}

fn issuer(environment: &Environment) -> Issuer {
    Issuer::new(environment.issuer()).expect("a loopback issuer")
}
