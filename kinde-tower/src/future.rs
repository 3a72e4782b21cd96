//! The response future of the layers of this crate.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use kinde_core::{AuthError, AuthReason, RefusedSession};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    ResponseBody,
    layer::{Admission, Admitted},
};

pin_project! {
    /// Answers a refusal at once, runs the inner service, or waits for keys first.
    ///
    /// Only the last of the three is boxed, and only the part that waits.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, S::Future, B>,
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(crate) fn refused(response: Response<Bytes>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(crate) fn calling(future: S::Future, ended_session: Option<Box<AuthError>>) -> Self {
        Self { state: State::Calling { future, ended_session } }
    }

    pub(crate) fn waiting(
        verification: Verification,
        ready: S,
        request: Request<B>,
        admission: Arc<Admission>,
    ) -> Self {
        let waiting = Waiting { ready, request, admission };
        Self { state: State::Waiting { verification, waiting: Some(Box::new(waiting)) } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Refused { response } => {
                    // Polled again after completion, a future may do anything but be unsound.
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(response.map(ResponseBody::refusal)));
                }
                StateProjection::Calling { future, ended_session } => {
                    let mut response = ready!(future.poll(context))?;
                    if let Some(error) = ended_session.take() {
                        response.extensions_mut().insert(RefusedSession::new(*error));
                    }
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProjection::Waiting { verification, waiting } => {
                    let admitted = ready!(verification.as_mut().poll(context));
                    let Some(waiting) = waiting.take() else { return Poll::Pending };
                    waiting.proceed(admitted)
                }
            };
            state.set(next);
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ResponseFuture")
    }
}

/// The part that waits for keys. It is ours, so it is `Send` whatever the inner service is.
type Verification = Pin<Box<dyn Future<Output = Admitted> + Send>>;

/// What waits beside the verification.
struct Waiting<S, B> {
    ready: S,
    request: Request<B>,
    admission: Arc<Admission>,
}

impl<S: Service<Request<B>>, B> Waiting<S, B> {
    fn proceed(mut self, admitted: Admitted) -> State<S, S::Future, B> {
        let (error, ended_session) = match admitted {
            Admitted::Pass(state, ended_session) => {
                self.admission.mark(&mut self.request, state, ended_session.as_deref());
                return State::Calling { future: self.ready.call(self.request), ended_session };
            }
            Admitted::Refuse(error, ended_session) => (error, ended_session),
            // `Verifier::verify` never asks to wait again; were it to, nobody gets in.
            Admitted::Wait(..) => (AuthReason::KeysUnavailable { retry_after: RETRY }.into(), None),
        };
        State::Refused { response: Some(self.admission.refuse(error, ended_session, &mut self.request)) }
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F, B> {
        Refused { response: Option<Response<Bytes>> },
        Calling { #[pin] future: F, ended_session: Option<Box<AuthError>> },
        Waiting { verification: Verification, waiting: Option<Box<Waiting<S, B>>> },
    }
}

const RETRY: std::time::Duration = std::time::Duration::from_secs(1);
