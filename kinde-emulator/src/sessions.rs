//! What an environment remembers between requests: sign-ins, codes and refresh tokens.

mod summary;

use std::collections::{BTreeMap, BTreeSet};

use crate::{authorization_request::AuthorizationRequest, identifiers};

pub(crate) use summary::SessionSummary;

/// Sign-ins under way, single sign-on sessions, codes, refresh tokens and revoked tokens.
#[derive(Default)]
pub(crate) struct Sessions {
    interactions: BTreeMap<String, Interaction>,
    sign_ons: BTreeMap<String, SignOn>,
    codes: BTreeMap<String, IssuedCode>,
    refresh_tokens: BTreeMap<String, RefreshToken>,
    revoked_token_ids: BTreeSet<String>,
}

/// Signing in.
impl Sessions {
    /// Keeps an authorization request while its person looks at a page; returns the name of the interaction.
    pub(crate) fn begin(&mut self, request: AuthorizationRequest, now: u64) -> String {
        let name = identifiers::random_hex(16);
        self.interactions.insert(name.clone(), Interaction { request, requested_at: now });
        name
    }

    pub(crate) fn interaction(&self, name: &str) -> Option<&Interaction> {
        self.interactions.get(name)
    }

    pub(crate) fn end(&mut self, name: &str) {
        self.interactions.remove(name);
    }

    /// Signs a person on; returns the cookie's value.
    pub(crate) fn sign_on(&mut self, person_id: &str, now: u64) -> String {
        let cookie = identifiers::random_hex(16);
        let sign_on = SignOn { person_id: person_id.to_owned(), authenticated_at: now };
        self.sign_ons.insert(cookie.clone(), sign_on);
        cookie
    }

    pub(crate) fn signed_on(&self, cookie: &str) -> Option<&SignOn> {
        self.sign_ons.get(cookie)
    }

    /// Signs off and ends every refresh token that came from this session.
    pub(crate) fn sign_off(&mut self, cookie: &str) {
        self.sign_ons.remove(cookie);
        self.refresh_tokens.retain(|_, token| token.grant.session != cookie);
    }
}

/// Codes and tokens.
impl Sessions {
    /// Ends every session, code and refresh token of a person.
    pub(crate) fn sign_off_everywhere(&mut self, person_id: &str) {
        self.sign_ons.retain(|_, sign_on| sign_on.person_id != person_id);
        self.codes.retain(|_, code| code.grant.person_id != person_id);
        self.refresh_tokens.retain(|_, token| token.grant.person_id != person_id);
    }

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
            let family = &code.grant.family;
            self.refresh_tokens.retain(|_, token| token.grant.family != *family);
        }
        code.is_used = true;
    }

    pub(crate) fn issue_refresh_token(&mut self, token: RefreshToken) -> String {
        let value = identifiers::random_hex(32);
        self.refresh_tokens.insert(value.clone(), token);
        value
    }

    pub(crate) fn refresh_token(&self, value: &str) -> Option<&RefreshToken> {
        self.refresh_tokens.get(value)
    }

    /// Marks a refresh token as replaced; a second use within the overlap keeps the first moment.
    pub(crate) fn rotate(&mut self, value: &str, now: u64) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.rotated_at.get_or_insert(now);
        }
    }

    pub(crate) fn revoke_refresh_token(&mut self, value: &str) {
        self.refresh_tokens.remove(value);
    }

    pub(crate) fn revoke_token_id(&mut self, token_id: &str) {
        self.revoked_token_ids.insert(token_id.to_owned());
    }

    pub(crate) fn is_revoked(&self, token_id: &str) -> bool {
        self.revoked_token_ids.contains(token_id)
    }
}

/// An authorization request whose person has a page in front of them.
#[derive(Clone)]
pub(crate) struct Interaction {
    pub(crate) request: AuthorizationRequest,
    pub(crate) requested_at: u64,
}

/// A single sign-on session.
#[derive(Clone)]
pub(crate) struct SignOn {
    pub(crate) person_id: String,
    pub(crate) authenticated_at: u64,
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

/// A refresh token and what it stands for.
#[derive(Clone)]
pub(crate) struct RefreshToken {
    pub(crate) grant: Grant,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) rotated_at: Option<u64>,
    /// The access token it came with.
    pub(crate) access_token: String,
}

impl RefreshToken {
    /// Makes one that nobody has used.
    pub(crate) fn new(grant: Grant, access_token: &str, issued_at: u64, lifetime_seconds: u64) -> Self {
        let expires_at = issued_at.saturating_add(lifetime_seconds);
        Self { grant, issued_at, expires_at, rotated_at: None, access_token: access_token.to_owned() }
    }

    /// Tells whether it can be used: not expired, and not rotated longer ago than the overlap.
    pub(crate) fn is_good(&self, now: u64, overlap_seconds: u64) -> bool {
        let is_current =
            self.rotated_at.is_none_or(|rotated_at| now < rotated_at.saturating_add(overlap_seconds));
        is_current && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            client_id: "web".to_owned(),
            person_id: "kp_1".to_owned(),
            org_code: None,
            scopes: Vec::new(),
            audiences: Vec::new(),
            nonce: None,
            authenticated_at: 0,
            requested_at: 0,
            session: "cookie".to_owned(),
            family: "family".to_owned(),
        }
    }

    #[test]
    fn rotated_refresh_token_is_good_until_the_overlap_ends() {
        let mut token = RefreshToken::new(grant(), "", 0, 1_000);
        token.rotated_at = Some(100);
        assert!(!token.is_good(100, 0));
        assert!(token.is_good(109, 10));
        assert!(!token.is_good(110, 10));
    }

    #[test]
    fn refresh_token_is_good_until_its_last_second() {
        let token = RefreshToken::new(grant(), "", 0, 1_000);
        assert!(token.is_good(999, 0));
        assert!(!token.is_good(1_000, 0));
    }

    #[test]
    fn signing_off_ends_the_refresh_tokens_of_the_session() {
        let mut sessions = Sessions::default();
        let token = sessions.issue_refresh_token(RefreshToken::new(grant(), "", 0, 1_000));
        sessions.sign_off("another cookie");
        assert!(sessions.refresh_token(&token).is_some());
        sessions.sign_off("cookie");
        assert!(sessions.refresh_token(&token).is_none());
    }

    #[test]
    fn code_used_twice_ends_the_refresh_tokens_it_led_to() {
        let mut sessions = Sessions::default();
        let issued = IssuedCode {
            grant: grant(),
            redirect_uri: String::new(),
            code_challenge: None,
            expires_at: 1_000,
            is_used: false,
        };
        let code = sessions.issue_code(issued);
        sessions.use_code(&code);
        let token = sessions.issue_refresh_token(RefreshToken::new(grant(), "", 0, 1_000));
        sessions.use_code(&code);
        assert!(sessions.refresh_token(&token).is_none());
    }
}
