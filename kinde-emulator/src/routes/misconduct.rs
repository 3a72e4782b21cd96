//! Counts every request and lets the faults in force happen to it.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::{
    connection::{Caller, Misconduct, Script},
    faults::Fault,
    provider::Provider,
};

/// Runs before every route, unknown paths included.
pub(crate) async fn observe(
    State(provider): State<Arc<Provider>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let arrival = provider.requests.record(request.method().as_str(), &path);
    // What one request asked for comes before what the path has coming.
    let own = request.extensions().get::<Fault>().cloned();
    let fault = own.or_else(|| provider.faults.take(&path));
    let is_cut_off = matches!(fault, Some(Fault::Reset | Fault::TruncatedBody | Fault::EndlessBody));
    let answered = provider.random.during_all_of(answer_with(fault, &caller.misconduct, request, next));
    let response = answered.await;
    if !is_cut_off {
        provider.requests.answered(arrival, response.status().as_u16());
    }
    response
}

async fn answer_with(
    fault: Option<Fault>,
    connection: &Misconduct,
    request: Request,
    next: Next,
) -> Response {
    match fault {
        None => next.run(request).await,
        Some(Fault::Delay(duration)) => {
            tokio::time::sleep(duration).await;
            next.run(request).await
        }
        Some(Fault::Headers(headers)) => with_headers(next.run(request).await, &headers),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Status(code)) => {
            let content_type = "text/html".to_owned();
            let bytes = format!("<html><body>{code}</body></html>").into_bytes();
            answer(code, &content_type, bytes)
        }
        Some(Fault::Body { status, content_type, bytes }) => answer(status, &content_type, bytes),
        Some(Fault::Redirect(url)) => {
            with_headers(StatusCode::FOUND.into_response(), &[("location".to_owned(), url)])
        }
        Some(Fault::RateLimit(seconds)) => {
            let headers = [("ratelimit-reset".to_owned(), seconds.to_string())];
            with_headers(answer(429, "application/json", TOO_MANY_REQUESTS.to_vec()), &headers)
        }
        Some(Fault::EndlessBody) => scripted(connection, &Script::Endless),
        Some(Fault::TruncatedBody) => scripted(connection, &Script::Truncated),
        Some(Fault::Reset | Fault::Times(..) | Fault::Sometimes { .. }) => {
            scripted(connection, &Script::Reset)
        }
    }
}

/// The connection sends its script in place of this answer.
fn scripted(connection: &Misconduct, script: &'static Script) -> Response {
    connection.ask_for(script);
    StatusCode::OK.into_response()
}

fn answer(status: u16, content_type: &str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    // A number that is no status code answers 500, which is still a fault.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with_headers(response, &[(header::CONTENT_TYPE.as_str().to_owned(), content_type.to_owned())])
}

/// Adds what can be written as a header and leaves out what cannot.
fn with_headers(mut response: Response, headers: &[(String, String)]) -> Response {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Documented is the header; the body is a guess in the shape of the APIs' other errors.
const TOO_MANY_REQUESTS: &[u8] =
    br#"{"errors":[{"code":"TOO_MANY_REQUESTS","message":"Too many requests, try again later"}]}"#;
