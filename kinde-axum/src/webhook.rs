//! A verified webhook as a handler argument.

use std::ops::Deref;

use axum_core::{
    body::Body,
    extract::{FromRef, FromRequest, Request},
    response::{IntoResponse, Response},
};
use kinde_webhook::{
    Disposition, Event, FromEvent, Reception, WebhookError, WebhookErrorKind, WebhookReason, WebhookVerifier,
};

/// An event that Kinde signed, read as `E`: a payload such as
/// [`UserCreated`](kinde_webhook::payload::UserCreated), or [`Event`] for any type.
///
/// The verifier is taken from the router's state. Nothing here remembers events: Kinde sends one again until it
/// reads 200, and sometimes after that. Give the event to a [`Once`](kinde_webhook::Once), or route to a
/// [`WebhookService`](kinde_webhook::WebhookService) instead, which does all of it.
///
/// ```
/// use axum::{Router, routing::post};
/// use kinde_axum::{Webhook, kinde_webhook::{WebhookVerifier, payload::UserCreated}};
///
/// async fn welcome(created: Webhook<UserCreated>) -> String {
///     format!("{} in {}", created.user.id(), created.event().id())
/// }
///
/// # fn app(verifier: WebhookVerifier) -> Router {
/// Router::new().route("/webhooks/kinde", post(welcome)).with_state(verifier)
/// # }
/// ```
///
/// # Errors
///
/// [`WebhookRejection`]: what will never be right is 4xx, what a retry can cure is 503. An event of another type is
/// acknowledged, for an endpoint may be subscribed to more types than one handler takes.
#[derive(Clone, Debug)]
pub struct Webhook<E = Event> {
    event: Event,
    read: E,
}

impl<E> Webhook<E> {
    /// Gives the event with its envelope.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Takes what the event was read as.
    pub fn into_inner(self) -> E {
        self.read
    }
}

impl<E> Deref for Webhook<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.read
    }
}

impl<S, E> FromRequest<S> for Webhook<E>
where
    S: Send + Sync,
    WebhookVerifier: FromRef<S>,
    E: FromEvent,
{
    type Rejection = WebhookRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebhookRejection> {
        let verifier = WebhookVerifier::from_ref(state);
        let body = Reception::default().read(request).await?;
        let event = verifier.verify(body).await?;
        match E::from_event(&event) {
            Ok(Some(read)) => Ok(Self { event, read }),
            Ok(None) => Err(WebhookRejection { refusal: Refusal::OtherType(event) }),
            Err(malformed) => Err(WebhookError::from(WebhookReason::Payload(malformed)).into()),
        }
    }
}

/// Why a request did not become a [`Webhook`].
#[derive(Debug)]
pub struct WebhookRejection {
    refusal: Refusal,
}

impl WebhookRejection {
    /// Tells the kind of error; `None` for an event of another type, which is acknowledged.
    pub fn kind(&self) -> Option<WebhookErrorKind> {
        match &self.refusal {
            Refusal::Error(error) => Some(error.kind()),
            Refusal::OtherType(_) => None,
        }
    }
}

impl From<WebhookError> for WebhookRejection {
    fn from(error: WebhookError) -> Self {
        Self { refusal: Refusal::Error(error) }
    }
}

impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response {
        match &self.refusal {
            Refusal::Error(error) => error.respond().map(Body::new),
            Refusal::OtherType(event) => Disposition::Ignored.respond(event).map(Body::new),
        }
    }
}

#[derive(Debug)]
enum Refusal {
    Error(WebhookError),
    OtherType(Event),
}
