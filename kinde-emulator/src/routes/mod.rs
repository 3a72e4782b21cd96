//! What an environment answers over HTTP.

mod discovery;
mod jwks;
mod misconduct;

use std::sync::Arc;

use axum::{Router, middleware, routing::get};

use crate::provider::Provider;

/// Returns every route of an environment.
pub(crate) fn routes(provider: &Arc<Provider>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::metadata))
        .route("/.well-known/oauth-authorization-server", get(discovery::metadata))
        .route("/.well-known/jwks", get(jwks::key_set))
        .route("/.well-known/jwks.json", get(jwks::key_set))
        .layer(middleware::from_fn_with_state(Arc::clone(provider), misconduct::observe))
        .with_state(Arc::clone(provider))
}
