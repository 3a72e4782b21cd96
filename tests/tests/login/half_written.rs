//! A store that fails between the two steps of a refresh.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use kinde_core::{DefaultClient, FetchFuture, HttpFetch};
use kinde_emulator::{Environment, Fault};
use kinde_login::{
    Lives, LoginBuilder, MemoryStore, SessionId, SessionStore, StoreError, StoreFuture, Stored,
};
use kinde_tests::site::{NAVIGATION, Site, clock_of};
use serde_json::Value;

use crate::{capture::Capture, fleet::recovered};

/// Refuses one replacement: the one that the count says, of those to come. Loses another one to somebody else, who
/// changed no more than the version.
#[derive(Clone, Debug)]
struct Failing {
    store: MemoryStore,
    until: Arc<AtomicI32>,
    until_race: Arc<AtomicI32>,
}

impl SessionStore for Failing {
    fn create<'a>(&'a self, id: SessionId, data: &'a [u8], lives: Lives) -> StoreFuture<'a, ()> {
        self.store.create(id, data, lives)
    }

    fn load(&self, id: SessionId, idle: Duration) -> StoreFuture<'_, Option<Stored>> {
        self.store.load(id, idle)
    }

    fn replace_if_version<'a>(
        &'a self,
        id: SessionId,
        version: u64,
        data: &'a [u8],
        idle: Duration,
    ) -> StoreFuture<'a, bool> {
        if self.until.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Box::pin(std::future::ready(Err(StoreError::new("as a test"))));
        }
        let store = &self.store;
        if self.until_race.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Box::pin(async move {
                let Some(same) = store.load(id, idle).await? else { return Ok(false) };
                store.replace_if_version(id, same.version, &same.data, idle).await?;
                store.replace_if_version(id, version, data, idle).await
            });
        }
        store.replace_if_version(id, version, data, idle)
    }

    fn delete(&self, id: SessionId) -> StoreFuture<'_, ()> {
        self.store.delete(id)
    }
}

/// The line to Kinde: the refresh tokens that were given, and those that were revoked.
#[derive(Clone, Debug)]
struct Line {
    client: DefaultClient,
    heard: Arc<Mutex<(Vec<String>, Vec<String>)>>,
}

impl HttpFetch for Line {
    fn fetch(&self, request: Request<Bytes>, body_limit_bytes: usize) -> FetchFuture<'_> {
        let form = String::from_utf8_lossy(request.body()).into_owned();
        let revoked = form.split('&').find_map(|field| field.strip_prefix("token="));
        self.heard.lock().unwrap().1.extend(revoked.map(str::to_owned));
        Box::pin(async move {
            let answer = self.client.fetch(request, body_limit_bytes).await?;
            let members: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            self.heard.lock().unwrap().0.extend(members["refresh_token"].as_str().map(str::to_owned));
            Ok(answer)
        })
    }
}

struct Half {
    site: Site,
    line: Line,
    failing: Failing,
    clock: kinde_core::ManualClock,
}

async fn half() -> Half {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let store = MemoryStore::with_clock(10, clock.clone());
    let failing = Failing { store, until: Arc::default(), until_race: Arc::default() };
    let kept = failing.clone();
    let line = Line { client: DefaultClient::new().unwrap(), heard: Arc::default() };
    let change = |builder: LoginBuilder| builder.with_store(kept).with_http_client(line.clone());
    let site = Site::start_in(kinde, |builder| change(builder.with_clock(clock.clone()))).await;
    Half { site, line, failing, clock }
}

impl Half {
    fn pass_a_day(&self) {
        self.pass(86_400);
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.site.kinde.set_time(self.site.kinde.now() + seconds);
    }
}

/// The first replacement notes who refreshes, the second keeps the new tokens, and so does the third where the second
/// came too late.
///
/// covers: F16
#[tokio::test]
async fn tokens_that_the_store_could_not_take_are_kept_with_the_next_request() {
    for (failing_step, raced_step) in [(1, 0), (2, 0), (3, 2)] {
        let half = half().await;
        half.failing.until_race.store(raced_step, Ordering::SeqCst);
        let alice = half.site.kinde.person("alice");
        let mut browser = half.site.signed_in(&alice).await;
        let home = format!("{}/", half.site.url);
        half.pass_a_day();
        half.failing.until.store(failing_step, Ordering::SeqCst);
        let seen = browser.go(&home).await;
        assert_eq!(seen.status, 503, "step {failing_step}");
        assert!(seen.headers.contains_key("retry-after") && seen.body.contains("store_unavailable"));
        let seen = recovered(&mut browser, &home).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "step {failing_step}");
        assert_eq!(half.site.kinde.requests("/oauth2/token"), 2, "step {failing_step}: one refresh");
        half.pass_a_day();
        assert_eq!(browser.go(&home).await.body, alice.id(), "step {failing_step}: and the next one");
    }
}

/// covers: F16
#[tokio::test]
async fn tokens_are_kept_when_somebody_else_changed_no_more_than_the_version() {
    let half = half().await;
    let alice = half.site.kinde.person("alice");
    let mut browser = half.site.signed_in(&alice).await;
    half.pass_a_day();
    half.failing.until_race.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        let seen = browser.go(&format!("{}/", half.site.url)).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()));
    }
    assert_eq!(half.site.kinde.requests("/oauth2/token"), 2, "signed in, and refreshed once");
}

/// A moment before the access token is over nobody needs new ones yet.
///
/// covers: G10
#[tokio::test]
async fn old_access_token_serves_while_it_lasts_when_the_store_takes_no_new_one() {
    for (failing_step, raced_step) in [(1, 0), (2, 0), (3, 2)] {
        let half = half().await;
        let alice = half.site.kinde.person("alice");
        let mut browser = half.site.signed_in(&alice).await;
        half.pass(86_400 - 30);
        half.failing.until_race.store(raced_step, Ordering::SeqCst);
        half.failing.until.store(failing_step, Ordering::SeqCst);
        let home = format!("{}/", half.site.url);
        for wait in [0, 20] {
            half.pass(wait);
            let seen = browser.go(&home).await;
            assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "step {failing_step}, {wait}");
        }
        half.pass(20);
        let seen = recovered(&mut browser, &home).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()), "step {failing_step}: it is over");
        assert_eq!(half.site.kinde.requests("/oauth2/token"), 2, "step {failing_step}: one refresh");
    }
}

/// covers: G7
#[tokio::test]
async fn tokens_that_the_store_could_not_take_do_not_outlive_a_sign_out() {
    let half = half().await;
    let mut browser = half.site.signed_in(&half.site.kinde.person("alice")).await;
    let mut copy = browser.clone();
    let home = format!("{}/", half.site.url);
    half.pass_a_day();
    half.failing.until.store(2, Ordering::SeqCst);
    assert_eq!(browser.go(&home).await.status, 503);
    let logout = format!("{}/api/auth/logout", half.site.url);
    assert_eq!(browser.ask(Method::POST, &logout, &NAVIGATION).await.status, 303);
    assert_eq!(copy.go(&home).await.body, "nobody");
    assert_eq!(browser.go(&home).await.body, "nobody");
    let (given, revoked) = half.line.heard.lock().unwrap().clone();
    assert_eq!((given.len(), revoked), (2, given[1..].to_vec()), "the newest, which the store never had");
}

/// covers: F16
#[tokio::test]
async fn refresh_that_kinde_refuses_for_its_own_reasons_is_503_and_not_an_error_of_a_gateway() {
    for (name, fault) in [
        ("500", Fault::Status(500)),
        ("502", Fault::Status(502)),
        ("429", Fault::RateLimit(1)),
        ("a page", Fault::Body { status: 200, content_type: "text/html".to_owned(), bytes: b"<p>".to_vec() }),
        (
            "a page that says 400",
            Fault::Body { status: 400, content_type: "text/html".to_owned(), bytes: b"x".to_vec() },
        ),
        ("reset", Fault::Reset),
    ] {
        let half = half().await;
        let mut browser = half.site.signed_in(&half.site.kinde.person("alice")).await;
        let before = browser.jar.clone();
        half.pass_a_day();
        half.site.kinde.fault("/oauth2/token", fault);
        for path in ["/", "/api/auth/me", "/dashboard"] {
            let seen = browser.go(&format!("{}{path}", half.site.url)).await;
            assert_eq!((seen.status, seen.headers.contains_key("retry-after")), (503, true), "{name} {path}");
        }
        assert!(browser.jar == before, "{name}: the cookie is as it was");
    }
}

/// A client secret that was replaced in Kinde and not here: no time mends it, and nobody is signed out by it.
///
/// covers: F16
#[tokio::test]
async fn refresh_that_refuses_the_application_is_500_says_how_to_mend_it_and_goes_on_when_mended() {
    let half = half().await;
    let alice = half.site.kinde.person("alice");
    let mut browser = half.site.signed_in(&alice).await;
    let before = browser.jar.clone();
    half.pass_a_day();
    half.site.kinde.fault("/oauth2/token", Fault::json(401, r#"{"error":"invalid_client"}"#));
    let (capture, _listening) = Capture::begin();
    // The first asks Kinde; those right after it do not, and are told the same.
    for path in ["/", "/", "/api/auth/me", "/dashboard"] {
        let seen = browser.go(&format!("{}{path}", half.site.url)).await;
        assert_eq!((seen.status, seen.headers.get("retry-after")), (500, None), "{path}: {seen:?}");
        assert!(seen.body.contains("client_refused"), "{path}: {}", seen.body);
        assert!(!seen.body.contains("invalid_client"), "{path}: {}", seen.body);
    }
    assert!(browser.jar == before, "the cookie is as it was");
    let told = capture.records();
    let told =
        told.iter().find(|told| told.text.contains("code=client_refused") && told.text.contains("fix="));
    let text = &told.expect("it is logged with what to do").text;
    assert!(text.contains("invalid_client") && text.contains("KINDE_CLIENT_SECRET"), "{text}");
    half.site.kinde.clear_faults();
    let seen = recovered(&mut browser, &format!("{}/", half.site.url)).await;
    assert_eq!((seen.status, seen.body.as_str()), (200, alice.id()));
}
