//! Authorization: lets only identities through that meet a requirement.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use kinde_core::{Policy, Requirement};
use tower_layer::Layer;
use tower_service::Service;

use crate::{ResponseBody, future::ResponseFuture, identity, rejection::RefusalStyle};

/// Lets a request pass if its identity meets a requirement; put it inside of
/// [`KindeLayer`](crate::KindeLayer).
///
/// An anonymous request is answered 401, a denied one 403, and one that no layer has looked at 500.
#[derive(Clone, Debug)]
pub struct RequireLayer {
    requirement: Arc<Requirement>,
}

impl RequireLayer {
    /// Creates a layer that demands `requirement`, for one that is known at run time only.
    pub fn new(requirement: Requirement) -> Self {
        Self { requirement: Arc::new(requirement) }
    }
}

/// Creates a layer that demands a named policy.
pub fn require<P: Policy>() -> RequireLayer {
    RequireLayer::new(P::requirement())
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require { inner, requirement: Arc::clone(&self.requirement) }
    }
}

/// Checks a requirement before the inner service sees a request.
#[derive(Clone, Debug)]
pub struct Require<S> {
    inner: S,
    requirement: Arc<Requirement>,
}

impl<S, B, R> Service<Request<B>> for Require<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> ResponseFuture<S, B> {
        match identity(request.extensions()).and_then(|identity| self.requirement.check(identity)) {
            Ok(()) => ResponseFuture::calling(self.inner.call(request), None),
            Err(error) => {
                let style = RefusalStyle::of(request.extensions());
                ResponseFuture::refused(style.respond_to(error, &mut request))
            }
        }
    }
}
