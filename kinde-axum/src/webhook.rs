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
/// - **Nothing is parked.** A genuine event whose payload is not an `E` is answered with 400, for there is nowhere to
///   put it aside. Were Kinde to change the payload's shape, the endpoint would fail on end, and Kinde disables one that
///   fails for 72 hours. Take [`Event`] and read it yourself, or use a `WebhookService`, which acknowledges and parks.
/// - **A handler is cancelled when Kinde hangs up**, after some five seconds: what comes after its next `await` does not
///   happen. A `WebhookService` runs its handler to the end.
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
/// A [`Reception`] in the request's extensions says how long a body may be and which media types are good; without one
/// it is the default:
///
/// ```
/// # use axum::{Router, routing::post};
/// # use kinde_axum::{Webhook, kinde_webhook::WebhookVerifier};
/// use axum::Extension;
/// use kinde_axum::kinde_webhook::Reception;
///
/// # async fn welcome(_: Webhook) {}
/// # fn app(verifier: WebhookVerifier) -> Router {
/// let reception = Reception::default().with_body_limit_bytes(1024 * 1024);
/// Router::new().route("/webhooks/kinde", post(welcome)).layer(Extension(reception)).with_state(verifier)
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
        let reception = request.extensions().get::<Reception>().copied().unwrap_or_default();
        let body = reception.read(request).await?;
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

#[cfg(test)]
mod tests {
    use axum::{Extension, Router, routing::post};
    use http::StatusCode;
    use kinde_core::{EventVerifier, Issuer, Jwks};
    use kinde_emulator::Environment;
    use tower::ServiceExt;

    use super::*;

    /// covers: H2
    #[tokio::test]
    async fn reception_of_the_extensions_takes_the_place_of_the_default() {
        let kinde = Environment::start().await;
        let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
        let verifier = WebhookVerifier::from(EventVerifier::new(jwks));
        let app = Router::new().route("/", post(async |_: Webhook| ())).with_state(verifier);
        let token = kinde.event("user.created").token();
        let json = Reception::default().accept_json_media_type();
        for (name, reception, status) in [
            ("absent", None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("JSON accepted", Some(json), StatusCode::OK),
            ("just inside", Some(json.with_body_limit_bytes(token.len())), StatusCode::OK),
            (
                "just outside",
                Some(json.with_body_limit_bytes(token.len() - 1)),
                StatusCode::PAYLOAD_TOO_LARGE,
            ),
        ] {
            let app = match reception {
                Some(reception) => app.clone().layer(Extension(reception)),
                None => app.clone(),
            };
            let request = Request::post("/").header("content-type", "application/json");
            let response = app.oneshot(request.body(Body::from(token.clone())).unwrap()).await.unwrap();
            assert_eq!(response.status(), status, "{name}");
        }
    }
}
