//! Two hosts of one domain that share a session, because somebody chose what has `insecure` in its name.

use std::sync::Arc;

use axum::{Router, body::Body};
use http::Request;
use kinde_emulator::Environment;
use kinde_login::Login;
use kinde_tests::{
    Answer, answer,
    site::{app, handle_of},
};
use tower::ServiceExt;

const APP: &str = "https://app.acme.example";
const DOCS: &str = "https://docs.acme.example";

fn host(kinde: &Environment, url: &str) -> Router {
    kinde.allow_callback(format!("{url}/api/auth/kinde_callback"));
    kinde.allow_logout_url(url);
    let handle = handle_of(kinde, url, &[]);
    let login = Login::builder(&handle).insecure_cookie_domain("acme.example").build().unwrap();
    app(handle.verifier().build().unwrap(), &login)
}

async fn go(host: &Router, path: &str, cookies: &str) -> Answer {
    let request = Request::get(path).header("accept", "text/html").header("cookie", cookies);
    answer(host.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
}

fn set(seen: &Answer) -> Vec<&str> {
    seen.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

fn pair(cookie: &str) -> &str {
    cookie.split(';').next().unwrap()
}

/// covers: G3
#[tokio::test]
async fn session_holds_at_every_host_of_the_domain_and_signing_out_too() {
    let kinde = Arc::new(Environment::start().await);
    let [app, docs] = [APP, DOCS].map(|url| host(&kinde, url));
    let alice = kinde.person("alice");
    let started = go(&app, "/api/auth/login", "").await;
    let under_way: Vec<_> = set(&started).into_iter().map(pair).collect();
    for cookie in set(&started) {
        assert!(
            cookie.starts_with("__Host-") && !cookie.contains("Domain"),
            "a flow is of one host: {cookie}"
        );
    }
    let callback = kinde.sign_in(started.headers["location"].to_str().unwrap(), &alice).unwrap();
    let begun = go(&app, &callback.replace(APP, ""), &under_way.join("; ")).await;
    let session = set(&begun).into_iter().find(|cookie| cookie.contains("kinde_session")).unwrap();
    assert!(session.starts_with("__Secure-kinde_session_"), "{session}");
    assert!(session.contains("; Path=/; Secure; HttpOnly; SameSite=Lax; Domain=acme.example"), "{session}");

    for host in [&app, &docs] {
        assert_eq!(go(host, "/", pair(session)).await.body, alice.id());
    }
    let out = go(&docs, "/api/auth/logout", pair(session)).await;
    let removed: Vec<_> = set(&out).into_iter().filter(|cookie| cookie.contains("kinde_session")).collect();
    let name = pair(session).split('=').next().unwrap();
    let expected = format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Domain=acme.example; Max-Age=0");
    assert_eq!(removed, [expected]);
}
