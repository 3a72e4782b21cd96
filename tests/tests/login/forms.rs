//! What a form posts counts as what an address says.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{Empty, Full};
use kinde_emulator::Environment;
use kinde_tests::site::{NAVIGATION, Site};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// A body in pieces that says nothing of its length.
struct Pieces(Vec<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(piece))))
    }
}

/// A body that fails a test that waits for it.
struct Unread;

impl Body for Unread {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("the body was asked for")
    }
}

async fn post(site: &Site, address: &str, form: &str) -> Response<Full<Bytes>> {
    let mut request = Request::post(format!("/api/auth/{address}"))
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    for (name, value) in NAVIGATION {
        request = request.header(name, value);
    }
    let pieces = form.as_bytes().chunks(3).rev().map(Bytes::copy_from_slice).collect();
    let body = Pieces(pieces);
    site.login.routes().oneshot(request.body(body).unwrap()).await.unwrap()
}

fn location(answer: &Response<Full<Bytes>>) -> &str {
    answer.headers()["location"].to_str().unwrap()
}

/// Signs in where an answer leads, and comes back.
async fn come_back(site: &Site, started: &Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let callback = site.kinde.sign_in(location(started), &site.kinde.person("alice")).unwrap();
    let mut request = Request::get(callback.trim_start_matches(&site.url));
    for cookie in started.headers().get_all("set-cookie") {
        request = request.header("cookie", cookie.to_str().unwrap().split(';').next().unwrap());
    }
    site.login.routes().oneshot(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn posted_parameters_reach_kinde_and_the_way_back() {
    let site = Site::start().await;
    for (route, form, sent) in [
        ("create_org", "org_name=Caf%C3%A9+%26+Co", "org_name=Caf%C3%A9+%26+Co"),
        ("switch_org", "org_code=org_1", "org_code=org_1"),
        ("login", "login_hint=a%2Bb%40example.test&client_id=evil", "login_hint=a%2Bb%40example.test"),
        ("register?plan_interest=pro", "lang=de", "plan_interest=pro&lang=de"),
    ] {
        let answer = post(&site, route, form).await;
        assert_eq!(answer.status(), 303, "{route}");
        assert!(location(&answer).contains(sent), "{route}: {}", location(&answer));
        assert!(!location(&answer).contains("evil"), "{route}");
    }
    let started = post(&site, "login", "post_login_redirect_url=%2Ftodos%3Fa%3Db").await;
    let answer = come_back(&site, &started).await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/todos?a=b"));
}

#[tokio::test]
async fn address_wins_over_the_form_and_a_wish_with_two_values_is_refused() {
    let site = Site::start().await;
    let answer = post(&site, "logout?post_logout_redirect_url=%2Fa", "post_logout_redirect_url=%2Fb").await;
    let target = format!("redirect={}", site.url.replace(':', "%3A").replace('/', "%2F"));
    assert!(location(&answer).ends_with(&format!("{target}%2Fa")), "{}", location(&answer));
    let answer = post(&site, "logout", "post_logout_redirect_url=%2Fb").await;
    assert!(location(&answer).ends_with(&format!("{target}%2Fb")), "{}", location(&answer));
    assert_eq!(post(&site, "login?org_code=org_1", "org_code=org_2").await.status(), 400);
    assert_eq!(post(&site, "login?org_code=org_1", "org_code=org_1").await.status(), 303);
    assert_eq!(post(&site, "login", "post_login_redirect_url=%2F%2Fevil.example").await.status(), 400);
    assert_eq!(post(&site, "switch_org", "").await.status(), 400);
}

#[tokio::test]
async fn of_address_and_form_the_first_marketing_counts_both_audiences_and_the_page_of_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let audiences = [("KINDE_AUDIENCE", "api_one api_two api_three")];
    let kinde = Arc::new(Environment::start().await);
    let site = Site::start_at(kinde, url, listener, &audiences, |builder| builder);
    let values = |answer: &Response<Full<Bytes>>, name: &str| {
        let parts: Vec<_> = location(answer).split(['?', '&']).map(str::to_owned).collect();
        parts.into_iter().filter(|part| part.starts_with(name)).collect::<Vec<_>>().join(" ")
    };
    let answer = post(&site, "login?utm_source=a", "utm_source=b&utm_term=c").await;
    assert_eq!(values(&answer, "utm_"), "utm_source=a utm_term=c");
    let answer = post(&site, "login?audience=api_one", "audience=api_two").await;
    assert_eq!(values(&answer, "audience="), "audience=api_one audience=api_two");
    assert_eq!(post(&site, "login?audience=api_one", "audience=api_four").await.status(), 400);
    let plain = Site::start().await;
    let asked =
        post(&plain, "portal?sub_nav=profile&return_url=%2Fa", "subNav=plan_details&returnUrl=%2Fb").await;
    // Nobody is signed in, so that the way back says what was understood.
    let back = come_back(&plain, &asked).await;
    assert_eq!(location(&back), "/api/auth/portal?return_url=%2Fa&sub_nav=profile");
}

/// covers: G9
#[tokio::test]
async fn form_of_another_site_is_refused_unread_and_that_of_a_get_is_nothing() {
    let site = Site::start().await;
    for (method, origin, status) in [("POST", "https://evil.example", 403), ("GET", "", 303)] {
        let mut request = Request::builder().method(method).uri("/api/auth/login");
        if !origin.is_empty() {
            request = request.header("origin", origin).header("host", "app.example");
        }
        let answer = site.login.routes().oneshot(request.body(Unread).unwrap()).await.unwrap();
        assert_eq!(answer.status(), status, "{method}");
    }
    let posted = Request::post("/api/auth/kinde_callback").body(Unread).unwrap();
    assert_eq!(site.login.routes().oneshot(posted).await.unwrap().status(), 400);
}
