//! Decides who may call an operation: a machine with a token for the Management API that has the operation's scope.

use http::HeaderMap;
use serde_json::Value;

use crate::{api::ApiRecord, provider::Provider, routes::bearer};

use super::{failure::Failure, operations::Operation};

/// Lets a call through, or says what its credentials lack.
pub(super) fn admit(provider: &Provider, headers: &HeaderMap, operation: &Operation) -> Result<(), Failure> {
    // The specification contradicts itself on verifying API keys; its text says public, and so do the examples.
    if operation.scope.is_empty() && !provider.guards_api_key_verification {
        return Ok(());
    }
    let token =
        bearer::untrusted_token(headers).ok_or_else(|| Failure::credentials("there is no bearer token"))?;
    let claims = provider.live_claims(token).ok_or_else(|| {
        Failure::credentials("the token is malformed, expired, revoked, or not one of this environment")
    })?;
    match objection(provider, &claims, scope_of(operation)) {
        Some(missing) => Err(Failure::credentials(&missing)),
        None => Ok(()),
    }
}

/// Returns the application a call is made by, when it has a good token.
pub(super) fn caller(provider: &Provider, headers: &HeaderMap) -> Option<String> {
    let claims = provider.live_claims(bearer::untrusted_token(headers)?)?;
    Some(claims.get("azp")?.as_str()?.to_owned())
}

fn scope_of(operation: &Operation) -> &'static str {
    // Where the specification states none, the documentation's prose has this one.
    if operation.scope.is_empty() { "read:api_keys" } else { operation.scope }
}

fn objection(provider: &Provider, claims: &Value, scope: &str) -> Option<String> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    // A person's token and an ID token have a subject and no grant type.
    if text("sub").is_some() || !listed(claims, "gty").contains(&"client_credentials") {
        return Some("the token is not one from client credentials".to_owned());
    }
    let audiences = listed(claims, "aud");
    let directory = provider.directory.lock();
    let management: Vec<&ApiRecord> = directory.apis.values().filter(|api| api.is_management_api).collect();
    if !management.iter().any(|api| audiences.iter().any(|audience| api.is_called(audience))) {
        let expected = management.first().map_or("", |api| api.audience.as_str());
        return Some(format!("the token lacks the audience {expected}"));
    }
    // Sources differ on whether `scp` is filled, so `scope` counts as well.
    let words = text("scope").unwrap_or_default();
    let is_granted = listed(claims, "scp").contains(&scope) || words.split(' ').any(|word| word == scope);
    (!is_granted).then(|| format!("the token lacks the scope {scope}"))
}

fn listed<'a>(claims: &'a Value, name: &str) -> Vec<&'a str> {
    match claims.get(name) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(item)) => vec![item],
        _ => Vec::new(),
    }
}
