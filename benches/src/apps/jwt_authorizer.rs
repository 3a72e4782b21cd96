//! jwt-authorizer 0.15, which is for axum 0.7, with keys fetched once over loopback HTTP.

use axum_0_7::{Router, routing::get};
use jwt_authorizer::{Authorizer, IntoLayer, JwtAuthorizer, JwtClaims, Validation};
use kinde_emulator::Environment;

use super::Claims;
use crate::environment::AUDIENCE;

/// Builds the handler behind its layer; issuer, audience and expiry are checked.
///
/// # Panics
///
/// When it refuses the configuration.
pub async fn app(environment: &Environment) -> Router {
    let checks = Validation::new().iss(&[environment.issuer()]).aud(&[AUDIENCE]);
    let url = format!("{}/.well-known/jwks", environment.url());
    let authorizer: Authorizer<Claims> =
        JwtAuthorizer::from_jwks_url(&url).validation(checks).build().await.expect("an authorizer");
    Router::new()
        .route("/me", get(|JwtClaims(claims): JwtClaims<Claims>| async move { claims.sub }))
        .layer(authorizer.into_layer())
}

/// Builds the bare handler of axum 0.7, beside which this peer is to be seen.
pub fn bare() -> Router {
    Router::new().route("/me", get(|| async { "kp_0123456789" }))
}

/// Gives the body that requests of this axum have.
pub fn body() -> axum_0_7::body::Body {
    axum_0_7::body::Body::empty()
}
