//! Pages that take their time: their browser signs out meanwhile, or hangs up.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Router, routing::get};
use http::Method;
use kinde_axum::{AuthUser, KindeLayer};
use kinde_core::ManualClock;
use kinde_emulator::{Environment, Fault, Person};
use kinde_login::{Login, LoginBuilder, MemoryStore, SessionHandle};
use kinde_tests::site::{Browser, NAVIGATION, Seen, Site, client, clock_of, handle_of};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::fleet::DAY;

/// A site with pages that wait until the test lets them go.
struct Slow {
    kinde: Arc<Environment>,
    clock: ManualClock,
    url: String,
    alice: Person,
    browser: Browser,
    /// Pages that began.
    begun: Arc<Semaphore>,
    /// Pages that may end.
    may_end: Arc<Semaphore>,
}

async fn slow(has_store: bool) -> Slow {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    kinde.allow_callback(format!("{url}/api/auth/kinde_callback"));
    kinde.allow_logout_url(url.clone());
    let handle = handle_of(&kinde, &url, &[]);
    let builder = Login::builder(&handle).with_clock(clock.clone());
    let builder =
        if has_store { builder.with_store(MemoryStore::with_clock(10, clock.clone())) } else { builder };
    let login = builder.build().unwrap();
    let (begun, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (has_begun, may) = (Arc::clone(&begun), Arc::clone(&may_end));
    let wait = async move || {
        has_begun.add_permits(1);
        may.acquire().await.unwrap().forget();
    };
    let wait_and_call = wait.clone();
    let app = Router::new()
        .route(
            "/slow",
            get(async move |user: AuthUser| {
                wait().await;
                user.id().to_owned()
            }),
        )
        .route(
            "/slow-call",
            get(async move |session: Extension<SessionHandle>| {
                wait_and_call().await;
                session.access_token().await.map_or_else(|error| error.code(), |_| "a token")
            }),
        )
        .route(
            "/",
            get(async |user: Option<AuthUser>| user.map_or("nobody".to_owned(), |user| user.id().to_owned())),
        )
        .layer(KindeLayer::new(handle.verifier().with_clock(clock.clone()).build().unwrap()).optional())
        .layer(login.session_layer())
        .nest_service("/api/auth", login.routes());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let alice = kinde.person("alice");
    let mut slow = Slow { kinde, clock, url, alice, browser: Browser::default(), begun, may_end };
    slow.sign_in().await;
    slow
}

impl Slow {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.kinde.set_time(self.kinde.now() + time.as_secs());
    }

    async fn sign_in(&mut self) {
        let started = self.browser.go(&self.at("/api/auth/login")).await.location.unwrap();
        let callback = self.kinde.sign_in(&started, &self.alice).unwrap();
        assert_eq!(self.browser.go(&callback).await.status, 303);
    }

    async fn sign_out(&mut self) {
        let url = self.at("/api/auth/logout");
        assert_eq!(self.browser.ask(Method::POST, &url, &NAVIGATION).await.status, 303);
        assert!(self.browser.cookies(&self.url).is_empty());
    }

    /// Asks for a page; the answer's cookies reach the browser after everything that happens meanwhile.
    fn ask(&self, path: &str) -> tokio::task::JoinHandle<Seen> {
        let (mut browser, url) = (self.browser.clone(), self.at(path));
        tokio::spawn(async move { browser.go(&url).await })
    }

    async fn until_refreshing(&self) {
        while self.kinde.requests("/oauth2/token") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Gives the session cookies with a value that an answer sets.
fn sessions_set(seen: &Seen) -> Vec<&str> {
    let cookies = seen.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    cookies.filter(|cookie| cookie.contains("kinde_session") && !cookie.contains("Max-Age=0")).collect()
}

/// How much time goes by before the page is asked for, and while it waits.
const CASES: [(&str, &str, Duration, Duration); 5] = [
    ("nothing to write", "/slow", Duration::ZERO, Duration::ZERO),
    ("seen again after a while", "/slow", Duration::from_secs(20 * 3_600), Duration::ZERO),
    ("refreshed before the page", "/slow", DAY, Duration::ZERO),
    ("refreshed before the page, which calls", "/slow-call", DAY, Duration::ZERO),
    ("due while the page waits, which calls", "/slow-call", Duration::ZERO, DAY),
];

/// covers: G7
#[tokio::test]
async fn answer_of_a_page_that_began_before_a_sign_out_brings_no_session_back() {
    for has_store in [false, true] {
        for (name, path, before, meanwhile) in CASES {
            let mut slow = slow(has_store).await;
            slow.pass(before);
            let asking = slow.ask(path);
            slow.begun.acquire().await.unwrap().forget();
            let mut thief = slow.browser.clone();
            slow.sign_out().await;
            slow.pass(meanwhile);
            slow.may_end.add_permits(1);
            let seen = asking.await.unwrap();
            assert_eq!(sessions_set(&seen), [""; 0], "{name}, store {has_store}");
            assert_eq!(thief.go(&slow.at("/")).await.body, "nobody", "{name}, store {has_store}");
        }
    }
}

/// covers: F16
#[tokio::test]
async fn page_whose_session_cannot_be_refreshed_any_more_is_told_and_its_browser_forgets_it() {
    for has_store in [false, true] {
        let slow = slow(has_store).await;
        let asking = slow.ask("/slow-call");
        slow.begun.acquire().await.unwrap().forget();
        slow.pass(DAY);
        slow.alice.update(|details| details.is_suspended = true);
        slow.may_end.add_permits(1);
        let seen = asking.await.unwrap();
        assert_eq!((seen.status, seen.body.as_str()), (200, "signed_out"), "store {has_store}");
        let cookie = seen.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("kinde_session") && cookie.contains("Max-Age=0"), "{cookie}");
    }
}

/// covers: G7
#[tokio::test]
async fn answer_of_a_page_that_began_before_another_sign_in_does_not_touch_the_new_session() {
    for has_store in [false, true] {
        for (name, path, before, meanwhile) in CASES {
            let mut slow = slow(has_store).await;
            slow.pass(before);
            let asking = slow.ask(path);
            slow.begun.acquire().await.unwrap().forget();
            slow.sign_in().await;
            slow.pass(meanwhile);
            slow.may_end.add_permits(1);
            let seen = asking.await.unwrap();
            let written: Vec<_> = seen.headers.get_all("set-cookie").iter().collect();
            assert!(written.is_empty(), "{name}, store {has_store}: {written:?}");
            assert_eq!(slow.browser.go(&slow.at("/")).await.body, slow.alice.id(), "{name}");
        }
    }
}

/// covers: G7
#[tokio::test]
async fn refresh_under_way_while_its_person_signs_out_brings_no_session_back() {
    for has_store in [false, true] {
        for path in ["/", "/api/auth/me", "/api/auth/setup"] {
            let mut slow = slow(has_store).await;
            slow.pass(DAY);
            slow.kinde.reset_requests();
            slow.kinde.fault("/oauth2/token", Fault::Delay(Duration::from_millis(400)).times(1));
            let asking = slow.ask(path);
            slow.until_refreshing().await;
            let mut thief = slow.browser.clone();
            slow.sign_out().await;
            let seen = asking.await.unwrap();
            assert_eq!(sessions_set(&seen), [""; 0], "{path}, store {has_store}: {seen:?}");
            assert!(seen.status == 401 || seen.body == "nobody", "{path}, store {has_store}: {seen:?}");
            assert_eq!(thief.go(&slow.at("/")).await.body, "nobody", "{path}, store {has_store}");
        }
    }
}

/// covers: F16
#[tokio::test]
async fn refresh_whose_browser_hung_up_is_kept_for_the_next_request() {
    for has_store in [false, true] {
        for path in ["/", "/api/auth/me", "/slow-call"] {
            let mut slow = slow(has_store).await;
            let wait = if path == "/slow-call" { DAY - Duration::from_secs(120) } else { DAY };
            slow.pass(wait);
            slow.kinde.reset_requests();
            slow.kinde.fault("/oauth2/token", Fault::Delay(Duration::from_millis(500)).times(1));
            let cookie: Vec<_> =
                slow.browser.jar.iter().map(|((_, name), value)| format!("{name}={value}")).collect();
            let request = client().build().unwrap().get(slow.at(path)).header("cookie", cookie.join("; "));
            let asking = tokio::spawn(request.send());
            if path == "/slow-call" {
                slow.begun.acquire().await.unwrap().forget();
                slow.pass(Duration::from_secs(120));
                slow.may_end.add_permits(1);
            }
            slow.until_refreshing().await;
            asking.abort();
            assert!(asking.await.unwrap_err().is_cancelled(), "{path}");
            for _ in 0..2 {
                let home = slow.at("/");
                assert_eq!(slow.browser.go(&home).await.body, slow.alice.id(), "{path}, store {has_store}");
                let calls = slow.kinde.requests("/oauth2/token");
                assert_eq!(calls, 1, "{path}, store {has_store}: the answer nobody waited for");
            }
            slow.pass(DAY);
            assert_eq!(
                slow.browser.go(&slow.at("/")).await.body,
                slow.alice.id(),
                "{path}: and the next one"
            );
            assert_eq!(slow.kinde.requests("/oauth2/token"), 2, "{path}, store {has_store}");
        }
    }
}

/// covers: G7
#[tokio::test]
async fn answer_of_a_page_that_began_before_a_refresh_does_not_undo_it() {
    let mut slow = slow(false).await;
    // Seen so long ago that an answer writes the cookie anew.
    slow.pass(Duration::from_secs(23 * 3_600));
    let asking = slow.ask("/slow");
    slow.begun.acquire().await.unwrap().forget();
    slow.pass(Duration::from_secs(3_600));
    assert_eq!(slow.browser.go(&slow.at("/")).await.body, slow.alice.id());
    assert_eq!(slow.kinde.requests("/oauth2/token"), 2, "signed in, and refreshed");
    slow.may_end.add_permits(1);
    let seen = asking.await.unwrap();
    let written = seen.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let (name, value) = written.split_once('=').unwrap();
    // The process starts again, when Kinde takes the old refresh token for stolen.
    slow.pass(Duration::from_secs(600));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let restarted = format!("http://{}", listener.local_addr().unwrap());
    let clock = slow.clock.clone();
    let change = |builder: LoginBuilder| builder.with_clock(clock);
    drop(Site::start_at(Arc::clone(&slow.kinde), slow.url.clone(), listener, &[], change));
    let mut browser = Browser::default();
    browser.jar.insert((restarted.clone(), name.to_owned()), value.to_owned());
    assert_eq!(browser.go(&format!("{restarted}/")).await.body, slow.alice.id());
    assert_eq!(slow.kinde.requests("/oauth2/token"), 2);
}
