//! Anything that a stranger's browser sends to the routes of sign-in and to the session layer: an answer, never a panic,
//! never a session, never a way to another site.
#![no_main]

use std::{convert::Infallible, sync::LazyLock};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use kinde_core::{Credential, FetchError, FetchErrorKind, FetchFuture, HttpFetch, Kinde, Settings};
use kinde_fuzz::{ISSUER, KEYS, RUNTIME};
use kinde_login::{Login, SessionHandle};
use libfuzzer_sys::fuzz_target;
use tower_layer::Layer;
use tower_service::Service;

const SITE: &str = "https://app.example.com";

/// Where something is read from what arrives: the first byte of the input chooses.
const TARGETS: [&str; 13] = [
    "GET /api/auth/login",
    "GET /api/auth/register",
    "GET /api/auth/create_org",
    "GET /api/auth/kinde_callback",
    "GET /api/auth/logout",
    "GET /api/auth/switch_org",
    "GET /api/auth/portal",
    "GET /api/auth/me",
    "GET /api/auth/setup",
    "POST /api/auth/login",
    "POST /api/auth/create_org",
    "POST /api/auth/logout",
    "GET /",
];

/// Kinde cannot be reached.
#[derive(Debug)]
struct NoNetwork;

impl HttpFetch for NoNetwork {
    fn fetch(&self, _: Request<Bytes>, _: usize) -> FetchFuture<'_> {
        Box::pin(async { Err(FetchError::new(FetchErrorKind::Deadline)) })
    }
}

static LOGIN: LazyLock<Login> = LazyLock::new(|| {
    let settings = Settings::from_variables([
        ("KINDE_ISSUER_URL", ISSUER),
        ("KINDE_CLIENT_ID", "client"),
        ("KINDE_CLIENT_SECRET", "secret"),
        ("KINDE_SITE_URL", SITE),
        ("SESSION_SECRET", "a secret of the fuzz targets, 32 bytes"),
    ]);
    let kinde = Kinde::with_jwks(settings.expect("settings"), KEYS.clone()).expect("the issuer of the keys");
    Login::builder(&kinde).with_http_client(NoNetwork).build().expect("everything is set")
});

/// The application: it tells whether anybody is presented to it.
#[derive(Clone)]
struct Application;

impl Service<Request<Full<Bytes>>> for Application {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let extensions = request.extensions();
        assert!(extensions.get::<Credential>().is_none() && extensions.get::<SessionHandle>().is_none());
        std::future::ready(Ok(Response::new(Full::default())))
    }
}

// Lines: the query, the cookies, the headers' values that say how a browser asks, and what is posted.
fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let target = TARGETS[usize::from(*first) % TARGETS.len()];
    let mut lines = rest.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path) = target.split_once(' ').expect("method and path");
    let query: String =
        line().iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect();
    let Ok(mut request) = Request::builder().uri(format!("{path}?{query}")).body(Full::default()) else {
        return;
    };
    *request.method_mut() = if method == "POST" { Method::POST } else { Method::GET };
    for (name, value) in [(header::COOKIE, line()), (header::ORIGIN, line())] {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        request.headers_mut().insert(name, value);
    }
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(header::CONTENT_TYPE, form);
    *request.body_mut() = Full::new(Bytes::copy_from_slice(line()));
    let (status, headers) = RUNTIME
        .with(|runtime| {
            runtime.block_on(async {
                if path == "/" {
                    let answer = LOGIN.session_layer().layer(Application).call(request).await;
                    answer.map(|answer| (answer.status(), answer.headers().clone()))
                } else {
                    let answer = LOGIN.routes().call(request).await;
                    answer.map(|answer| (answer.status(), answer.headers().clone()))
                }
            })
        })
        .unwrap_or_else(|never: Infallible| match never {});
    assert_ne!(status.as_u16(), 500, "{target} failed");
    if let Some(location) = headers.get(header::LOCATION) {
        let location = location.to_str().expect("visible ASCII");
        let is_ours =
            location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
        let is_kinde = location.starts_with("http://localhost:9/");
        assert!(
            is_ours || is_kinde || location.starts_with(&format!("{SITE}/")),
            "{target} leads to {location}"
        );
    }
    for cookie in headers.get_all(header::SET_COOKIE) {
        let cookie = cookie.to_str().expect("visible ASCII");
        let is_session = cookie.contains("kinde_session");
        assert!(!is_session || cookie.contains("Max-Age=0"), "{target} gives a session: {cookie}");
    }
});
