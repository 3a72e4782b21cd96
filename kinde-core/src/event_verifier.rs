//! From the signed JWT of a webhook to an event that the environment really sent.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use crate::{
    AuthError, AuthReason, Clock, Issuer, Jwks, Secret, SystemClock,
    checks::{Envelope, EventRules},
    signature_gate::{Proven, SignatureGate},
    strict_json,
};

/// Verifies the signed events of one Kinde environment: the fourth profile, beside the ones of tokens.
///
/// It knows nothing of event types and of HTTP; the crate kinde-webhook does. Cheap to clone.
#[derive(Clone)]
pub struct EventVerifier {
    gate: Arc<SignatureGate>,
    rules: EventRules,
    clock: Arc<dyn Clock>,
}

impl EventVerifier {
    /// Creates a verifier of the events that the keys of `jwks` sign.
    pub fn new(jwks: Jwks) -> Self {
        let rules = EventRules {
            issuer: jwks.issuer().clone(),
            audience: None,
            max_age: DEFAULT_MAX_AGE,
            max_ahead: DEFAULT_MAX_AHEAD,
        };
        let gate = Arc::new(SignatureGate::new([jwks], TOKEN_LIMIT_BYTES));
        Self { gate, rules, clock: Arc::new(SystemClock) }
    }

    /// Sets how old an event may be, by its signed `timestamp`. Default 48 h.
    ///
    /// Kinde tries for 36 hours and may send the same token at the last attempt, so a window of minutes, usual
    /// with other senders, would lose every late attempt. Zero accepts nothing.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.rules.max_age = max_age;
        self
    }

    /// Sets how far ahead of the clock an event's `timestamp` may be. Default 5 min, for clocks that differ; zero
    /// compares exactly.
    #[must_use]
    pub fn with_max_ahead(mut self, max_ahead: Duration) -> Self {
        self.rules.max_ahead = max_ahead;
        self
    }

    /// Sets the audience that an event must name if it names one. Default none: such an event is refused.
    ///
    /// Kinde's events have no `aud`.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.rules.audience = Some(audience.into());
        self
    }

    /// Sets the clock that timestamps are compared with. Default the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Gives the environment whose events are accepted.
    pub fn issuer(&self) -> &Issuer {
        &self.rules.issuer
    }

    /// Gives how old an event may be: an inbox must remember it at least as long.
    pub fn max_age(&self) -> Duration {
        self.rules.max_age
    }

    /// Gives how far ahead of the clock an event may be.
    pub fn max_ahead(&self) -> Duration {
        self.rules.max_ahead
    }

    /// Gives the key set, for `warm_up()` before serving and `health()` in a readiness route.
    pub fn key_sets(&self) -> impl Iterator<Item = &Jwks> {
        self.gate.key_sets()
    }

    /// Verifies an event, fetching keys if it must.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::InvalidToken`](crate::AuthErrorKind) for anything wrong inside the token, `KeysUnavailable`
    /// when the keys to judge it by cannot be had now.
    pub async fn verify(&self, token: &str) -> Result<SignedEvent, AuthError> {
        let proven = self.gate.prove(token).await?;
        self.judge(token, &proven, self.clock.wall())
    }

    /// Verifies an event without waiting; `None` when keys must be fetched first.
    pub fn verify_at_hand(&self, token: &str) -> Option<Result<SignedEvent, AuthError>> {
        let proven = match self.gate.open(token) {
            Ok(opened) => self.gate.prove_at_hand(&opened)?,
            Err(reason) => Err(reason),
        };
        Some(match proven {
            Ok(proven) => self.judge(token, &proven, self.clock.wall()),
            Err(reason) => Err(reason.into()),
        })
    }

    /// Verifies an event at a given time since 1970 with keys that are at hand: nothing is fetched.
    ///
    /// # Errors
    ///
    /// As [`verify`](EventVerifier::verify); `KeysUnavailable` also when the key would have to be fetched, and
    /// `issuer_mismatch` for the keys of another environment.
    pub fn verify_with(&self, token: &str, keys: &Jwks, now: Duration) -> Result<SignedEvent, AuthError> {
        if keys.issuer() != &self.rules.issuer {
            let found = crate::UntrustedText::new(keys.issuer().as_str());
            return Err(AuthReason::IssuerMismatch { expected: self.rules.issuer.clone(), found }.into());
        }
        let gate = SignatureGate::new([keys.clone()], TOKEN_LIMIT_BYTES);
        let opened = gate.open(token)?;
        let proven = gate
            .prove_at_hand(&opened)
            .unwrap_or(Err(AuthReason::KeysUnavailable { retry_after: RETRY_AFTER }))?;
        self.judge(token, &proven, now)
    }

    fn judge(&self, token: &str, proven: &Proven, now: Duration) -> Result<SignedEvent, AuthError> {
        let malformed = AuthReason::ClaimsMalformed {
            problem: "not one JSON object without repeated names, at most 128 deep",
        };
        let Ok(Value::Object(mut claims)) = strict_json::read(&proven.payload, strict_json::Keep) else {
            return Err(malformed.into());
        };
        let envelope = self.rules.judge(&mut claims, now)?;
        let token = Arc::new(Secret::new(token));
        Ok(SignedEvent { issuer: self.rules.issuer.clone(), envelope, others: claims, token })
    }
}

/// Prints the rules.
impl fmt::Debug for EventVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EventVerifier").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// An event that a Kinde environment signed. Only an [`EventVerifier`] constructs it.
pub struct SignedEvent {
    issuer: Issuer,
    envelope: Envelope,
    others: Map<String, Value>,
    token: Arc<Secret>,
}

impl SignedEvent {
    /// Gives the environment whose key signed the event.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Gives the signed `event_id`: the same at every attempt and at every endpoint.
    pub fn event_id(&self) -> &str {
        &self.envelope.event_id
    }

    /// Gives the `type`, such as `user.created`; an open set.
    pub fn event_type(&self) -> &str {
        &self.envelope.kind
    }

    /// Gives the signed `timestamp`, since 1970.
    pub fn timestamp(&self) -> Duration {
        self.envelope.timestamp
    }

    /// Gives when it happened, since 1970: `event_timestamp`, which only newer environments send, or else `timestamp`.
    pub fn happened_at(&self) -> Duration {
        self.envelope.happened_at
    }

    /// Gives `data`, whose shape depends on the type.
    pub fn data(&self) -> &Map<String, Value> {
        &self.envelope.data
    }

    /// Gives another claim of the envelope, such as `source` or `ip_address`.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.others.get(name)
    }

    /// Gives the verified JWT: to hand the event to a worker, which verifies it again.
    pub fn token(&self) -> &Secret {
        &self.token
    }
}

/// Shows which event it is, not what it says about a person.
impl fmt::Debug for SignedEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignedEvent")
            .field("issuer", &self.issuer)
            .field("event_id", &self.envelope.event_id)
            .field("event_type", &self.envelope.kind)
            .finish_non_exhaustive()
    }
}

/// Kinde tries for 36 hours; 12 more for clocks, queues and whoever repairs the endpoint.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(48 * 60 * 60);
const DEFAULT_MAX_AHEAD: Duration = Duration::from_secs(5 * 60);
/// An event carries a whole person with all organizations: more than an access token, which travels in a header.
const TOKEN_LIMIT_BYTES: usize = 256 * 1024;
const RETRY_AFTER: Duration = Duration::from_secs(1);
