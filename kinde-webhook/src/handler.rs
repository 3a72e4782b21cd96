//! Runs a handler so that whatever it does, an outcome comes back.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use tower_service::Service;

use crate::{Event, HandlerError};

/// An asynchronous function as a [`Service`] of events.
#[derive(Clone, Debug)]
pub struct HandlerFn<F> {
    function: F,
}

impl<F> HandlerFn<F> {
    /// Takes the function in.
    pub fn new(function: F) -> Self {
        Self { function }
    }
}

impl<F, R, E> Service<Event> for HandlerFn<F>
where
    F: FnMut(Event) -> R,
    R: Future<Output = Result<(), E>>,
{
    type Response = ();
    type Error = E;
    type Future = R;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, event: Event) -> R {
        (self.function)(event)
    }
}

/// Calls a handler, for at most `limit`; a panic is an error like any other.
pub(crate) async fn run<S>(mut handler: S, event: Event, limit: Duration) -> Result<(), HandlerError>
where
    S: Service<Event>,
    S::Error: Into<HandlerError>,
{
    let handling = async move {
        poll_fn(|context| handler.poll_ready(context)).await.map_err(Into::into)?;
        handler.call(event).await.map(drop).map_err(Into::into)
    };
    limited(handling, limit).await
}

/// Waits for a handler, for at most `limit`; a panic is an error like any other.
pub(crate) async fn limited(
    handling: impl Future<Output = Result<(), HandlerError>>,
    limit: Duration,
) -> Result<(), HandlerError> {
    match tokio::time::timeout(limit, without_panic(handling)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(HandlerError::retryable(format!("it was not done after {limit:?}"))),
    }
}

async fn without_panic<F: Future<Output = Result<(), HandlerError>>>(future: F) -> Result<(), HandlerError> {
    let mut future = pin!(future);
    poll_fn(|context| {
        // After a panic the future is never polled again, so nothing half done in it is seen.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(polled) => polled,
            Err(panic) => {
                Poll::Ready(Err(HandlerError::retryable(format!("it panicked: {}", said(&*panic)))))
            }
        }
    })
    .await
}

fn said(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no message",
    }
}
