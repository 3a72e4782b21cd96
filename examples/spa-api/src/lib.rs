//! An API for a page on another origin, and the page.

use std::time::Duration;

use axum::{
    Router,
    http::{
        HeaderValue, Method, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
    },
    response::Html,
    routing::get,
};
use kinde_axum::{AuthUser, KindeLayer, RequirePermission, permissions};
use serde_json::{Value, json};
use tower_http::cors::CorsLayer;

permissions! {
    /// May create to-do items.
    pub CreateTodos = "create:todos";
}

/// Builds the API. The CORS layer is added last, so it is the outermost: it answers preflights, which carry no
/// token, and marks refusals with its headers, so that the page may read them.
pub fn app(kinde: KindeLayer, page_origin: HeaderValue) -> Router {
    todos().layer(kinde).layer(cors(page_origin))
}

/// The routes, without any layer.
pub fn todos() -> Router {
    Router::new().route("/todos", get(list).post(create))
}

/// Lets the page's origin send tokens, and read the challenge of a refusal.
///
/// There is no `allow_credentials`: that is for cookies, and the page sends none.
pub fn cors(page_origin: HeaderValue) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(page_origin)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([WWW_AUTHENTICATE])
        .max_age(Duration::from_secs(600))
}

/// Builds the other origin: one page that calls the API and shows what it may read of the answers.
///
/// `tokens` are an emulator's. A page of your own gets its token from Kinde's sign-in, never from its server.
pub fn page(api: &str, tokens: Option<Value>) -> Router {
    let configuration = json!({ "api": api, "tokens": tokens }).to_string().replace('<', "\\u003c");
    let html = include_str!("page.html").replace("__CONFIGURATION__", &configuration);
    Router::new().route("/", get(async || Html(html)))
}

async fn list(user: AuthUser) -> String {
    format!("The items of {}.", user.id())
}

async fn create(_: RequirePermission<CreateTodos>) -> (StatusCode, &'static str) {
    (StatusCode::CREATED, "Created.")
}
