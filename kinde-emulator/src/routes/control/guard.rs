//! Decides who may use the control API: programs of this computer, and no page in a browser.

use axum::{
    extract::{ConnectInfo, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, StatusCode, header};

use crate::connection::Caller;

use super::refusal;

/// Lets a request through that comes from this computer, names it, and does not come from a page.
///
/// # Security
///
/// The port is open to every page of every site that a developer visits. A page's requests to another origin carry
/// `Origin` (Fetch Standard §3.2); a page that made its own name resolve to 127.0.0.1 carries that name in `Host`.
/// An environment that listens to other computers, which it does under an insecure option only, answers them as Kinde
/// and not here.
pub(super) async fn let_in_programs_of_this_computer(
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    match objection_to(&caller, request.headers()) {
        None => next.run(request).await,
        Some(reason) => refusal(StatusCode::FORBIDDEN, reason),
    }
}

/// Says why somebody may not use the control API, if they may not.
pub(super) fn objection_to(caller: &Caller, headers: &HeaderMap) -> Option<&'static str> {
    if !caller.is_on_this_computer() {
        return Some("the control API is for programs of this computer");
    }
    objection(headers)
}

fn objection(headers: &HeaderMap) -> Option<&'static str> {
    if headers.contains_key(header::ORIGIN) {
        return Some("the control API is for programs, not for pages: the request has an Origin header");
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_this_computer(host) {
        return Some("the control API is for this computer: the Host header is another name");
    }
    None
}

fn is_this_computer(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_names_of_this_computer_are_its_own() {
        for host in ["127.0.0.1", "127.0.0.1:4100", "localhost:4100", "LocalHost", "[::1]:4100", "[::1]"] {
            assert!(is_this_computer(host), "{host}");
        }
        for host in
            ["", "example.test", "localhost.example.test:80", "127.0.0.1.example.test", "127.0.0.1:80@x"]
        {
            assert!(!is_this_computer(host), "{host}");
        }
    }

    #[test]
    fn page_is_refused_whatever_its_origin() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost:4100"));
        assert_eq!(objection(&headers), None);
        headers.insert(header::ORIGIN, HeaderValue::from_static("null"));
        assert!(objection(&headers).is_some());
    }
}
