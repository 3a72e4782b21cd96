//! The service that [`KindeLayer`](crate::KindeLayer) builds.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{
    ResponseBody,
    future::ResponseFuture,
    layer::{Admission, Admitted},
};

/// Authenticates requests before the inner service sees them.
#[derive(Clone, Debug)]
pub struct KindeService<S> {
    inner: S,
    admission: Arc<Admission>,
}

impl<S> KindeService<S> {
    pub(crate) fn new(inner: S, admission: Arc<Admission>) -> Self {
        Self { inner, admission }
    }
}

impl<S, B, R> Service<Request<B>> for KindeService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> ResponseFuture<S, B> {
        match self.admission.look(&mut request) {
            Admitted::Pass(state, ended_session) => {
                self.admission.mark(&mut request, state, ended_session.as_deref());
                ResponseFuture::calling(self.inner.call(request), ended_session)
            }
            Admitted::Refuse(error, ended_session) => {
                ResponseFuture::refused(self.admission.refuse(error, ended_session, &mut request))
            }
            Admitted::Wait(token, source) => {
                // The service that was polled ready goes along; its clone, not yet ready, stays behind.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                let verification = Box::pin(Arc::clone(&self.admission).wait(token, source));
                ResponseFuture::waiting(verification, ready, request, Arc::clone(&self.admission))
            }
        }
    }
}
