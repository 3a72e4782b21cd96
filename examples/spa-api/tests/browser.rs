//! The page in a real Chromium: what its script may read of each answer.
//!
//! `KINDE_TEST_CHROMIUM` names the program; without it, `chromium` on `PATH` is used. Where there is none, these
//! tests print that they did not run.

mod chromium;

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, http::HeaderValue};
use chromium::Chromium;
use example_spa_api::{app, cors, page, todos};
use kinde_axum::{Kinde, KindeLayer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing_subscriber::util::SubscriberInitExt;

/// Serves the API and the page on two origins, opens the page, and gives what its script could read.
async fn open(chromium: Chromium, build: impl FnOnce(KindeLayer, HeaderValue) -> Router) -> Value {
    let (kinde, emulator): (Kinde, _) = example_environment::emulated().await.unwrap();
    let alice = emulator.person("alice").with("create:todos");
    let tokens = json!({
        "alice": alice.access_token(),
        "bob": emulator.person("bob").access_token(),
        "expired": alice.expired().access_token(),
    });
    let [api, other] = [bind().await, bind().await];
    let [api_url, page_url] = [&api, &other].map(|one| format!("http://{}", one.local_addr().unwrap()));
    let layer = KindeLayer::new(kinde.verifier().build().unwrap());
    let api = axum::serve(api, build(layer, HeaderValue::try_from(&page_url).unwrap()));
    let other = axum::serve(other, page(&api_url, Some(tokens)));
    let servers = [tokio::spawn(api.into_future()), tokio::spawn(other.into_future())];
    let results = chromium.results(&page_url).await;
    for server in servers {
        server.abort();
    }
    results
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[tokio::test]
async fn page_on_another_origin_reads_answers_refusals_and_challenges() {
    let Some(chromium) = Chromium::find() else { return };
    let results = open(chromium, app).await;
    let read: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["status"].as_u64(), one["challenge"].as_str()))
        .collect();
    assert_eq!(
        read,
        [
            ("nobody lists", Some(401), Some(r#"Bearer realm="api""#)),
            ("Alice lists", Some(200), None),
            ("Alice creates", Some(201), None),
            ("Bob creates", Some(403), Some(r#"Bearer realm="api", error="insufficient_scope""#)),
            ("a stale token lists", Some(401), Some(r#"Bearer realm="api", error="invalid_token""#)),
        ]
    );
}

#[tokio::test]
async fn kinde_layer_outside_of_the_cors_layer_fails_in_the_browser_and_warns_in_the_log() {
    let Some(chromium) = Chromium::find() else { return };
    let log = Log::default();
    // The servers run on this thread.
    let logging = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).set_default();
    let results = open(chromium, |kinde, origin| todos().layer(cors(origin)).layer(kinde)).await;
    drop(logging);
    for one in results.as_array().unwrap() {
        assert_eq!(one["failed"], "TypeError", "{one}");
    }
    let log = log.text();
    let warning = log.lines().find(|line| line.contains("preflight_refused")).expect(&log);
    assert!(warning.contains(" WARN kinde_tower: "), "{warning}");
    assert!(warning.contains("put the CORS layer outside of it"), "{warning}");
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
