//! The HTTP endpoint for webhooks, as a service of any tower stack.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use crate::{Event, HandlerFn, Once, Process, Reception, WebhookError, WebhookVerifier};

/// Receives webhooks: verifies each, hands it on once, and answers what Kinde must do next.
///
/// The answers are in the [crate's documentation](crate#answers). Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebhookService<P> {
    verifier: WebhookVerifier,
    process: P,
    reception: Reception,
}

impl<I, F> WebhookService<Once<I, HandlerFn<F>>> {
    /// Hands each event to an asynchronous function, once.
    ///
    /// An error of the function is retryable (503, Kinde tries again) unless it is
    /// [`HandlerError::permanent`](crate::HandlerError::permanent).
    pub fn from_fn(verifier: WebhookVerifier, inbox: I, function: F) -> Self {
        Self::new(verifier, inbox, HandlerFn::new(function))
    }
}

impl<I, S> WebhookService<Once<I, S>> {
    /// Hands each event to a `Service<Event>`, once: a [`Dispatcher`](crate::Dispatcher), or your own.
    ///
    /// A layer of tower's fits around it that leaves the error as it is, such as a limit:
    ///
    /// ```
    /// use kinde_webhook::{Dispatcher, WebhookService, WebhookVerifier, inbox::MemoryInbox};
    /// use tower::{ServiceBuilder, limit::ConcurrencyLimitLayer};
    ///
    /// # fn service(verifier: WebhookVerifier, dispatcher: Dispatcher) {
    /// let eight_at_once = ServiceBuilder::new().layer(ConcurrencyLimitLayer::new(8)).service(dispatcher);
    /// let webhooks = WebhookService::new(verifier, MemoryInbox::new(), eight_at_once);
    /// # let _: &dyn std::any::Any = &webhooks;
    /// # }
    /// ```
    ///
    /// A layer that boxes errors (timeout, buffer, load shed) wants `Error: Into<BoxError>`, and a
    /// [`HandlerError`](crate::HandlerError) is not: it is no `std::error::Error`, so that `?` can make one of any. Such
    /// a layer fits around a service whose own error is a `BoxError`, say; every error is then retryable, and nothing
    /// is ever parked. A handler's time limit needs no layer: it is [`Once::with_time_limit`]. Waiting for the service
    /// to be ready counts towards it.
    pub fn new(verifier: WebhookVerifier, inbox: I, handler: S) -> Self {
        let once = Once::new(inbox, &verifier, handler);
        Self::processing(verifier, once)
    }

    /// Changes how events are handled: the endpoint's name, time limit and patience.
    #[must_use]
    pub fn map_once(mut self, change: impl FnOnce(Once<I, S>) -> Once<I, S>) -> Self {
        self.process = change(self.process);
        self
    }
}

impl<P> WebhookService<P> {
    /// Gives each verified event to `process`.
    pub fn processing(verifier: WebhookVerifier, process: P) -> Self {
        Self { verifier, process, reception: Reception::default() }
    }

    /// Sets what a request must be like to be read at all.
    #[must_use]
    pub fn with_reception(mut self, reception: Reception) -> Self {
        self.reception = reception;
        self
    }
}

impl<P: Process> WebhookService<P> {
    async fn receive<B>(&self, request: Request<B>) -> Result<Response<Full<Bytes>>, WebhookError>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let body = self.reception.read(request).await?;
        let event = self.verifier.verify(body).await?;
        match self.process.process(event.clone()).await {
            Ok(disposition) => Ok(disposition.respond(&event)),
            // Kinde may give up on the event: the log must say which one it was.
            Err(error) => Ok(span_of(&event).in_scope(|| error.respond())),
        }
    }
}

impl<P, B> Service<Request<B>> for WebhookService<P>
where
    P: Process,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            Ok(match this.receive(request).await {
                Ok(response) => response,
                Err(error) => error.respond(),
            })
        })
    }
}

fn span_of(event: &Event) -> tracing::Span {
    tracing::warn_span!(target: "kinde_webhook", "event", event_id = ?event.id(), event_type = ?event.event_type())
}
