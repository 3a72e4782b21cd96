//! tower-oauth2-resource-server 0.12 with keys at hand.

use axum::{Extension, Router, routing::get};
use kinde_emulator::Environment;
use tower_oauth2_resource_server::{
    server::OAuth2ResourceServer, tenant::TenantConfiguration, validation::ClaimsValidationSpec,
};

use super::Claims;
use crate::environment::AUDIENCE;

/// Builds the handler behind its layer; issuer, audience and expiry are checked.
///
/// # Panics
///
/// When it refuses the configuration.
pub async fn app(environment: &Environment) -> Router {
    let checks =
        ClaimsValidationSpec::new().iss(environment.issuer()).aud(&vec![AUDIENCE.to_owned()]).exp(true);
    let tenant = TenantConfiguration::static_builder(environment.jwks())
        .claims_validation(checks)
        .build()
        .expect("a tenant");
    let server =
        OAuth2ResourceServer::<Claims>::builder().add_tenant(tenant).build().await.expect("a server");
    Router::new()
        .route("/me", get(async |Extension(claims): Extension<Claims>| claims.sub))
        .layer(server.into_layer())
}
