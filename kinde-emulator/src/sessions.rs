//! What an environment remembers between requests: sign-ins, codes and refresh tokens.

mod summary;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    device_grants::DeviceGrants, forgetful_map::ForgetfulMap, identifiers, interaction::Interactions,
    refresh_tokens::RefreshTokens,
};

pub(crate) use summary::SessionSummary;

/// Sign-ins under way, single sign-on sessions, codes, refresh tokens, devices and revoked tokens.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    pub(crate) interactions: Interactions,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) devices: DeviceGrants,
    sign_ons: ForgetfulMap<SignOn>,
    codes: ForgetfulMap<IssuedCode>,
    revoked_token_ids: ForgetfulMap<()>,
    /// What somebody allowed an application, by person and client id.
    consents: BTreeMap<(String, String), BTreeSet<String>>,
}

/// Signing in.
impl Sessions {
    /// Signs a person on; returns the cookie's value.
    pub(crate) fn sign_on(&mut self, person_id: &str, now: u64) -> String {
        let cookie = identifiers::random_hex(16);
        let sign_on = SignOn { person_id: person_id.to_owned(), authenticated_at: now, org_code: None };
        self.sign_ons.insert(cookie.clone(), sign_on);
        cookie
    }

    pub(crate) fn signed_on(&self, cookie: &str) -> Option<&SignOn> {
        self.sign_ons.get(cookie)
    }

    /// Remembers the organization that somebody picked, so that the next application does not ask again.
    pub(crate) fn remember_organization(&mut self, cookie: &str, org_code: &str) {
        if let Some(sign_on) = self.sign_ons.get_mut(cookie) {
            sign_on.org_code = Some(org_code.to_owned());
        }
    }

    /// Signs off and ends every refresh token that came from this session.
    pub(crate) fn sign_off(&mut self, cookie: &str) {
        self.sign_ons.remove(cookie);
        self.refresh_tokens.end_where(|grant| grant.session == cookie);
    }

    /// Ends every session, code and refresh token of a person.
    pub(crate) fn sign_off_everywhere(&mut self, person_id: &str) {
        self.interactions.end_of(person_id);
        self.sign_ons.retain(|_, sign_on| sign_on.person_id != person_id);
        self.codes.retain(|_, code| code.grant.person_id != person_id);
        self.refresh_tokens.end_where(|grant| grant.person_id == person_id);
    }
}

/// Consent.
impl Sessions {
    /// Tells whether somebody allowed an application all of these before.
    pub(crate) fn has_consented(&self, person_id: &str, client_id: &str, wanted: &[String]) -> bool {
        let allowed = self.consents.get(&(person_id.to_owned(), client_id.to_owned()));
        allowed.is_some_and(|allowed| wanted.iter().all(|one| allowed.contains(one)))
    }

    pub(crate) fn consent(&mut self, person_id: &str, client_id: &str, wanted: Vec<String>) {
        self.consents.entry((person_id.to_owned(), client_id.to_owned())).or_default().extend(wanted);
    }
}

/// Codes and revoked access tokens.
impl Sessions {
    pub(crate) fn issue_code(&mut self, code: IssuedCode) -> String {
        let value = identifiers::random_hex(24);
        self.codes.insert(value.clone(), code);
        value
    }

    pub(crate) fn code(&self, value: &str) -> Option<&IssuedCode> {
        self.codes.get(value)
    }

    /// Marks a code as used. A code used before ends the refresh tokens it led to (RFC 6749 §4.1.2).
    pub(crate) fn use_code(&mut self, value: &str) {
        let Some(code) = self.codes.get_mut(value) else { return };
        if code.is_used {
            self.refresh_tokens.end_family(&code.grant.family);
        }
        code.is_used = true;
    }

    pub(crate) fn revoke_token_id(&mut self, token_id: &str) {
        self.revoked_token_ids.insert(token_id.to_owned(), ());
    }

    pub(crate) fn is_revoked(&self, token_id: &str) -> bool {
        self.revoked_token_ids.contains(token_id)
    }
}

/// A single sign-on session.
#[derive(Clone)]
pub(crate) struct SignOn {
    pub(crate) person_id: String,
    pub(crate) authenticated_at: u64,
    /// The organization that was picked in this session, if it was.
    pub(crate) org_code: Option<String>,
}

/// What a person allowed an application.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) person_id: String,
    pub(crate) org_code: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) authenticated_at: u64,
    pub(crate) requested_at: u64,
    /// The single sign-on session it was given in.
    pub(crate) session: String,
    /// What every token from the same code has in common.
    pub(crate) family: String,
}

/// An authorization code and what it may be exchanged for.
#[derive(Clone)]
pub(crate) struct IssuedCode {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    pub(crate) code_challenge: Option<String>,
    pub(crate) expires_at: u64,
    pub(crate) is_used: bool,
}

#[cfg(test)]
impl Grant {
    pub(crate) fn for_tests(family: &str) -> Self {
        Self {
            client_id: "web".to_owned(),
            person_id: "kp_1".to_owned(),
            org_code: None,
            scopes: Vec::new(),
            audiences: Vec::new(),
            nonce: None,
            authenticated_at: 0,
            requested_at: 0,
            session: "cookie".to_owned(),
            family: family.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refresh_tokens::{RefreshToken, new_family};

    fn code(family: &str) -> IssuedCode {
        IssuedCode {
            grant: Grant::for_tests(family),
            redirect_uri: String::new(),
            code_challenge: None,
            expires_at: 1_000,
            is_used: false,
        }
    }

    #[test]
    fn signing_off_ends_the_refresh_tokens_of_the_session() {
        let mut sessions = Sessions::default();
        let token = RefreshToken::new(Grant::for_tests(&new_family()), "", 0, 1_000);
        let token = sessions.refresh_tokens.issue(token);
        sessions.sign_off("another cookie");
        assert!(sessions.refresh_tokens.find(&token).is_some());
        sessions.sign_off("cookie");
        assert!(sessions.refresh_tokens.find(&token).is_none());
    }

    #[test]
    fn code_used_twice_ends_the_refresh_tokens_it_led_to() {
        let mut sessions = Sessions::default();
        let family = new_family();
        let code = sessions.issue_code(code(&family));
        sessions.use_code(&code);
        let token = RefreshToken::new(Grant::for_tests(&family), "", 0, 1_000);
        let token = sessions.refresh_tokens.issue(token);
        sessions.use_code(&code);
        assert!(sessions.refresh_tokens.find(&token).is_none());
    }

    #[test]
    fn consent_covers_what_was_agreed_to_and_no_more() {
        let mut sessions = Sessions::default();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        sessions.consent("kp_1", "web", words(&["openid", "email"]));
        assert!(sessions.has_consented("kp_1", "web", &words(&["openid"])));
        assert!(!sessions.has_consented("kp_1", "web", &words(&["openid", "offline"])));
        assert!(!sessions.has_consented("kp_2", "web", &words(&["openid"])));
        assert!(!sessions.has_consented("kp_1", "other", &[]));
    }
}
