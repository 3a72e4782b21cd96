//! From a raw body to a verified event; no HTTP here.

use std::{sync::Arc, time::Duration};

use kinde_core::{AuthReason, ConfigError, ConfigProblem, EventVerifier, Jwks, Kinde, Secret};
use tokio::task::JoinSet;

use crate::{Event, InboxError, WebhookError, WebhookReason};

/// Verifies webhooks of one or several Kinde environments; cheap to clone.
///
/// It reads a body in memory, so it works in an HTTP service, a queue worker and a test alike.
#[derive(Clone, Debug)]
pub struct WebhookVerifier {
    environments: Arc<[EventVerifier]>,
}

impl WebhookVerifier {
    /// Creates a verifier for one environment; its key cache also serves tokens and sign-in.
    pub fn new(kinde: &Kinde) -> Self {
        kinde.event_verifier().into()
    }

    /// Joins environments at one endpoint: an event is good if a key of one of them signed it.
    ///
    /// An event does not say which environment sent it; where that matters, give each environment a path of
    /// its own.
    ///
    /// # Errors
    ///
    /// `verifiers_empty` without an environment, `issuer_repeated` when one occurs twice.
    pub fn any_of(environments: impl IntoIterator<Item = EventVerifier>) -> Result<Self, ConfigError> {
        let environments: Arc<[EventVerifier]> = environments.into_iter().collect();
        if environments.is_empty() {
            let fix = "give at least one environment";
            return Err(ConfigProblem::new("verifiers_empty", "WebhookVerifier::any_of", fix).into());
        }
        for (index, one) in environments.iter().enumerate() {
            if environments.iter().take(index).any(|other| other.issuer() == one.issuer()) {
                let fix = "name each environment once";
                let problem = ConfigProblem::new("issuer_repeated", "WebhookVerifier::any_of", fix);
                return Err(problem.with_found(one.issuer().as_str()).into());
            }
        }
        Ok(Self { environments })
    }

    /// Verifies a webhook's body, fetching keys if it must. White space around the token is ignored.
    ///
    /// # Errors
    ///
    /// [`WebhookErrorKind::Malformed`](crate::WebhookErrorKind) or `NotTrusted` for what will never be right,
    /// `TryAgain` when the keys cannot be had now.
    pub async fn verify(&self, raw: impl AsRef<[u8]>) -> Result<Event, WebhookError> {
        let token = text_of(raw.as_ref())?;
        let mut refusal = None;
        let mut waiting = JoinSet::new();
        for environment in &*self.environments {
            match environment.verify_at_hand(token) {
                Some(Ok(signed)) => return Ok(Event::new(signed)),
                Some(Err(error)) => refusal = Some(worse(refusal, error.into())),
                None => {
                    let (environment, token) = (environment.clone(), Secret::new(token));
                    waiting.spawn(async move { environment.verify(token.expose()).await });
                }
            }
        }
        // All at once: an environment whose keys are away must not hold up the events of the others.
        while let Some(answer) = waiting.join_next().await {
            match answer {
                Ok(Ok(signed)) => return Ok(Event::new(signed)),
                Ok(Err(error)) => refusal = Some(worse(refusal, error.into())),
                Err(lost) => refusal = Some(InboxError::Unavailable(lost.into()).into()),
            }
        }
        Err(refused(refusal))
    }

    /// Verifies a webhook's body with keys at hand, at a given time since 1970: nothing is fetched, nothing waits.
    ///
    /// # Errors
    ///
    /// As [`verify`](WebhookVerifier::verify); `issuer_mismatch` when `keys` belong to none of the environments.
    pub fn verify_with(
        &self,
        raw: impl AsRef<[u8]>,
        keys: &Jwks,
        now: Duration,
    ) -> Result<Event, WebhookError> {
        let token = text_of(raw.as_ref())?;
        let named = self.environments.iter().find(|environment| environment.issuer() == keys.issuer());
        match named.or(self.environments.first()) {
            Some(environment) => Ok(Event::new(environment.verify_with(token, keys, now)?)),
            None => Err(refused(None)),
        }
    }

    /// Gives the environments whose events are accepted.
    pub fn environments(&self) -> impl Iterator<Item = &EventVerifier> {
        self.environments.iter()
    }

    /// Gives for how long an event can be accepted after it was made: an inbox must remember it longer.
    pub fn window(&self) -> Duration {
        let window = |one: &EventVerifier| one.max_age().saturating_add(one.max_ahead());
        self.environments.iter().map(window).max().unwrap_or_default()
    }
}

impl From<EventVerifier> for WebhookVerifier {
    fn from(environment: EventVerifier) -> Self {
        Self { environments: [environment].into() }
    }
}

/// A proxy may add a line feed; inside, a token has no white space.
fn text_of(raw: &[u8]) -> Result<&str, WebhookError> {
    std::str::from_utf8(raw.trim_ascii()).map_err(|_| WebhookReason::BodyNotText.into())
}

/// Of two refusals, the one that must be told: while one environment's keys are unavailable, an event that no other
/// knows may be its; and who knows the key knows more than who does not.
fn worse(held: Option<WebhookError>, new: WebhookError) -> WebhookError {
    let knows_no_key = |error: &WebhookError| matches!(error.reason(), WebhookReason::Refused(error) if matches!(error.reason(), AuthReason::KeyUnknown { .. }));
    match held {
        Some(held) if held.is_temporary() => held,
        Some(held) if !new.is_temporary() && knows_no_key(&new) => held,
        _ => new,
    }
}

fn refused(refusal: Option<WebhookError>) -> WebhookError {
    // There is always an environment; were there none, nobody's event would be accepted.
    refusal.unwrap_or_else(|| WebhookReason::Refused(AuthReason::SignatureInvalid.into()).into())
}
