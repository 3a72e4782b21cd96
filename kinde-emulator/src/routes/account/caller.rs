//! Whom the Account API speaks of.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde_json::Value;

use crate::{
    directory::{Directory, Membership, OrganizationRecord, PersonRecord},
    provider::Provider,
    routes::bearer,
};

use super::refusal::Refusal;

/// The person an access token was issued to, and the organization it was issued for.
pub(super) struct Caller {
    pub(super) provider: Arc<Provider>,
    pub(super) person_id: String,
    pub(super) org_code: Option<String>,
}

impl FromRequestParts<Arc<Provider>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, provider: &Arc<Provider>) -> Result<Self, Refusal> {
        let claims = bearer::person_claims(provider, &parts.headers).ok_or(Refusal::InvalidCredentials)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let person_id = text("sub").ok_or(Refusal::InvalidCredentials)?;
        // Somebody who was deleted has nothing more to know; that Kinde refuses them is inferred.
        if !provider.directory.lock().people.contains_key(&person_id) {
            return Err(Refusal::InvalidCredentials);
        }
        let org_code = text("org_code").or_else(|| text("x-hasura-org-code"));
        Ok(Self { provider: Arc::clone(provider), person_id, org_code })
    }
}

impl Caller {
    pub(super) fn person<'a>(&self, directory: &'a Directory) -> Option<&'a PersonRecord> {
        directory.people.get(&self.person_id)
    }

    /// Returns the organization the token was issued for, if it is still there.
    pub(super) fn organization<'a>(&self, directory: &'a Directory) -> Option<&'a OrganizationRecord> {
        directory.organizations.get(self.org_code.as_deref()?)
    }

    /// Returns what the person may do there now: nothing once they left.
    pub(super) fn membership<'a>(&self, directory: &'a Directory) -> Option<&'a Membership> {
        self.person(directory)?.membership(self.org_code.as_deref()?)
    }
}
