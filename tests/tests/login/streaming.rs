//! Bodies that take their time, and handlers that do.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Extension, Router, body::Body, routing::get};
use bytes::Bytes;
use http_body::Frame;
use kinde_axum::{AuthUser, KindeLayer};
use kinde_core::ManualClock;
use kinde_emulator::Environment;
use kinde_login::{Login, MemoryStore, SessionHandle};
use kinde_tests::site::{Browser, client, clock_of, handle_of};
use tokio::{net::TcpListener, sync::mpsc};

const DAY: Duration = Duration::from_secs(86_400);

/// A body that comes piece by piece.
struct Pieces(mpsc::Receiver<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

struct Running {
    kinde: Arc<Environment>,
    clock: ManualClock,
    url: String,
    browser: Browser,
    pieces: mpsc::Sender<Bytes>,
}

impl Running {
    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.kinde.set_time(self.kinde.now() + time.as_secs());
    }
}

/// A site with a page that streams what the test sends, and one that waits a day before it calls another API.
async fn start(has_store: bool) -> Running {
    let kinde = Arc::new(Environment::start().await);
    let clock = clock_of(&kinde);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    kinde.allow_callback(format!("{url}/api/auth/kinde_callback"));
    let handle = handle_of(&kinde, &url, &[]);
    let builder = Login::builder(&handle).with_clock(clock.clone());
    let builder = if has_store { builder.with_store(MemoryStore::new(10)) } else { builder };
    let login = builder.build().unwrap();
    let (pieces, receiver) = mpsc::channel(1);
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    let (waiting_kinde, waiting_clock) = (Arc::clone(&kinde), clock.clone());
    let app = Router::new()
        .route(
            "/stream",
            get(async move |user: AuthUser| {
                assert!(!user.id().is_empty());
                Body::new(Pieces(receiver.lock().unwrap().take().unwrap()))
            }),
        )
        .route(
            "/wait",
            get(async move |session: Extension<SessionHandle>| {
                let before = session.access_token().await.unwrap();
                waiting_clock.advance(DAY);
                waiting_kinde.set_time(waiting_kinde.now() + DAY.as_secs());
                let after = session.access_token().await.unwrap();
                let again = session.access_token().await.unwrap();
                assert_eq!(after.expose(), again.expose());
                format!("{} {}", before.expose() == after.expose(), after.expose())
            }),
        )
        .layer(KindeLayer::new(handle.verifier().with_clock(clock.clone()).build().unwrap()).optional())
        .layer(login.session_layer())
        .nest_service("/api/auth", login.routes());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut browser = Browser::default();
    let started = browser.go(&format!("{url}/api/auth/login")).await.location.unwrap();
    let callback = kinde.sign_in(&started, &kinde.person("alice")).unwrap();
    assert_eq!(browser.go(&callback).await.status, 303);
    Running { kinde, clock, url, browser, pieces }
}

/// covers: F16 G4
#[tokio::test]
async fn streaming_body_passes_piece_by_piece_and_its_head_brings_the_refreshed_cookie() {
    for has_store in [false, true] {
        let running = start(has_store).await;
        running.pass(DAY);
        let cookie: Vec<_> =
            running.browser.jar.iter().map(|((_, name), value)| format!("{name}={value}")).collect();
        let request = client().build().unwrap().get(format!("{}/stream", running.url));
        let mut answer = request.header("cookie", cookie.join("; ")).send().await.unwrap();
        // The head is here before any piece was sent.
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["cache-control"], "private, no-store");
        assert_eq!(answer.headers().contains_key("set-cookie"), !has_store, "store {has_store}");
        assert_eq!(running.kinde.requests("/oauth2/token"), 2, "store {has_store}");
        for piece in ["one", "two", "three"] {
            running.pieces.send(Bytes::from(piece)).await.unwrap();
            assert_eq!(answer.chunk().await.unwrap().unwrap(), piece, "each as it comes");
        }
        drop(running.pieces);
        assert_eq!(answer.chunk().await.unwrap(), None);
    }
}

/// covers: F16 G4
#[tokio::test]
async fn handler_that_waited_long_gets_a_fresh_token_and_the_browser_its_cookie() {
    for has_store in [false, true] {
        let mut running = start(has_store).await;
        let before = running.browser.clone();
        let seen = running.browser.go(&format!("{}/wait", running.url)).await;
        assert!(seen.body.starts_with("false "), "store {has_store}: {}", seen.body);
        assert_eq!(running.kinde.requests("/oauth2/token"), 2, "store {has_store}");
        assert_eq!(seen.headers.contains_key("set-cookie"), !has_store);
        assert_eq!(before.jar != running.browser.jar, !has_store, "store {has_store}");
        let me = running.browser.go(&format!("{}/api/auth/me", running.url)).await;
        assert_eq!((me.status, running.kinde.requests("/oauth2/token")), (200, 2), "store {has_store}");
    }
}
