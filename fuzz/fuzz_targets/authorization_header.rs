//! `Authorization` headers, one a line, through the layer: the handler is reached with an accepted token or not at all.
#![no_main]

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Empty;
use kinde_fuzz::{ACCEPTED, VERIFIER};
use kinde_tower::KindeLayer;
use libfuzzer_sys::fuzz_target;
use tower_layer::Layer;
use tower_service::Service;

fuzz_target!(|headers: &[u8]| {
    let values: Vec<_> = headers.split(|byte| *byte == b'\n').take(4).map(HeaderValue::from_bytes).collect();
    let mut request = Request::new(());
    for value in values.iter().flatten() {
        request.headers_mut().append("authorization", value.clone());
    }
    let sent = request.headers().len();
    let mut service = KindeLayer::new(VERIFIER.clone()).accept_machines().layer(Handler);
    let mut answer = pin!(service.call(request));
    let Poll::Ready(Ok(response)) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("with keys at hand nothing waits");
    };
    match response.status().as_u16() {
        200 => {
            let header =
                values.iter().flatten().next().and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert_eq!(sent, 1, "one header");
            assert!(
                ACCEPTED.iter().any(|token| header.ends_with(token)),
                "accepted although nobody signed it"
            );
        }
        400 | 401 => {}
        other => panic!("status {other}"),
    }
});

#[derive(Clone)]
struct Handler;

impl Service<Request<()>> for Handler {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Empty::new())))
    }
}
