//! Is this claims set for us, from our issuer, of this kind, now? The only place that decides it.

mod event;

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    AuthReason, ConfigProblem, Issuer, TokenKind, UntrustedText,
    claims::{Claim, Markers, ParsedClaims, Texts},
    constant_time,
};

pub(crate) use event::{Envelope, EventRules};

/// What a verifier demands of an access token.
#[derive(Clone, Debug)]
pub(crate) struct AccessRules {
    pub(crate) issuer: Issuer,
    pub(crate) audience: Option<Audience>,
    /// Accepted `azp` values; `None` accepts any, which needs an audience or an `insecure` name.
    pub(crate) applications: Option<Box<[Box<str>]>>,
    pub(crate) leeway: Duration,
    pub(crate) max_age: Option<Duration>,
    pub(crate) org_code: Option<Box<str>>,
    pub(crate) scopes: Box<[Box<str>]>,
}

/// The audiences that a token must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    AnyOf(Box<[Box<str>]>),
    AllOf(Box<[Box<str>]>),
}

impl AccessRules {
    /// Judges a claims set and tells whose it is: a user's or a machine's.
    pub(crate) fn judge(&self, claims: &ParsedClaims, now: Duration) -> Result<TokenKind, AuthReason> {
        let kind = kind_of(claims)?;
        if !matches!(kind, TokenKind::User | TokenKind::Machine) {
            return Err(AuthReason::WrongKind { expected: TokenKind::User, found: kind });
        }
        check_issuer(claims, &self.issuer)?;
        check_time(claims, self.leeway, now)?;
        self.check_binding(claims, kind)?;
        match kind {
            // Its `azp` is who it is.
            TokenKind::Machine => required("azp", &claims.azp).map(drop)?,
            _ => check_subject(claims)?,
        }
        self.check_policies(claims, now)?;
        Ok(kind)
    }

    fn check_binding(&self, claims: &ParsedClaims, kind: TokenKind) -> Result<(), AuthReason> {
        match &self.audience {
            Some(audience) => check_audience(claims, audience)?,
            None if kind == TokenKind::Machine => return Err(AuthReason::MachineUnbound),
            // tokens.md §10: without an audience, `scp` or `scope` is what an ID token lacks.
            None if claims.scp.is_none() && !matches!(claims.scope, Claim::Present(_)) => {
                return Err(AuthReason::KindUncertain {
                    problem: "it has neither scp nor scope, and the verifier is bound by application only",
                });
            }
            None => {}
        }
        match &self.applications {
            Some(accepted) => check_application(claims, accepted),
            None => Ok(()),
        }
    }

    /// Also asked of a remembered token at every use.
    pub(crate) fn check_age(&self, issued_at: Option<Duration>, now: Duration) -> Result<(), AuthReason> {
        self.max_age.map_or(Ok(()), |max_age| check_age(issued_at, max_age, self.leeway, now))
    }

    fn check_policies(&self, claims: &ParsedClaims, now: Duration) -> Result<(), AuthReason> {
        self.check_age(claims.iat, now)?;
        if let Some(expected) = &self.org_code {
            let found = match &claims.org_code {
                Claim::Present(code) => Some(code.as_ref()),
                Claim::Absent | Claim::Malformed => None,
            };
            if found != Some(expected.as_ref()) {
                let found = found.unwrap_or_default();
                return Err(AuthReason::OrganizationMismatch {
                    expected: UntrustedText::new(expected),
                    found: UntrustedText::new(found),
                });
            }
        }
        for expected in &self.scopes {
            let in_scp = claims.scp.as_ref().is_some_and(|scopes| scopes.contains(expected));
            let in_scope = matches!(&claims.scope, Claim::Present(scopes) if scopes.contains(expected));
            if !in_scp && !in_scope {
                return Err(AuthReason::ScopeMissing { expected: UntrustedText::new(expected) });
            }
        }
        Ok(())
    }
}

/// What the callback of a sign-in demands of an ID token (OpenID Connect Core §3.1.3.7).
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdTokenRules<'a> {
    pub(crate) issuer: &'a Issuer,
    pub(crate) client_id: &'a str,
    pub(crate) leeway: Duration,
    pub(crate) nonce: ExpectedNonce<'a>,
    pub(crate) access_token: Option<&'a str>,
    pub(crate) max_age: Option<Duration>,
}

/// What is demanded of `nonce`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ExpectedNonce<'a> {
    Demanded(&'a str),
    /// OpenID Connect Core §12.2: a refreshed ID token should have none.
    EqualIfPresent(&'a str),
    Any,
}

impl IdTokenRules<'_> {
    pub(crate) fn judge(&self, claims: &ParsedClaims, now: Duration) -> Result<(), AuthReason> {
        let kind = kind_of(claims)?;
        // `scp` is never in an ID token (tokens.md §3): without a marker it decides.
        let has_scopes = claims.scp.is_some() || !matches!(claims.scope, Claim::Absent);
        if kind != TokenKind::Id && (kind != TokenKind::User || has_scopes) {
            return Err(AuthReason::WrongKind { expected: TokenKind::Id, found: kind });
        }
        if has_scopes {
            return Err(AuthReason::WrongKind { expected: TokenKind::Id, found: TokenKind::User });
        }
        check_issuer(claims, self.issuer)?;
        check_time(claims, self.leeway, now)?;
        check_age(claims.iat, self.max_age.unwrap_or(Duration::MAX), self.leeway, now)?;
        check_subject(claims)?;
        self.check_audience(claims)?;
        self.check_nonce(claims)?;
        self.check_access_token(claims)
    }

    /// Kinde writes `[issuer, client ID]`; its documentation shows either alone. `azp` decides then.
    fn check_audience(&self, claims: &ParsedClaims) -> Result<(), AuthReason> {
        let audience = Audience::AnyOf([self.client_id.into(), self.issuer.as_str().into()].into());
        check_audience(claims, &audience)?;
        check_application(claims, &[self.client_id.into()])
    }

    fn check_nonce(&self, claims: &ParsedClaims) -> Result<(), AuthReason> {
        let is_absent = !claims.markers.has_nonce;
        let expected = match self.nonce {
            ExpectedNonce::Any => return Ok(()),
            ExpectedNonce::EqualIfPresent(_) if is_absent => return Ok(()),
            ExpectedNonce::Demanded(_) if is_absent => {
                return Err(AuthReason::ClaimMissing { claim: "nonce" });
            }
            ExpectedNonce::EqualIfPresent(expected) | ExpectedNonce::Demanded(expected) => expected,
        };
        match &claims.nonce {
            Some(found) if constant_time::equal(found.as_bytes(), expected.as_bytes()) => Ok(()),
            Some(_) | None => Err(AuthReason::NonceMismatch),
        }
    }

    /// OpenID Connect Core §3.1.3.6: the left half of the hash of the access token, in base64url.
    fn check_access_token(&self, claims: &ParsedClaims) -> Result<(), AuthReason> {
        let Some(access_token) = self.access_token else { return Ok(()) };
        if !claims.markers.has_at_hash {
            return Ok(());
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
        let half = digest.as_ref().get(..16).unwrap_or_default();
        let expected = BASE64_URL_SAFE_NO_PAD.encode(half);
        match &claims.at_hash {
            Some(found) if constant_time::equal(found.as_bytes(), expected.as_bytes()) => Ok(()),
            Some(_) | None => Err(AuthReason::AccessTokenHashMismatch),
        }
    }
}

/// Tells the kind of a token by its claims (tokens.md §10): header and keys are the same for all.
fn kind_of(claims: &ParsedClaims) -> Result<TokenKind, AuthReason> {
    let Markers {
        has_at_hash,
        has_auth_time,
        has_rat,
        has_nonce,
        has_type,
        has_data,
        has_event_id,
        has_events,
    } = claims.markers;
    if has_type && has_data && has_event_id {
        return Ok(TokenKind::Webhook);
    }
    if has_events {
        return Ok(TokenKind::SecurityEvent);
    }
    let is_machine = claims.gty.as_ref().is_some_and(|grants| grants.contains(CLIENT_CREDENTIALS));
    let is_id = has_at_hash || has_auth_time || has_rat || has_nonce;
    match (is_machine, is_id, claims.sub.is_some()) {
        (true, true, _) => Err(AuthReason::KindUncertain {
            problem: "it has gty client_credentials and an ID token's claims",
        }),
        (true, false, true) => {
            Err(AuthReason::KindUncertain { problem: "it has gty client_credentials and sub" })
        }
        (true, false, false) => Ok(TokenKind::Machine),
        (false, true, _) => Ok(TokenKind::Id),
        (false, false, _) => Ok(TokenKind::User),
    }
}

/// `iss` equals the issuer whose key signed the token, byte for byte.
fn check_issuer(claims: &ParsedClaims, expected: &Issuer) -> Result<(), AuthReason> {
    let found = required("iss", &claims.iss)?;
    if found.as_ref() == expected.as_str() {
        return Ok(());
    }
    Err(AuthReason::IssuerMismatch { expected: expected.clone(), found: UntrustedText::new(found) })
}

/// RFC 7519 §4.1.4 to §4.1.6. `exp` is required; Kinde's access and ID tokens always have it.
fn check_time(claims: &ParsedClaims, leeway: Duration, now: Duration) -> Result<(), AuthReason> {
    let expires_at = *required("exp", &claims.exp)?;
    check_expiry(expires_at, leeway, now)?;
    for (claim, at) in [("nbf", claims.nbf), ("iat", claims.iat)] {
        if let Some(at) = at
            && at > now.saturating_add(leeway)
        {
            return Err(AuthReason::NotYetValid { claim, at, now, leeway });
        }
    }
    Ok(())
}

/// Demands `iat`, and that it is not longer ago.
fn check_age(
    issued_at: Option<Duration>,
    max_age: Duration,
    leeway: Duration,
    now: Duration,
) -> Result<(), AuthReason> {
    let issued_at = *required("iat", &issued_at)?;
    if issued_at.saturating_add(max_age).saturating_add(leeway) <= now {
        return Err(AuthReason::TooOld { issued_at, now, max_age });
    }
    Ok(())
}

/// Also asked of a remembered token at every use.
pub(crate) fn check_expiry(expires_at: Duration, leeway: Duration, now: Duration) -> Result<(), AuthReason> {
    if expires_at.saturating_add(leeway) <= now {
        return Err(AuthReason::Expired { expires_at, now, leeway });
    }
    Ok(())
}

/// A configured leeway that lets expired tokens live is a problem of the configuration.
pub(crate) fn check_leeway(leeway: Duration) -> Option<ConfigProblem> {
    let fix = "use at most 300 s, and correct the clock instead";
    let problem = || ConfigProblem::new("leeway_too_long", "leeway", fix).with_found(&format!("{leeway:?}"));
    (leeway > MAX_LEEWAY).then(problem)
}

fn check_audience(claims: &ParsedClaims, expected: &Audience) -> Result<(), AuthReason> {
    let none = Texts::default();
    let found = claims.aud.as_ref().unwrap_or(&none);
    let (is_met, list) = match expected {
        Audience::AnyOf(list) => (list.iter().any(|one| found.contains(one)), list),
        Audience::AllOf(list) => (list.iter().all(|one| found.contains(one)), list),
    };
    if found.is_empty() {
        return Err(AuthReason::AudienceAbsent { expected: shown(list.iter().map(AsRef::as_ref)) });
    }
    if is_met {
        return Ok(());
    }
    let (expected, found) = (shown(list.iter().map(AsRef::as_ref)), shown(found.iter()));
    Err(AuthReason::AudienceMismatch { expected, found })
}

fn check_application(claims: &ParsedClaims, accepted: &[Box<str>]) -> Result<(), AuthReason> {
    let found = required("azp", &claims.azp)?;
    if accepted.contains(found) {
        return Ok(());
    }
    let expected = shown(accepted.iter().map(AsRef::as_ref));
    Err(AuthReason::ApplicationMismatch { expected, found: UntrustedText::new(found) })
}

fn check_subject(claims: &ParsedClaims) -> Result<(), AuthReason> {
    match required("sub", &claims.sub)?.as_ref() {
        "" => Err(AuthReason::ClaimType { claim: "sub", expected: "a non-empty string" }),
        _ => Ok(()),
    }
}

fn required<'a, T>(claim: &'static str, value: &'a Option<T>) -> Result<&'a T, AuthReason> {
    value.as_ref().ok_or(AuthReason::ClaimMissing { claim })
}

fn shown<'t>(list: impl Iterator<Item = &'t str>) -> UntrustedText {
    UntrustedText::new(&list.collect::<Vec<_>>().join(" "))
}

const CLIENT_CREDENTIALS: &str = "client_credentials";
/// Covers machines that keep time.
pub(crate) const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);
const MAX_LEEWAY: Duration = Duration::from_secs(300);
