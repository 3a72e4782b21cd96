//! The response future of the session layer.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::layer::{After, Found, Sessions};
use crate::body::ResponseBody;

pin_project! {
    /// Runs the inner service with a session that is at hand, or waits for the store or for Kinde first.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, S::Future, S::Response, B>,
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(crate) fn passing(future: S::Future) -> Self {
        Self { state: State::Passing { future } }
    }

    pub(crate) fn calling(future: S::Future, after: After) -> Self {
        Self { state: State::Calling { future, after: Some(after) } }
    }

    pub(crate) fn answered(response: Response<Bytes>) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }

    pub(crate) fn looking(looking: Looking, ready: S, request: Request<B>, sessions: Sessions) -> Self {
        let waiting = Waiting { ready, request, sessions };
        Self { state: State::Looking { looking, waiting: Some(Box::new(waiting)) } }
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
                StateProjection::Passing { future } => {
                    let response = ready!(future.poll(context))?;
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProjection::Answered { response } => {
                    // Polled again after completion, a future may do anything but be unsound.
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(response.map(ResponseBody::text)));
                }
                StateProjection::Looking { looking, waiting } => {
                    let found = ready!(looking.as_mut().poll(context));
                    let Some(waiting) = waiting.take() else { return Poll::Pending };
                    waiting.proceed(found)
                }
                StateProjection::Calling { future, after } => {
                    let mut response = ready!(future.poll(context))?;
                    let Some(after) = after.take() else { return Poll::Pending };
                    let Some(refused) = after.refused_session(response.extensions()) else {
                        after.finish(response.headers_mut());
                        return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                    };
                    let ending = Box::pin(async move { refused.end().await });
                    State::Ending { ending, ended: Some(Box::new((response, after))) }
                }
                StateProjection::Ending { ending, ended } => {
                    ready!(ending.as_mut().poll(context));
                    let Some(ended) = ended.take() else { return Poll::Pending };
                    let (mut response, after) = *ended;
                    after.finish(response.headers_mut());
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
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

/// The parts that wait are ours, so they are `Send` whatever the inner service is.
type Looking = Pin<Box<dyn Future<Output = Found> + Send>>;
type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What waits beside the look.
struct Waiting<S, B> {
    ready: S,
    request: Request<B>,
    sessions: Sessions,
}

impl<S: Service<Request<B>>, B> Waiting<S, B> {
    fn proceed(mut self, found: Found) -> State<S, S::Future, S::Response, B> {
        let now = self.sessions.keeper.now();
        match self.sessions.admit(found, &mut self.request, now) {
            Ok(after) => State::Calling { future: self.ready.call(self.request), after: Some(after) },
            Err(refused) => State::Answered { response: Some(*refused) },
        }
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F, R, B> {
        Passing { #[pin] future: F },
        Answered { response: Option<Response<Bytes>> },
        Looking { looking: Looking, waiting: Option<Box<Waiting<S, B>>> },
        Calling { #[pin] future: F, after: Option<After> },
        Ending { ending: Ending, ended: Option<Box<(R, After)>> },
    }
}
