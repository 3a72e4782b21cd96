//! What a browser's session costs beside a bearer token: both remembered, in process; and beside a Redis round trip.

use std::{process::ExitCode, time::Instant};

use axum::{Router, body::Body, routing::get};
use http::{HeaderValue, Request, Response, StatusCode, header};
use kinde_axum::{AuthUser, KindeLayer};
use kinde_benches::{
    environment::{self, bearer},
    measure::{median, thread_time},
    redis_server::RedisServer,
    report::{Bars, option},
};
use kinde_core::{Kinde, Settings};
use kinde_emulator::Environment;
use kinde_login::{Login, MemoryStore, RedisStore};
use redis::AsyncCommands;
use tower::ServiceExt;

const SITE: &str = "https://app.example.test";
/// How many requests one reading is made of.
const BATCH: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let environment = environment::start();
    environment.allow_callback(format!("{SITE}/api/auth/kinde_callback"));
    drop(environment::person(&environment).remember());
    let kinde = kinde(&environment);
    let sealed = Login::builder(&kinde).build().expect("settings");
    let stored = Login::builder(&kinde).with_store(MemoryStore::new(10)).build().expect("settings");
    let alone = app(&kinde, None);
    let with_sealed = app(&kinde, Some(&sealed));
    let with_stored = app(&kinde, Some(&stored));
    let token = bearer(&environment::person(&environment).access_token());
    let rows = [
        ("bearer token, no session layer", &alone, (header::AUTHORIZATION, token.clone())),
        ("bearer token, session layer around", &with_sealed, (header::AUTHORIZATION, token)),
        ("session in a sealed cookie", &with_sealed, (header::COOKIE, cookie(&environment, &sealed).await)),
        ("session in memory", &with_stored, (header::COOKIE, cookie(&environment, &stored).await)),
    ];
    let rounds = option("--rounds", 60);
    // For a profiler: one row alone.
    if let Some((name, app, credential)) = rows.get(option("--only", usize::MAX)) {
        for _ in 0..rounds {
            nanos(name, app, credential).await;
        }
        return ExitCode::SUCCESS;
    }
    let mut readings = vec![Vec::new(); rows.len()];
    for round in 0..rounds {
        for place in (0..rows.len()).map(|place| (place + round) % rows.len()) {
            let (name, app, credential) = &rows[place];
            readings[place].push(nanos(name, app, credential).await);
        }
    }
    let medians: Vec<_> = readings.iter().map(|readings| median(readings)).collect();
    for ((name, ..), median) in rows.iter().zip(&medians) {
        println!("{name:<40} {median:>8.0} ns of thread time");
    }
    let mut bars = Bars::new();
    // The same application either way: what its session layer costs a bearer token is axum's box for one layer more.
    bars.at_most("session in a sealed cookie", medians[2] / medians[1], 1.5, "x bearer");
    println!("{:<58} {:>9.2} x bearer  (no bar)", "session in memory", medians[3] / medians[1]);
    for (name, place) in [("sealed cookie, to no session layer", 2), ("memory, to no session layer", 3)] {
        println!("{name:<58} {:>9.2} x bearer  (no bar)", medians[place] / medians[0]);
    }
    match RedisServer::start() {
        Some(server) => in_redis(&environment, &kinde, &server, rounds).await,
        None => println!("session in Redis: NOT RUN, there is no redis-server"),
    }
    bars.exit_code()
}

/// Measures requests with a session in Redis beside bare round trips to the same Redis that bring as many bytes, one
/// after the other, by the clock on the wall: what is waited for is no work of this thread.
async fn in_redis(environment: &Environment, kinde: &Kinde, server: &RedisServer, rounds: usize) {
    let mut connection = server.connection().await;
    let store = RedisStore::new(connection.clone());
    let login = Login::builder(kinde).with_store(store).build().expect("settings");
    let app = app(kinde, Some(&login));
    let credential = (header::COOKIE, cookie(environment, &login).await);
    let keys: Vec<String> = connection.keys("*").await.expect("a key");
    let record: Vec<u8> = connection.hget(&keys[0], "d").await.expect("a record");
    let () = connection.set("bare", &record).await.expect("an answer");
    let (mut bare, mut sessions) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..BATCH {
            let found: Vec<u8> = connection.get("bare").await.expect("an answer");
            assert_eq!(found.len(), record.len());
        }
        bare.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
        let start = Instant::now();
        nanos("session in Redis", &app, &credential).await;
        sessions.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    let (bare, session) = (median(&bare), median(&sessions));
    println!("{:<40} {bare:>8.0} ns by the clock, {} bytes", "bare round trip to Redis", record.len());
    println!("{:<40} {session:>8.0} ns by the clock", "session in Redis");
    println!("{:<58} {:>9.2} x round trip (no bar)", "session in Redis", session / bare);
}

fn kinde(environment: &Environment) -> Kinde {
    let settings = Settings::from_variables([
        ("KINDE_ISSUER_URL", environment.issuer()),
        ("KINDE_CLIENT_ID", environment.client_id()),
        ("KINDE_CLIENT_SECRET", &environment.client_secret()),
        ("KINDE_AUDIENCE", environment::AUDIENCE),
        ("KINDE_SITE_URL", SITE),
        ("SESSION_SECRET", "a secret of the measurements, 32 bytes"),
    ]);
    Kinde::from_settings(settings.expect("settings")).expect("a client")
}

fn app(kinde: &Kinde, login: Option<&Login>) -> Router {
    let verifier = kinde.verifier().build().expect("a verifier");
    let app = Router::new()
        .route("/me", get(async |user: AuthUser| user.id().to_owned()))
        .layer(KindeLayer::new(verifier).optional());
    match login {
        Some(login) => app.layer(login.session_layer()),
        None => app,
    }
}

/// Signs in without a browser, and gives the session's cookie.
async fn cookie(environment: &Environment, login: &Login) -> HeaderValue {
    let started = ask(login, "/api/auth/login", None).await;
    let location = started.headers()[header::LOCATION].to_str().expect("text").to_owned();
    let callback = environment.sign_in(&location, &environment.person("alice")).expect("a way back");
    let path = callback.strip_prefix(SITE).expect("our own site").to_owned();
    let finished = ask(login, &path, Some(pairs(&started))).await;
    assert_eq!(finished.status(), StatusCode::SEE_OTHER);
    pairs(&finished)
}

async fn ask(
    login: &Login,
    path: &str,
    cookie: Option<HeaderValue>,
) -> Response<http_body_util::Full<bytes::Bytes>> {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    login
        .routes()
        .oneshot(request.body(http_body_util::Empty::<bytes::Bytes>::new()).expect("a request"))
        .await
        .expect("an answer")
}

/// Gives the cookies that an answer sets, as a browser sends them back.
fn pairs<B>(answer: &Response<B>) -> HeaderValue {
    let set = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let kept =
        set.filter(|cookie| !cookie.contains("Max-Age=0")).filter_map(|cookie| cookie.split(';').next());
    HeaderValue::try_from(kept.collect::<Vec<_>>().join("; ")).expect("cookies")
}

async fn nanos(name: &str, app: &Router, credential: &(header::HeaderName, HeaderValue)) -> f64 {
    let request = || {
        let mut request = Request::get("/me").body(Body::empty()).expect("a request");
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("app.example.test"));
        request.headers_mut().insert(credential.0.clone(), credential.1.clone());
        request
    };
    let requests: Vec<_> = (0..BATCH).map(|_| request()).collect();
    let mut refused = None;
    let start = thread_time();
    for request in requests {
        let response = app.clone().oneshot(request).await.expect("an answer");
        if response.status() != StatusCode::OK {
            refused = Some(response.status());
        }
    }
    let took = thread_time() - start;
    assert_eq!(refused, None, "{name}");
    took.as_nanos() as f64 / BATCH as f64
}
