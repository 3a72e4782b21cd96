//! What the stories share: an API as a user would write it, and requests to it.

use axum::{Router, body::Body, routing::get};
use http::{Request, Response};
use http_body_util::BodyExt;
use kinde_axum::{AuthUser, KindeLayer, OrgCode, RequirePermission, Verifier, permissions};
use kinde_core::{AuthError, Issuer, Jwks};
use kinde_emulator::Environment;
use tower::ServiceExt;

pub mod fleet;
pub mod scale;
pub mod servers;
pub mod site;

permissions! {
    /// May create to-do items.
    pub CreateTodos = "create:todos";
}

/// Builds a verifier bound to the environment's application, with keys fetched over loopback HTTP.
pub fn verifier_of(kinde: &Environment) -> Verifier {
    let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
    Verifier::builder(jwks).with_application(kinde.client_id()).build().unwrap()
}

/// The API of the stories: who am I, an optional caller, a permission, an organization.
pub fn api(layer: KindeLayer) -> Router {
    Router::new()
        .route("/me", get(async |user: AuthUser| user.id().to_owned()))
        .route(
            "/hello",
            get(async |user: Option<AuthUser>| user.map_or("nobody".to_owned(), |user| user.id().to_owned())),
        )
        .route("/todos", get(async |_: RequirePermission<CreateTodos>| "created"))
        .route("/org", get(async |org: OrgCode| org.to_string()))
        .layer(layer)
}

/// The guides whose programs compile here: they need crates that no published one depends on.
#[cfg(doctest)]
#[doc = include_str!("../../docs/webhooks.md")]
#[doc = include_str!("../../kinde-webhook/README.md")]
#[doc = include_str!("../../kinde-login/README.md")]
pub struct Guides;

/// What came back, in a form that assertions read well.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The challenge, if any.
    pub challenge: Option<String>,
    /// The stable code of the refusal, from the response's extensions.
    pub code: Option<&'static str>,
    /// The body.
    pub body: String,
    /// The headers.
    pub headers: http::HeaderMap,
}

/// Sends a request with these `Authorization` values through a router.
pub async fn send(app: &Router, path: &str, authorization: &[&str]) -> Answer {
    let mut request = Request::get(path);
    for value in authorization {
        request = request.header("authorization", *value);
    }
    answer(app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
}

/// Sends a request with a bearer token.
pub async fn send_bearer(app: &Router, path: &str, token: &str) -> Answer {
    send(app, path, &[&format!("Bearer {token}")]).await
}

/// Reads a response to its end.
pub async fn answer(response: Response<Body>) -> Answer {
    let code = response.extensions().get::<AuthError>().map(AuthError::code);
    let (head, body) = response.into_parts();
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    Answer {
        status: head.status.as_u16(),
        challenge: head.headers.get("www-authenticate").map(text),
        code,
        body: String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
        headers: head.headers,
    }
}
