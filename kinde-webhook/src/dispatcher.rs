//! One handler for each event type, with the type's payload.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use crate::{Event, EventPayload, HandlerError, report};

/// Hands each event to the handler of its type; a `Service<Event>` for [`WebhookService::new`](crate::WebhookService::new)
/// and for workers.
///
/// ```
/// use kinde_webhook::{Dispatcher, HandlerError, payload::{UserCreated, UserDeleted}};
///
/// let dispatcher = Dispatcher::new()
///     .on::<UserCreated>(|event, created| async move {
///         println!("{}: {} signed up", event.id(), created.user.id());
///         Ok(())
///     })
///     .on::<UserDeleted>(|_, deleted| async move {
///         Err(HandlerError::permanent(format!("{} cannot be deleted here", deleted.user.id())))
///     });
/// ```
#[derive(Clone, Default)]
pub struct Dispatcher {
    handlers: Arc<HashMap<&'static str, Handler>>,
    otherwise: Option<Handler>,
}

impl Dispatcher {
    /// Starts without a handler: every event is acknowledged and nothing happens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handler of a payload's type; it takes the place of an earlier one.
    ///
    /// An event of the type whose payload has another shape can never be handled: it is parked, and the endpoint stays
    /// in good standing with Kinde.
    #[must_use]
    pub fn on<P: EventPayload>(mut self, handler: impl HandlePayload<P>) -> Self {
        let handler = Arc::new(handler);
        let read_and_call: Handler = Arc::new(move |event: Event| {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                let payload = event.read::<P>().map_err(HandlerError::permanent)?;
                handler.handle(event, payload).await
            })
        });
        Arc::make_mut(&mut self.handlers).insert(P::TYPE, read_and_call);
        self
    }

    /// Adds the handler of all types that have none of their own. Default: they are acknowledged, with a line in
    /// the log at level debug, for an endpoint may be sent more than a program knows.
    #[must_use]
    pub fn otherwise<F, R>(mut self, handler: F) -> Self
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.otherwise = Some(Arc::new(move |event| Box::pin(handler(event))));
        self
    }
}

impl Service<Event> for Dispatcher {
    type Response = ();
    type Error = HandlerError;
    type Future = Handling;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, event: Event) -> Handling {
        match self.handlers.get(event.event_type()).or(self.otherwise.as_ref()) {
            Some(handler) => handler(event),
            None => {
                report::unhandled(&event);
                Box::pin(std::future::ready(Ok(())))
            }
        }
    }
}

/// Names the types that have a handler.
impl fmt::Debug for Dispatcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut types: Vec<_> = self.handlers.keys().collect();
        types.sort_unstable();
        formatter.debug_struct("Dispatcher").field("types", &types).finish_non_exhaustive()
    }
}

/// An asynchronous function of an event and its payload.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{P}`",
    note = "a handler is a closure `|event, payload| async move {{ … Ok(()) }}` whose future is `Send`"
)]
pub trait HandlePayload<P>:
    Fn(Event, P) -> <Self as HandlePayload<P>>::Future + Send + Sync + 'static
{
    /// What the function gives.
    type Future: Future<Output = Result<(), HandlerError>> + Send;

    /// Calls the function.
    fn handle(&self, event: Event, payload: P) -> <Self as HandlePayload<P>>::Future;
}

impl<P, F, R> HandlePayload<P> for F
where
    F: Fn(Event, P) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), HandlerError>> + Send,
{
    type Future = R;

    fn handle(&self, event: Event, payload: P) -> R {
        self(event, payload)
    }
}

type Handling = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;
type Handler = Arc<dyn Fn(Event) -> Handling + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;
    #[derive(serde::Deserialize)]
    struct Mine {
        a: u8,
    }
    impl EventPayload for Mine {
        const TYPE: &'static str = "mine";
    }
    #[test]
    fn closures_infer() {
        let _ = Dispatcher::new().on::<Mine>(|event, mine| async move {
            println!("{} {}", event.id(), mine.a);
            Ok(())
        });
    }
}
