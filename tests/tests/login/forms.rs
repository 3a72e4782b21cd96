//! What a form posts counts as what an address says.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{Empty, Full};
use kinde_tests::site::{NAVIGATION, Site};
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
    let callback = site.kinde.sign_in(location(&started), &site.kinde.person("alice")).unwrap();
    let cookies: Vec<_> = started.headers().get_all("set-cookie").iter().collect();
    let mut request = Request::get(callback.trim_start_matches(&site.url));
    for cookie in cookies {
        request = request.header("cookie", cookie.to_str().unwrap().split(';').next().unwrap());
    }
    let answer = site.login.routes().oneshot(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
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
