//! The layers around services that are picky about the tower contract.

use std::{
    convert::Infallible,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use kinde_core::{AuthError, AuthState, Credential, Requirement, Secret};
use kinde_emulator::{Environment, Fault};
use kinde_tests::{CreateTodos, verifier_of};
use kinde_tower::{KindeLayer, Outcome, RequireLayer, check, identity, require};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn request(token: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::post("/todos");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Full::from("buy milk")).unwrap()
}

async fn ok(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("ok")))
}

/// A service that panics when it is called without having been polled ready, as `Buffer` and
/// `ConcurrencyLimit` may.
struct Strict {
    is_ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { is_ready: false }
    }
}

impl Service<Request<Full<Bytes>>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been polled ready");
        std::future::ready(Ok(Response::new(Full::from("ok"))))
    }
}

#[tokio::test]
async fn inner_service_is_called_only_when_it_was_polled_ready() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let mut service = KindeLayer::new(verifier_of(&kinde)).layer(Strict { is_ready: false });
    // The first request waits for keys and takes the ready service along; the second finds them at hand.
    let cold = service.ready().await.unwrap().call(request(Some(&token)));
    let also_cold = service.ready().await.unwrap().call(request(Some(&token)));
    assert_eq!(cold.await.unwrap().status(), 200);
    assert_eq!(also_cold.await.unwrap().status(), 200);
    let warm = service.ready().await.unwrap().call(request(Some(&token)));
    assert_eq!(warm.await.unwrap().status(), 200);
}

#[tokio::test]
async fn concurrency_limit_of_one_neither_deadlocks_nor_leaks() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let service = ServiceBuilder::new()
        .layer(KindeLayer::new(verifier_of(&kinde)))
        .concurrency_limit(1)
        .service(service_fn(ok));
    for presented in [Some(token.as_str()), None, Some("a.b.c"), Some(&token), None, Some(&token)] {
        let answered =
            tokio::time::timeout(Duration::from_secs(10), service.clone().oneshot(request(presented)));
        let status = answered.await.expect("answers in time").unwrap().status();
        assert_eq!(status, if presented == Some(&token) { 200 } else { 401 });
    }
}

#[tokio::test]
async fn buffered_service_is_shared_by_many_requests() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let service = ServiceBuilder::new()
        .layer(KindeLayer::new(verifier_of(&kinde)))
        .buffer(4)
        .service(Strict { is_ready: false });
    let requests = (0..32).map(|_| tokio::spawn(service.clone().oneshot(request(Some(&token)))));
    for answered in requests.collect::<Vec<_>>() {
        assert_eq!(answered.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(kinde.jwks_fetches(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn neither_service_nor_body_need_be_send() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let local = Rc::new("not Send");
    let inner = service_fn(move |_: Request<Rc<str>>| {
        let local = Rc::clone(&local);
        async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(local.as_bytes().to_vec()))) }
    });
    let service = KindeLayer::new(verifier_of(&kinde)).layer(inner);
    for _ in 0..2 {
        let request = Request::get("/")
            .header("authorization", format!("Bearer {token}"))
            .body(Rc::from("body"))
            .unwrap();
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn streaming_body_with_trailers_passes_untouched() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let inner = service_fn(|_: Request<Full<Bytes>>| async {
        let frames =
            ["one", "two"].map(|data| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(data))));
        let trailers =
            http_body::Frame::trailers([(http::header::ETAG, "x".parse().unwrap())].into_iter().collect());
        Ok::<_, Infallible>(Response::new(StreamBody::new(tokio_stream(
            frames.into_iter().chain([Ok(trailers)]),
        ))))
    });
    let response =
        KindeLayer::new(verifier_of(&kinde)).layer(inner).oneshot(request(Some(&token))).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["etag"], "x");
    assert_eq!(collected.to_bytes(), "onetwo");
}

/// Turns an iterator into a stream that is always ready.
fn tokio_stream<I: Iterator + Unpin>(mut items: I) -> impl futures_core::Stream<Item = I::Item> {
    struct Ready<F>(F);
    impl<T, F: FnMut() -> Option<T> + Unpin> futures_core::Stream for Ready<F> {
        type Item = T;
        fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
            Poll::Ready((self.0)())
        }
    }
    Ready(move || items.next())
}

/// covers: J5
#[tokio::test]
async fn request_dropped_while_it_waits_leaves_the_next_one_served() {
    let kinde = Environment::start().await;
    kinde.fault("/.well-known/jwks", Fault::Delay(Duration::from_millis(50)).times(1));
    let token = kinde.person("alice").access_token();
    let service = KindeLayer::new(verifier_of(&kinde)).layer(service_fn(ok));
    let dropped =
        tokio::time::timeout(Duration::from_millis(5), service.clone().oneshot(request(Some(&token)))).await;
    assert!(dropped.is_err());
    assert_eq!(service.oneshot(request(Some(&token))).await.unwrap().status(), 200);
    assert_eq!(kinde.jwks_fetches(), 1);
}

/// covers: E1 D5
#[tokio::test]
async fn service_without_a_layer_is_told_so_and_never_sees_an_empty_user() {
    let gate = require::<CreateTodos>().layer(service_fn(ok));
    let response = gate.oneshot(request(None)).await.unwrap();
    assert_eq!(response.status(), 500);
    let error = response.extensions().get::<AuthError>().unwrap();
    assert_eq!(error.code(), "layer_missing");
    assert!(error.to_string().contains("KindeLayer::from_env()"), "{error}");
    assert_eq!(identity(&http::Extensions::new()).unwrap_err().code(), "layer_missing");
}

#[tokio::test]
async fn gate_by_type_and_by_run_time_name_decide_alike() {
    let kinde = Environment::start().await;
    let verifier = verifier_of(&kinde);
    let (alice, bob) = (kinde.person("alice").with("create:todos"), kinde.person("bob"));
    let by_name = RequireLayer::new(Requirement::permission("create:todos".to_owned()));
    for gate in [require::<CreateTodos>(), by_name] {
        let service = ServiceBuilder::new()
            .layer(KindeLayer::new(verifier.clone()))
            .layer(gate)
            .service(service_fn(ok));
        let status = async |token: &str| {
            service.clone().oneshot(request(Some(token))).await.unwrap().status().as_u16()
        };
        assert_eq!(status(&alice.access_token()).await, 200);
        assert_eq!(status(&bob.access_token()).await, 403);
    }
}

#[tokio::test]
async fn plain_service_reads_identity_and_checks_a_policy_without_axum() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice").with("create:todos");
    let inner = service_fn(|request: Request<Full<Bytes>>| async move {
        check::<CreateTodos>(request.extensions()).unwrap();
        let id = identity(request.extensions()).unwrap().user().unwrap().id().to_owned();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(id)))
    });
    let service = KindeLayer::new(verifier_of(&kinde)).layer(inner);
    let response = service.oneshot(request(Some(&alice.access_token()))).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), alice.id());
}

/// covers: D4
#[tokio::test]
async fn header_wins_over_a_session_and_a_refused_header_is_not_rescued_by_one() {
    let kinde = Environment::start().await;
    let (alice, bob) = (kinde.person("alice"), kinde.person("bob"));
    let inner = service_fn(|request: Request<Full<Bytes>>| async move {
        let state = AuthState::of(request.extensions()).unwrap();
        let who = state.user().map_or("anonymous", |user| user.id()).to_owned();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(who)))
    });
    let service = KindeLayer::new(verifier_of(&kinde)).optional().layer(inner);
    let who = async |header: Option<&str>, session: &str| {
        let mut request = request(header);
        request.extensions_mut().insert(Credential::from_session(Secret::new(session)));
        let response = service.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap(),
        )
    };
    let (of_alice, of_bob) = (alice.access_token(), bob.access_token());
    assert_eq!(who(Some(&of_alice), &of_bob).await, (200, alice.id().to_owned()));
    assert_eq!(who(None, &of_bob).await, (200, bob.id().to_owned()));
    assert_eq!(who(Some("a.b.c"), &of_bob).await.0, 401);
    // A session that is over makes the request anonymous: it must not lock a browser out.
    assert_eq!(who(None, &bob.clone().expired().access_token()).await, (200, "anonymous".to_owned()));
}

/// covers: B14 D1
#[tokio::test]
async fn keys_that_cannot_be_had_are_503_for_header_and_session_alike() {
    let kinde = Environment::start().await;
    kinde.fault("/.well-known/jwks", Fault::Status(500));
    let token = kinde.person("alice").access_token();
    let service = KindeLayer::new(verifier_of(&kinde)).optional().layer(service_fn(ok));
    let mut by_session = request(None);
    by_session.extensions_mut().insert(Credential::from_session(Secret::new(token.as_str())));
    for request in [request(Some(&token)), by_session] {
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
        assert!(!response.headers().contains_key("www-authenticate"));
    }
}

#[tokio::test]
async fn observer_is_told_every_outcome_once() {
    let kinde = Environment::start().await;
    let counts: Arc<[AtomicUsize; 3]> = Arc::default();
    let seen = Arc::clone(&counts);
    let layer = KindeLayer::new(verifier_of(&kinde)).optional().with_observer(move |outcome| {
        let index = match outcome {
            Outcome::Anonymous => 0,
            Outcome::Authenticated(_) => 1,
            Outcome::Refused(error) => {
                assert_eq!(error.code(), "token_malformed");
                2
            }
            _ => unreachable!("no other outcome"),
        };
        seen[index].fetch_add(1, Ordering::SeqCst);
    });
    let service = layer.layer(service_fn(ok));
    let token = kinde.person("alice").access_token();
    for presented in [None, Some(token.as_str()), Some(&token), Some("x"), None, None] {
        service.clone().oneshot(request(presented)).await.unwrap();
    }
    assert_eq!(counts.each_ref().map(|count| count.load(Ordering::SeqCst)), [3, 2, 1]);
}

#[tokio::test]
async fn cors_preflight_is_refused_inside_unless_it_is_let_pass() {
    let kinde = Environment::start().await;
    let preflight = || {
        let request = Request::options("/todos")
            .header("origin", "https://app.acme.example")
            .header("access-control-request-method", "POST");
        request.body(Full::default()).unwrap()
    };
    let layer = KindeLayer::new(verifier_of(&kinde));
    assert_eq!(layer.clone().layer(service_fn(ok)).oneshot(preflight()).await.unwrap().status(), 401);
    // A preflight never carries credentials: one that does is judged.
    for (value, status) in [("Bearer garbage", 401), ("Bearer", 400)] {
        let mut request = preflight();
        request.headers_mut().insert("authorization", value.parse().unwrap());
        let passing = layer.clone().pass_cors_preflight().layer(service_fn(ok));
        assert_eq!(passing.oneshot(request).await.unwrap().status(), status, "{value}");
    }
    assert_eq!(
        layer.pass_cors_preflight().layer(service_fn(ok)).oneshot(preflight()).await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn machines_are_let_in_only_where_they_are_accepted() {
    let kinde = Environment::builder().with_audience("https://api.example").start().await;
    let jwks = kinde_core::Jwks::builder(kinde_core::Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
    let verifier = kinde_core::Verifier::builder(jwks).with_audience("https://api.example").build().unwrap();
    let token = kinde.machine("billing").with_audience("https://api.example").access_token();
    let refusing = KindeLayer::new(verifier.clone()).layer(service_fn(ok));
    let response = refusing.oneshot(request(Some(&token))).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.extensions().get::<AuthError>().unwrap().code(), "wrong_token_kind");
    let accepting = KindeLayer::new(verifier).accept_machines().layer(service_fn(ok));
    assert_eq!(accepting.oneshot(request(Some(&token))).await.unwrap().status(), 200);
}

/// covers: I2
#[tokio::test]
async fn authorization_header_is_marked_sensitive_before_anything_inside_can_print_it() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let inner = service_fn(|request: Request<Full<Bytes>>| async move {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(format!("{:?}", request.headers()))))
    });
    let response =
        KindeLayer::new(verifier_of(&kinde)).layer(inner).oneshot(request(Some(&token))).await.unwrap();
    let printed = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(printed, r#"{"authorization": Sensitive}"#);
}

/// covers: D1
#[tokio::test]
async fn cors_layer_outside_works_in_a_service_builder_too() {
    let kinde = Environment::start().await;
    let service = ServiceBuilder::new()
        .layer(tower_http::cors::CorsLayer::permissive())
        .layer(KindeLayer::new(verifier_of(&kinde)))
        .service_fn(ok);
    let mut refused = request(None);
    refused.headers_mut().insert("origin", "https://app.acme.example".parse().unwrap());
    let response = service.oneshot(refused).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn refused_session_is_told_to_the_layer_outside() {
    let kinde = Environment::start().await;
    let service = KindeLayer::new(verifier_of(&kinde)).optional().layer(service_fn(ok));
    let session = |token: &str| {
        let mut request = request(None);
        request.extensions_mut().insert(Credential::from_session(Secret::new(token)));
        request
    };
    let ended =
        service.clone().oneshot(session(&kinde.person("alice").expired().access_token())).await.unwrap();
    let mark = ended.extensions().get::<kinde_core::RefusedSession>().unwrap();
    assert_eq!((ended.status().as_u16(), mark.error().code()), (200, "token_expired"));
    let required = KindeLayer::new(verifier_of(&kinde)).layer(service_fn(ok));
    let ended = required.oneshot(session(&kinde.person("alice").expired().access_token())).await.unwrap();
    let mark = ended.extensions().get::<kinde_core::RefusedSession>().unwrap();
    assert_eq!((ended.status().as_u16(), mark.error().code()), (401, "token_expired"));
    let alive = service.oneshot(session(&kinde.person("alice").access_token())).await.unwrap();
    assert!(alive.extensions().get::<kinde_core::RefusedSession>().is_none());
}

#[tokio::test]
async fn layer_inside_another_answers_in_its_own_style() {
    let kinde = Environment::start().await;
    let verifier = verifier_of(&kinde);
    let service = ServiceBuilder::new()
        .layer(KindeLayer::new(verifier.clone()).with_realm("outer"))
        .layer(KindeLayer::new(verifier))
        .layer(require::<CreateTodos>())
        .service_fn(ok);
    let response = service.oneshot(request(Some(&kinde.person("bob").access_token()))).await.unwrap();
    assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api", error="insufficient_scope""#);
}
