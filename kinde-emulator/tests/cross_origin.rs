//! What a browser lets a page of an application read.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use kinde_emulator::{Environment, Fault};
use reqwest::{
    Client, Method, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    },
};

const APPLICATION: &str = "http://localhost:3000";

async fn asked(kinde: &Environment, method: Method, path: &str, origin: &str) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    client
        .request(method, format!("{}{path}", kinde.url()))
        .header(ORIGIN, origin)
        .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(ACCESS_CONTROL_REQUEST_HEADERS, "content-type,kinde-sdk")
        .send()
        .await
        .unwrap()
}

fn allowed_origin(answer: &Response) -> Option<&str> {
    answer.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|origin| origin.to_str().unwrap())
}

#[tokio::test]
async fn page_of_an_application_may_ask_for_tokens() {
    let kinde = Environment::start().await;
    let ahead = asked(&kinde, Method::OPTIONS, "/oauth2/token", APPLICATION).await;
    assert_eq!(ahead.status(), StatusCode::NO_CONTENT);
    assert_eq!(allowed_origin(&ahead), Some(APPLICATION));
    assert_eq!(ahead.headers()[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    assert_eq!(ahead.headers()[ACCESS_CONTROL_ALLOW_METHODS], "GET, POST");
    assert_eq!(ahead.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "content-type,kinde-sdk");
    assert_eq!(kinde.requests("/oauth2/token"), 0);
    let refused = asked(&kinde, Method::POST, "/oauth2/token", APPLICATION).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(allowed_origin(&refused), Some(APPLICATION));
}

#[tokio::test]
async fn page_of_an_application_reads_keys_and_failures() {
    let kinde = Environment::start().await;
    let keys = asked(&kinde, Method::GET, "/.well-known/jwks.json", APPLICATION).await;
    assert_eq!(allowed_origin(&keys), Some(APPLICATION));
    kinde.fault("/.well-known/jwks.json", Fault::Status(503));
    let failure = asked(&kinde, Method::GET, "/.well-known/jwks.json", APPLICATION).await;
    assert_eq!((failure.status().as_u16(), allowed_origin(&failure)), (503, Some(APPLICATION)));
}

#[tokio::test]
async fn page_of_another_site_and_page_for_people_are_not_shared() {
    let kinde = Environment::start().await;
    let other = asked(&kinde, Method::GET, "/.well-known/jwks", "https://example.test").await;
    assert_eq!(allowed_origin(&other), None);
    let page = asked(&kinde, Method::GET, "/oauth2/auth", APPLICATION).await;
    assert_eq!(allowed_origin(&page), None);
    let ahead = asked(&kinde, Method::OPTIONS, "/oauth2/token", "https://example.test").await;
    assert_eq!((ahead.status(), allowed_origin(&ahead)), (StatusCode::METHOD_NOT_ALLOWED, None));
}

#[tokio::test]
async fn page_of_an_application_may_ask_the_account_api() {
    let kinde = Environment::start().await;
    for path in
        ["/account_api/v1/permissions", "/account_api/v1/entitlement/seats", "/account_api/v1/portal_link"]
    {
        let ahead = asked(&kinde, Method::OPTIONS, path, APPLICATION).await;
        assert_eq!((ahead.status(), allowed_origin(&ahead)), (StatusCode::NO_CONTENT, Some(APPLICATION)));
        let refused = asked(&kinde, Method::GET, path, APPLICATION).await;
        assert_eq!((refused.status(), allowed_origin(&refused)), (StatusCode::FORBIDDEN, Some(APPLICATION)));
    }
    let portal = asked(&kinde, Method::GET, "/portal_redirect", APPLICATION).await;
    assert_eq!(allowed_origin(&portal), None);
}
