//! What the Management API sees of sessions, and does to them.

use super::{Grant, Sessions};

/// A single sign-on session, with what is known of its applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionSummary {
    pub(crate) cookie: String,
    pub(crate) started_at: u64,
    pub(crate) updated_at: u64,
    /// The application that was signed in to first, of those whose grants still stand.
    pub(crate) client_id: Option<String>,
    pub(crate) org_code: Option<String>,
}

impl Sessions {
    /// Returns a person's sessions, the oldest first.
    pub(crate) fn of_person(&self, person_id: &str) -> Vec<SessionSummary> {
        let own = self.sign_ons.iter().filter(|(_, sign_on)| sign_on.person_id == person_id);
        let mut sessions: Vec<_> = own
            .map(|(cookie, sign_on)| {
                let first = self.grants_in(cookie).min_by_key(|grant| grant.requested_at);
                let refreshed = self.refresh_tokens.iter().filter(|token| token.grant.session == *cookie);
                let last_refreshed = refreshed.map(|token| token.issued_at).max();
                SessionSummary {
                    cookie: cookie.clone(),
                    started_at: sign_on.authenticated_at,
                    updated_at: last_refreshed.unwrap_or(sign_on.authenticated_at),
                    client_id: first.map(|grant| grant.client_id.clone()),
                    org_code: first.and_then(|grant| grant.org_code.clone()),
                }
            })
            .collect();
        sessions.sort_by(|a, b| (a.started_at, &a.cookie).cmp(&(b.started_at, &b.cookie)));
        sessions
    }

    /// Makes the next refresh of a person's tokens bring a new access token, whatever is kept otherwise.
    pub(crate) fn refresh_claims(&mut self, person_id: &str) {
        let own = self.refresh_tokens.iter_mut().filter(|token| token.grant.person_id == person_id);
        // No text is a good token, so none is kept.
        own.for_each(|token| token.access_token.clear());
    }

    fn grants_in(&self, cookie: &str) -> impl Iterator<Item = &Grant> {
        let codes = self.codes.values().map(|code| &code.grant);
        let refreshed = self.refresh_tokens.iter().map(|token| &token.grant);
        codes.chain(refreshed).filter(move |grant| grant.session == cookie)
    }
}
