//! From an ID token to who signed in.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    AuthError, AuthReason, Clock, ConfigError, ConfigProblem, IdToken, Jwks, Secret, SystemClock,
    checks::{DEFAULT_LEEWAY, ExpectedNonce, IdTokenRules, check_leeway},
    claims::ParsedClaims,
    signature_gate::{DEFAULT_TOKEN_LIMIT_BYTES, SignatureGate},
    strict_json,
};

/// Verifies ID tokens for the application that asked for them; for a sign-in's callback, not for an API.
#[derive(Clone, Debug)]
pub struct IdTokenVerifier {
    gate: Arc<SignatureGate>,
    jwks: Jwks,
    client_id: Box<str>,
    leeway: Duration,
    clock: Arc<dyn Clock>,
}

impl IdTokenVerifier {
    /// Creates a verifier of ID tokens issued to `client_id`, with a leeway of 60 s.
    ///
    /// # Errors
    ///
    /// `application_empty` for an empty client ID.
    pub fn new(jwks: Jwks, client_id: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let client_id = client_id.into();
        if client_id.is_empty() {
            return Err(ConfigProblem::new("application_empty", "client_id", "name a client ID").into());
        }
        Ok(Self {
            gate: Arc::new(SignatureGate::new([jwks.clone()], DEFAULT_TOKEN_LIMIT_BYTES)),
            jwks,
            client_id,
            leeway: DEFAULT_LEEWAY,
            clock: Arc::new(SystemClock),
        })
    }

    /// Sets how far clocks may differ. Default 60 s; zero compares exactly.
    ///
    /// # Errors
    ///
    /// `leeway_too_long` for more than 300 s.
    pub fn with_leeway(mut self, leeway: Duration) -> Result<Self, ConfigError> {
        self.leeway = leeway;
        check_leeway(leeway).map_or(Ok(self), |problem| Err(problem.into()))
    }

    /// Sets the clock that claims are compared with. Default the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Verifies an ID token: signature, issuer, audience, `azp`, time, and what `expected` binds it to.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`](crate::Verifier::verify); also `nonce_mismatch`, `access_token_hash_mismatch` and `token_too_old`.
    pub async fn verify(&self, token: &str, expected: ExpectedIdToken<'_>) -> Result<IdToken, AuthError> {
        let proven = self.gate.prove(token).await?;
        let mut claims = ParsedClaims::parse(&proven.payload)?;
        let rules = IdTokenRules {
            issuer: self.jwks.issuer(),
            client_id: &self.client_id,
            leeway: self.leeway,
            nonce: expected.nonce,
            access_token: expected.access_token,
            max_age: expected.max_age,
        };
        rules.judge(&claims, self.clock.wall())?;
        let Ok(Value::Object(all)) = strict_json::read(&proven.payload, strict_json::Keep) else {
            return Err(AuthReason::ClaimsMalformed { problem: "not one JSON object" }.into());
        };
        let subject = claims.sub.take().unwrap_or_default();
        let expires_at = claims.exp.unwrap_or_default();
        Ok(IdToken::new(subject, self.jwks.issuer().clone(), expires_at, all, Secret::new(token)))
    }
}

/// What an ID token must belong to.
#[derive(Clone, Copy)]
pub struct ExpectedIdToken<'a> {
    nonce: ExpectedNonce<'a>,
    access_token: Option<&'a str>,
    max_age: Option<Duration>,
}

impl<'a> ExpectedIdToken<'a> {
    /// Expects the token of a sign-in: it must hold the `nonce` of the authorization request, and be issued within the
    /// last hour (OpenID Connect Core §3.1.3.7, 10): longer than a sign-in takes, and as long as Kinde's live by default.
    #[must_use]
    pub fn of_sign_in(nonce: &'a str) -> Self {
        Self { nonce: ExpectedNonce::Demanded(nonce), access_token: None, max_age: Some(SIGN_IN_AGE) }
    }

    /// Expects the token of a refresh: a `nonce` may be absent, and must be the one of the sign-in if present.
    ///
    /// `None` accepts any, for a session that was begun without one.
    #[must_use]
    pub fn of_refresh(nonce: Option<&'a str>) -> Self {
        let nonce = nonce.map_or(ExpectedNonce::Any, ExpectedNonce::EqualIfPresent);
        Self { nonce, access_token: None, max_age: None }
    }

    /// Compares `at_hash`, when present, with the access token that came along.
    #[must_use]
    pub fn with_access_token(mut self, access_token: &'a str) -> Self {
        self.access_token = Some(access_token);
        self
    }
}

impl fmt::Debug for ExpectedIdToken<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ExpectedIdToken([redacted])")
    }
}

const SIGN_IN_AGE: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: I1
    #[test]
    fn debug_of_what_is_expected_shows_no_nonce() {
        assert_eq!(format!("{:?}", ExpectedIdToken::of_sign_in("n-1")), "ExpectedIdToken([redacted])");
    }
}
