//! What an environment answers over HTTP.

mod account;
mod address;
mod answer;
mod authorize;
mod bearer;
mod consent;
mod control;
mod cross_origin;
mod device;
mod discovery;
mod interaction;
mod introspect;
mod jwks;
mod logout;
mod management;
mod misconduct;
mod organization;
mod pages;
mod portal;
mod refresh_cookie;
mod revoke;
mod sign_in;
mod sign_on_cookie;
mod token;
mod user_profile;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use crate::provider::Provider;

pub(crate) use answer::OAuthError;
pub(crate) use management::scopes as management_scopes;

/// Returns every route of an environment; those of the control API only where it was asked for.
pub(crate) fn routes(provider: &Arc<Provider>, has_control_api: bool) -> Router {
    let kinde = Router::new()
        .route("/.well-known/openid-configuration", get(discovery::metadata))
        .route("/.well-known/oauth-authorization-server", get(discovery::metadata))
        .route("/.well-known/jwks", get(jwks::key_set))
        .route("/.well-known/jwks.json", get(jwks::key_set))
        .route("/oauth2/auth", get(authorize::authorize))
        .route("/oauth2/auth/sign_in", post(sign_in::sign_in))
        .route("/oauth2/auth/organization", post(organization::choose))
        .route("/oauth2/auth/consent", post(consent::decide))
        .route("/oauth2/device/auth", post(device::request))
        .route("/oauth2/v2/device_authorization", post(device::request))
        .route("/device", get(device::page).post(device::enter))
        .route("/oauth2/token", post(token::token))
        .route("/oauth2/revoke", post(revoke::revoke))
        .route("/oauth2/introspect", post(introspect::introspect))
        .route("/oauth2/v2/user_profile", get(user_profile::current))
        .route("/oauth2/user_profile", get(user_profile::legacy))
        .route("/logout", get(logout::logout))
        .route("/portal_redirect", get(portal::open))
        .merge(account::routes())
        .merge(management::routes())
        .layer(middleware::from_fn_with_state(Arc::clone(provider), misconduct::observe))
        // Outside of faults: a browser shows a page nothing of an answer without these headers, its status neither.
        .layer(middleware::from_fn_with_state(Arc::clone(provider), cross_origin::answer_pages))
        .with_state(Arc::clone(provider));
    if has_control_api {
        // In this order a path that neither knows is Kinde's: axum takes the fallback of the router that comes last.
        control::routes(provider).merge(kinde.layer(middleware::from_fn(control::of_one_request)))
    } else {
        kinde
    }
}
