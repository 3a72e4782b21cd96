//! Whether a request that a session would authenticate was made by another site: tower-http's judgement.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::{Request, Response, StatusCode};
use kinde_core::{ConfigError, ConfigProblem};
use tower_http::csrf::CsrfLayer;
use tower_layer::Layer;
use tower_service::Service;

/// Judges requests by `Sec-Fetch-Site` and `Origin`; the site's own origin is trusted.
#[derive(Clone, Debug)]
pub(crate) struct CrossSite {
    layer: CsrfLayer,
}

impl CrossSite {
    pub(crate) fn of_site(site: &str) -> Result<Self, ConfigError> {
        let layer = CsrfLayer::new().add_trusted_origin(site).map_err(|_| {
            let fix = "write scheme, host and port only, as a browser shows them";
            ConfigError::from(ConfigProblem::new("env_invalid", "KINDE_SITE_URL", fix).with_found(site))
        })?;
        Ok(Self { layer })
    }

    /// Tells whether the request changes something and comes from another site. The layer sees a copy of its head: what
    /// it would answer is known before anything is called.
    pub(crate) fn forges<B>(&self, request: &Request<B>) -> bool {
        if request.method().is_safe() {
            return false;
        }
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        let mut service = self.layer.layer(Passed);
        let answer = pin!(service.call(head));
        match answer.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => response.status() != StatusCode::NO_CONTENT,
            // The judgement never waits; were it to, nobody gets in.
            Poll::Ready(Err(_)) | Poll::Pending => true,
        }
    }
}

/// Stands for the application: a request that gets here may pass.
#[derive(Clone, Copy, Debug)]
struct Passed;

impl Service<Request<()>> for Passed {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: G9
    #[test]
    fn request_that_another_site_makes_is_told_from_our_own() {
        let cross_site = CrossSite::of_site("https://app.example.com").unwrap();
        for (name, method, headers, forged) in [
            ("get", "GET", vec![("sec-fetch-site", "cross-site")], false),
            ("form of our own", "POST", vec![("sec-fetch-site", "same-origin")], false),
            ("form of another site", "POST", vec![("sec-fetch-site", "cross-site")], true),
            ("form of a sibling", "POST", vec![("sec-fetch-site", "same-site")], true),
            (
                "old browser of our own",
                "POST",
                vec![("origin", "https://app.example.com"), ("host", "internal:8080")],
                false,
            ),
            (
                "old browser elsewhere",
                "POST",
                vec![("origin", "https://evil.example"), ("host", "app.example.com")],
                true,
            ),
            ("no browser", "DELETE", vec![("host", "app.example.com")], false),
            ("null origin", "POST", vec![("origin", "null"), ("host", "app.example.com")], true),
        ] {
            let mut request = Request::builder().method(method).uri("/a");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            assert_eq!(cross_site.forges(&request.body(()).unwrap()), forged, "{name}");
        }
    }
}
