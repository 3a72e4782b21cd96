//! Two Kinde environments in one process: apart, each below its own path, or joined while one replaces the other.

use axum::{Router, routing::get};
use kinde_axum::{AuthUser, ConfigError, Kinde, KindeLayer, Verifier};

/// Serves development and production below paths of their own: two handles, two key caches, nothing shared.
///
/// # Errors
///
/// When a handle's settings bind its verifier neither by audience nor by application.
pub fn app(dev: &Kinde, prod: &Kinde) -> Result<Router, ConfigError> {
    let dev = KindeLayer::new(dev.verifier().build()?).with_realm("dev");
    let prod = KindeLayer::new(prod.verifier().build()?).with_realm("prod");
    let me = || Router::new().route("/me", get(me));
    Ok(Router::new().nest("/dev", me().layer(dev)).nest("/prod", me().layer(prod)))
}

/// Serves one environment while it moves to a custom domain: for a while, tokens of both hosts arrive.
///
/// Both issuers then name the same people, so that here `id()` alone tells who somebody is.
///
/// # Errors
///
/// As [`app`], and when both handles have the same issuer.
pub fn app_during_a_move(old: &Kinde, new: &Kinde) -> Result<Router, ConfigError> {
    let either = Verifier::any_of([old.verifier().build()?, new.verifier().build()?])?;
    Ok(Router::new().route("/me", get(me)).layer(KindeLayer::new(either)))
}

/// Across environments a person is issuer and subject together: one subject may occur in both.
async fn me(user: AuthUser) -> String {
    let (issuer, subject) = user.key();
    format!("{subject} of {issuer}\n")
}
