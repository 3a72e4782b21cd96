//! What becomes of a verified event. The same in an HTTP service and in a worker.

use std::future::Future;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tokio::runtime::Handle;

use crate::{Event, InboxError, WebhookError, report, response};

/// Takes a verified event and does what must be done with it: [`Once`](crate::Once) runs a handler.
///
/// A [`WebhookService`](crate::WebhookService) ends in one; a worker calls one itself.
pub trait Process: Clone + Send + Sync + 'static {
    /// Processes an event.
    ///
    /// # Errors
    ///
    /// [`WebhookErrorKind::TryAgain`](crate::WebhookErrorKind): whoever delivered the event must deliver it again.
    fn process(&self, event: Event) -> impl Future<Output = Result<Disposition, WebhookError>> + Send;
}

/// What became of an event. All of these are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// Its handler ran and succeeded.
    Handled,
    /// It was handled before, or parked; its handler did not run.
    Duplicate,
    /// It can never be handled; it is put aside for somebody to look at.
    Parked,
    /// It is stored, for a worker.
    Stored,
    /// Nobody here handles its type.
    Ignored,
}

impl Disposition {
    /// Reports the event to the log and writes the acknowledgement, for an endpoint that is not a
    /// [`WebhookService`](crate::WebhookService).
    pub fn respond(self, event: &Event) -> Response<Full<Bytes>> {
        report::accepted(event, self);
        response::acknowledged(event, self)
    }

    /// Gives the word for logs, metrics and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Duplicate => "duplicate",
            Self::Parked => "parked",
            Self::Stored => "stored",
            Self::Ignored => "ignored",
        }
    }
}

/// Lets a process run to its end: a sender that hangs up drops its request, and a handler must not end in the middle
/// for that.
pub(crate) async fn to_the_end(
    process: impl Future<Output = Result<Disposition, WebhookError>> + Send + 'static,
) -> Result<Disposition, WebhookError> {
    let Ok(runtime) = Handle::try_current() else {
        return Err(InboxError::Unavailable("handlers need a tokio runtime, and none is here".into()).into());
    };
    match runtime.spawn(process).await {
        Ok(outcome) => outcome,
        Err(lost) => Err(InboxError::Unavailable(lost.into()).into()),
    }
}
