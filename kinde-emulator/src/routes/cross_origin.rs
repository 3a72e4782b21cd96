//! Decides which pages in a browser may read answers: those of the applications' own origins.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{callback_urls, directory::Directory, provider::Provider};

/// Adds what the Fetch Standard (§3.3) asks for, and answers the request that a browser sends ahead.
///
/// A guess: Kinde does not say which origins it answers. Its browser packages send the token request with `credentials: include` to every
/// host but `*.kinde.com`, so that an origin has to be named and `*` would not do.
pub(crate) async fn answer_pages(
    State(provider): State<Arc<Provider>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(allowed) = allowed_origin(&provider, &request) else { return next.run(request).await };
    let is_ahead = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_ahead { permission(request.headers()) } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    response
}

fn allowed_origin(provider: &Provider, request: &Request) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let is_allowed =
        is_for_pages(request.uri().path()) && is_of_an_application(&provider.directory.lock(), origin);
    is_allowed.then(|| origin.clone())
}

/// Whatever headers the page wants to send it may send: `Kinde-SDK` is among them.
fn permission(headers: &HeaderMap) -> Response {
    let methods = [(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"))];
    let mut response = (StatusCode::NO_CONTENT, methods).into_response();
    if let Some(wanted) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}

/// The pages that people look at are not for reading by another page.
fn is_for_pages(path: &str) -> bool {
    path.starts_with("/.well-known/") || path.starts_with("/account_api/") || PATHS.contains(&path)
}

fn is_of_an_application(directory: &Directory, origin: &HeaderValue) -> bool {
    let callbacks = directory.applications.values().flat_map(|application| &application.callbacks);
    origin.to_str().is_ok_and(|origin| callback_urls::is_on_origin(callbacks, origin, directory))
}

const PATHS: [&str; 4] =
    ["/oauth2/token", "/oauth2/revoke", "/oauth2/v2/user_profile", "/oauth2/user_profile"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Application;

    #[test]
    fn origin_is_scheme_host_and_port_of_a_callback() {
        let mut directory = Directory::default();
        let mut application = Application::public("single page");
        application.callbacks.push("http://localhost:3000/callback?x=1".to_owned());
        directory.applications.insert("id".to_owned(), application);
        let rows = [
            ("http://localhost:3000", true),
            ("http://localhost", false),
            ("https://localhost:3000", false),
            ("http://localhost:3000.example.test", false),
            ("null", false),
        ];
        for (origin, expected) in rows {
            assert_eq!(
                is_of_an_application(&directory, &HeaderValue::from_static(origin)),
                expected,
                "{origin}"
            );
        }
    }
}
