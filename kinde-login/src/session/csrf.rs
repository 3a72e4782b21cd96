//! Whether a request that a session would authenticate was made by another site: tower-http's judgement.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::{Method, Request, Response, StatusCode, header};
use kinde_core::{ConfigError, ConfigProblem};
use tower_http::csrf::CsrfLayer;
use tower_layer::Layer;
use tower_service::Service;

use crate::default_port;

/// Judges requests by `Sec-Fetch-Site` and `Origin`; the site's own origin is trusted.
#[derive(Clone, Debug)]
pub(crate) struct CrossSite {
    site: Box<str>,
    layer: CsrfLayer,
}

impl CrossSite {
    pub(crate) fn of_site(site: &str) -> Result<Self, ConfigError> {
        let site = default_port::without(site);
        let layer = CsrfLayer::new().add_trusted_origin(site).map_err(|_| {
            let fix = "write scheme, host and port only, as a browser shows them";
            ConfigError::from(ConfigProblem::new("env_invalid", "KINDE_SITE_URL", fix).with_found(site))
        })?;
        Ok(Self { site: site.into(), layer })
    }

    /// Tells whether the request changes something or opens a WebSocket, and comes from another site. The layer sees a
    /// copy of its head: what it would answer is known before anything is called.
    pub(crate) fn forges<B>(&self, request: &Request<B>) -> bool {
        let opens_socket = opens_socket(request);
        if request.method().is_safe() && !opens_socket {
            return false;
        }
        if opens_socket && self.is_of_another_origin(request) {
            return true;
        }
        let mut head = Request::new(());
        // What a socket is used for comes later, so that it counts as a change.
        *head.method_mut() = if opens_socket { Method::POST } else { request.method().clone() };
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

impl CrossSite {
    /// RFC 6455 §10.2: every browser names the origin of the page that opens a socket. No rule of the browser's keeps
    /// other origins from reading what comes through it, so that nothing but the site's own will do.
    fn is_of_another_origin<B>(&self, request: &Request<B>) -> bool {
        request.headers().get_all(header::ORIGIN).iter().any(|origin| origin != &*self.site)
    }
}

/// Tells whether a request asks for a WebSocket: by HTTP/1.1 (RFC 6455 §4.1), or by HTTP/2's extended CONNECT
/// (RFC 8441 §4), which reaches an application for nothing else.
fn opens_socket<B>(request: &Request<B>) -> bool {
    let upgrades = request.headers().get_all(header::UPGRADE);
    let mut protocols = upgrades.iter().flat_map(|upgrade| upgrade.as_bytes().split(|byte| *byte == b','));
    *request.method() == Method::CONNECT
        || protocols.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
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
    /// covers: G9
    #[test]
    fn socket_is_opened_by_a_page_of_our_own_alone() {
        let cross_site = CrossSite::of_site("https://app.example.com").unwrap();
        let (host, socket) = (("host", "app.example.com"), ("upgrade", "websocket"));
        let (own, none) = (("origin", "https://app.example.com"), ("sec-fetch-site", "none"));
        for (name, method, headers, forged) in [
            ("page of our own", "GET", vec![host, socket, own], false),
            ("and with metadata", "GET", vec![host, socket, own, ("sec-fetch-site", "same-origin")], false),
            ("behind a proxy", "GET", vec![("host", "internal:8080"), socket, own], false),
            ("no browser", "GET", vec![host, socket], false),
            ("another site", "GET", vec![host, socket, ("origin", "https://evil.example")], true),
            ("a sibling", "GET", vec![host, socket, ("origin", "https://evil.app.example.com")], true),
            (
                "plain http of our own name",
                "GET",
                vec![host, socket, ("origin", "http://app.example.com")],
                true,
            ),
            ("another port", "GET", vec![host, socket, ("origin", "https://app.example.com:8443")], true),
            ("no origin worth a name", "GET", vec![host, socket, ("origin", "null")], true),
            ("two origins", "GET", vec![host, socket, own, ("origin", "https://evil.example")], true),
            (
                "metadata that says otherwise",
                "GET",
                vec![host, socket, none, ("origin", "https://evil.example")],
                true,
            ),
            ("metadata alone", "GET", vec![host, socket, ("sec-fetch-site", "same-site")], true),
            (
                "other spelling",
                "GET",
                vec![host, ("upgrade", "h2c, WebSocket"), ("origin", "https://evil.example")],
                true,
            ),
            ("HTTP/2", "CONNECT", vec![host, ("origin", "https://evil.example")], true),
            ("HTTP/2 of our own", "CONNECT", vec![host, own], false),
            ("something else than a socket", "GET", vec![host, ("origin", "https://evil.example")], false),
        ] {
            let mut request = Request::builder().method(method).uri("/a");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            assert_eq!(cross_site.forges(&request.body(()).unwrap()), forged, "{name}");
        }
        let with_its_port = CrossSite::of_site("https://app.example.com:443").unwrap();
        let request = Request::get("/a").header("upgrade", "websocket").header("origin", own.1);
        assert!(!with_its_port.forges(&request.body(()).unwrap()), "browsers leave the port out");
    }
}
