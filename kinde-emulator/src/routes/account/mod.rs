//! `/account_api/v1/…`: what the environment knows about whoever an access token was issued to, as it is now.

mod caller;
mod entitlements;
mod feature_flags;
mod page_of;
mod permissions;
mod portal_link;
mod properties;
mod refusal;
mod roles;

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, get},
};

use crate::provider::Provider;

use refusal::Refusal;

/// Returns the routes of the Account API; whatever else there is below its path is not found.
pub(super) fn routes() -> Router<Arc<Provider>> {
    Router::new()
        .route("/account_api/v1/permissions", get(permissions::all))
        .route("/account_api/v1/permission/{key}", get(permissions::one))
        .route("/account_api/v1/roles", get(roles::all))
        .route("/account_api/v1/feature_flags", get(feature_flags::all))
        .route("/account_api/v1/entitlements", get(entitlements::all))
        // The specification gives the path no place for the key that it says is in it.
        .route("/account_api/v1/entitlement", get(entitlements::one_by_query))
        .route("/account_api/v1/entitlement/{key}", get(entitlements::one))
        .route("/account_api/v1/properties", get(properties::all))
        .route("/account_api/v1/portal_link", get(portal_link::link))
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .route("/account_api/{*elsewhere}", any(async || Refusal::NotFound))
}
