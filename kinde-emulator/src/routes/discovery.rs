//! The metadata document: `/.well-known/openid-configuration` and its OAuth twin.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use crate::provider::Provider;

/// Answers with the fields Kinde publishes, and none of those it leaves out (`grant_types_supported`,
/// `device_authorization_endpoint`, `registration_endpoint`, …).
pub(crate) async fn metadata(State(provider): State<Arc<Provider>>) -> Json<Metadata> {
    Json(Metadata::of(&provider.issuer, &provider.url))
}

#[derive(Serialize)]
pub(crate) struct Metadata {
    issuer: String,
    jwks_uri: String,
    token_endpoint: String,
    claims_supported: &'static [&'static str],
    scopes_supported: &'static [&'static str],
    userinfo_endpoint: String,
    revocation_endpoint: String,
    end_session_endpoint: String,
    authorization_endpoint: String,
    introspection_endpoint: String,
    subject_types_supported: &'static [&'static str],
    response_modes_supported: &'static [&'static str],
    response_types_supported: &'static [&'static str],
    request_uri_parameter_supported: bool,
    code_challenge_methods_supported: &'static [&'static str],
    id_token_signing_alg_values_supported: &'static [&'static str],
    token_endpoint_auth_methods_supported: &'static [&'static str],
}

impl Metadata {
    /// The issuer may be a name from elsewhere; the endpoints are always here, or nothing could reach them.
    fn of(issuer: &str, url: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            jwks_uri: format!("{url}/.well-known/jwks"),
            token_endpoint: format!("{url}/oauth2/token"),
            claims_supported: &["aud", "exp", "iat", "iss", "sub"],
            scopes_supported: &["address", "email", "event_hooks", "offline", "openid", "phone", "profile"],
            userinfo_endpoint: format!("{url}/oauth2/v2/user_profile"),
            revocation_endpoint: format!("{url}/oauth2/revoke"),
            end_session_endpoint: format!("{url}/logout"),
            authorization_endpoint: format!("{url}/oauth2/auth"),
            introspection_endpoint: format!("{url}/oauth2/introspect"),
            subject_types_supported: &["public"],
            response_modes_supported: &["form_post", "query", "fragment"],
            response_types_supported: &["code"],
            request_uri_parameter_supported: false,
            code_challenge_methods_supported: &["S256"],
            id_token_signing_alg_values_supported: &["RS256"],
            token_endpoint_auth_methods_supported: &["client_secret_post"],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn metadata_has_the_fields_of_a_live_environment() {
        let written = serde_json::to_value(Metadata::of("https://a.example", "https://a.example")).unwrap();
        assert_eq!(written["issuer"], json!("https://a.example"));
        assert_eq!(written["jwks_uri"], json!("https://a.example/.well-known/jwks"));
        let Value::Object(members) = written else { panic!("an object") };
        assert_eq!(members.len(), 17);
    }
}
