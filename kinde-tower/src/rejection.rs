//! What the caller is told: one table from error kind to status, challenge and body.

use std::{
    fmt, mem,
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    request::Parts,
};
use kinde_core::{AuthError, AuthErrorKind, AuthReason};

use crate::event;

/// Renders refusals in a way of your own; the default is [`ProblemJson`].
///
/// Status, challenge and `Retry-After` come from [`Refusal`], so a renderer changes how a refusal looks and
/// never what it means.
pub trait RenderRefusal: fmt::Debug + Send + Sync + 'static {
    /// Gives the media type and the text of the body.
    fn render(&self, refusal: &Refusal<'_>) -> (HeaderValue, Bytes);
}

/// A refusal on its way to the caller.
///
/// It holds what may be told. The reason is for logs; a renderer that writes it into the body tells callers
/// more than they need (requirement D3).
#[derive(Debug)]
pub struct Refusal<'a> {
    status: StatusCode,
    error: &'a AuthError,
}

impl Refusal<'_> {
    /// Gives the HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Gives the kind of error.
    pub fn kind(&self) -> AuthErrorKind {
        self.error.kind()
    }
}

/// The default rendering: an RFC 9457 problem of the same shape for every refusal.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProblemJson;

impl RenderRefusal for ProblemJson {
    fn render(&self, refusal: &Refusal<'_>) -> (HeaderValue, Bytes) {
        let text = match refusal.kind() {
            AuthErrorKind::CredentialMissing => {
                concat!(r#"{"type":"about:blank","title":"Unauthorized","status":401}"#, "\n")
            }
            AuthErrorKind::InvalidRequest => {
                concat!(
                    r#"{"type":"about:blank","title":"Bad Request","status":400,"error":"invalid_request"}"#,
                    "\n"
                )
            }
            AuthErrorKind::InvalidToken => {
                concat!(
                    r#"{"type":"about:blank","title":"Unauthorized","status":401,"error":"invalid_token"}"#,
                    "\n"
                )
            }
            AuthErrorKind::InsufficientScope => {
                concat!(
                    r#"{"type":"about:blank","title":"Forbidden","status":403,"error":"insufficient_scope"}"#,
                    "\n"
                )
            }
            AuthErrorKind::KeysUnavailable => {
                concat!(r#"{"type":"about:blank","title":"Service Unavailable","status":503}"#, "\n")
            }
            AuthErrorKind::Misconfigured => {
                concat!(r#"{"type":"about:blank","title":"Internal Server Error","status":500}"#, "\n")
            }
        };
        (HeaderValue::from_static("application/problem+json"), Bytes::from_static(text.as_bytes()))
    }
}

/// How refusals are told: realm, metadata URL and rendering. A layer holds one, and leaves it in the request
/// where it differs from the default, so that gates and extractors answer alike.
#[derive(Clone, Debug)]
pub struct RefusalStyle {
    challenges: Arc<Challenges>,
    renderer: Arc<dyn RenderRefusal>,
}

impl Default for RefusalStyle {
    fn default() -> Self {
        DEFAULT_STYLE.clone()
    }
}

impl RefusalStyle {
    /// Gives the style of a request: what the layer left there, or the default.
    pub fn of(extensions: &http::Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Borrows the default style.
    pub(crate) fn default_ref() -> &'static Self {
        &DEFAULT_STYLE
    }

    pub(crate) fn with_realm(mut self, realm: &str) -> Self {
        self.challenges = Arc::new(Challenges::new(realm, self.challenges.resource_metadata.as_deref()));
        self
    }

    pub(crate) fn with_resource_metadata(mut self, url: &str) -> Self {
        self.challenges = Arc::new(Challenges::new(&self.challenges.realm, Some(url)));
        self
    }

    pub(crate) fn with_renderer(mut self, renderer: impl RenderRefusal) -> Self {
        self.renderer = Arc::new(renderer);
        self
    }

    /// Writes the answer to a refused request and reports the refusal; the error itself goes into the
    /// response's extensions.
    ///
    /// A gRPC request gets a gRPC status.
    pub fn respond(&self, error: AuthError, protocol: Protocol) -> Response<Bytes> {
        self.respond_with(error, protocol, Extensions::new())
    }

    /// As [`respond`](RefusalStyle::respond), to a request that goes no further: what its extensions held is
    /// dropped, and their memory carries the error.
    pub(crate) fn respond_to<B>(&self, error: AuthError, request: &mut Request<B>) -> Response<Bytes> {
        let protocol = Protocol::of(request);
        let mut extensions = mem::take(request.extensions_mut());
        extensions.clear();
        self.respond_with(error, protocol, extensions)
    }

    fn respond_with(
        &self,
        error: AuthError,
        protocol: Protocol,
        mut extensions: Extensions,
    ) -> Response<Bytes> {
        event::refused(&error);
        let mut response = match protocol {
            Protocol::Http => self.http_response(&error),
            Protocol::Grpc => grpc_response(&error),
        };
        extensions.insert(error);
        *response.extensions_mut() = extensions;
        response
    }

    fn http_response(&self, error: &AuthError) -> Response<Bytes> {
        let kind = error.kind();
        let status = status(kind);
        let (content_type, body) = self.renderer.render(&Refusal { status, error });
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenges.of(kind) {
            headers.insert(WWW_AUTHENTICATE, challenge.clone());
        }
        if let AuthReason::KeysUnavailable { retry_after } = error.reason() {
            headers.insert(RETRY_AFTER, retry_after_seconds(*retry_after));
        }
        response
    }
}

/// The statuses of the answer table (requirement D1).
fn status(kind: AuthErrorKind) -> StatusCode {
    match kind {
        AuthErrorKind::CredentialMissing | AuthErrorKind::InvalidToken => StatusCode::UNAUTHORIZED,
        AuthErrorKind::InvalidRequest => StatusCode::BAD_REQUEST,
        AuthErrorKind::InsufficientScope => StatusCode::FORBIDDEN,
        AuthErrorKind::KeysUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        AuthErrorKind::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The challenges of RFC 6750 §3, written once.
#[derive(Debug)]
struct Challenges {
    realm: Box<str>,
    resource_metadata: Option<Box<str>>,
    missing: HeaderValue,
    invalid_request: HeaderValue,
    invalid_token: HeaderValue,
    insufficient_scope: HeaderValue,
}

impl Challenges {
    fn new(realm: &str, resource_metadata: Option<&str>) -> Self {
        let realm = quotable(realm);
        let resource_metadata = resource_metadata.map(quotable);
        let write = |error: Option<&str>| {
            let error = error.map(|error| format!(", error=\"{error}\"")).unwrap_or_default();
            // RFC 9728 §5.1.
            let metadata = resource_metadata
                .as_ref()
                .map(|url| format!(", resource_metadata=\"{url}\""))
                .unwrap_or_default();
            HeaderValue::try_from(format!("Bearer realm=\"{realm}\"{error}{metadata}"))
                .unwrap_or(HeaderValue::from_static("Bearer"))
        };
        Self {
            missing: write(None),
            invalid_request: write(Some("invalid_request")),
            invalid_token: write(Some("invalid_token")),
            insufficient_scope: write(Some("insufficient_scope")),
            realm: realm.into(),
            resource_metadata: resource_metadata.map(Box::from),
        }
    }

    fn of(&self, kind: AuthErrorKind) -> Option<&HeaderValue> {
        match kind {
            AuthErrorKind::CredentialMissing => Some(&self.missing),
            AuthErrorKind::InvalidRequest => Some(&self.invalid_request),
            AuthErrorKind::InvalidToken => Some(&self.invalid_token),
            AuthErrorKind::InsufficientScope => Some(&self.insufficient_scope),
            // Trying another credential would not help.
            AuthErrorKind::KeysUnavailable | AuthErrorKind::Misconfigured => None,
        }
    }
}

/// Drops what a quoted-string of RFC 9110 §5.6.4 would have to escape.
fn quotable(text: &str) -> String {
    text.chars()
        .filter(|character| matches!(character, ' '..='~') && !matches!(character, '"' | '\\'))
        .collect()
}

/// Rounds up: a caller that comes back a fraction early is refused again.
fn retry_after_seconds(retry_after: Duration) -> HeaderValue {
    let seconds = retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0));
    HeaderValue::from(seconds.max(1))
}

/// In which protocol a refusal is told. Complete by nature: HTTP, or gRPC on top of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A status, a challenge and a body.
    Http,
    /// HTTP 200 with a `grpc-status`.
    Grpc,
}

impl Protocol {
    /// Tells the protocol of a request.
    ///
    /// # Security
    ///
    /// A gRPC refusal is HTTP 200, which a gateway could take for a yes. So everything that the gRPC protocol
    /// demands is demanded here too: HTTP/2, `POST` and the media type. A service that answers a gateway's
    /// authorization subrequests should be reachable over HTTP/1.1 alone.
    pub fn of<B>(request: &Request<B>) -> Self {
        Self::told_by(request.method(), request.version(), request.headers())
    }

    /// As [`of`](Protocol::of), for a request that was taken apart.
    pub fn of_parts(parts: &Parts) -> Self {
        Self::told_by(&parts.method, parts.version, &parts.headers)
    }

    fn told_by(method: &Method, version: Version, headers: &HeaderMap) -> Self {
        let is_grpc = method == Method::POST && version == Version::HTTP_2 && has_grpc_media_type(headers);
        if is_grpc { Self::Grpc } else { Self::Http }
    }
}

fn has_grpc_media_type(headers: &HeaderMap) -> bool {
    let Some(media_type) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    // `application/grpc`, `application/grpc+proto`; grpc-web carries its status in the body instead.
    matches!(media_type.strip_prefix("application/grpc"), Some(rest) if rest.is_empty() || rest.starts_with(['+', ';']))
}

/// Reports a refusal and gives the gRPC status code and message that the caller is told, for a tonic
/// service's own checks: `Status::new(code.into(), message)`.
pub fn grpc_status(error: &AuthError) -> (i32, &'static str) {
    event::refused(error);
    grpc_row(error.kind())
}

/// The gRPC column of the answer table.
fn grpc_row(kind: AuthErrorKind) -> (i32, &'static str) {
    match kind {
        AuthErrorKind::CredentialMissing => (16, "credential missing"),
        AuthErrorKind::InvalidRequest | AuthErrorKind::InvalidToken => (16, "invalid credential"),
        AuthErrorKind::InsufficientScope => (7, "permission denied"),
        AuthErrorKind::KeysUnavailable => (14, "try again later"),
        AuthErrorKind::Misconfigured => (13, "internal error"),
    }
}

/// A gRPC response without messages: HTTP 200, the status in the headers ("Trailers-Only").
fn grpc_response(error: &AuthError) -> Response<Bytes> {
    let (code, message) = grpc_row(error.kind());
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("grpc-status", HeaderValue::from(code));
    headers.insert("grpc-message", HeaderValue::from_static(message));
    response
}

static DEFAULT_STYLE: LazyLock<RefusalStyle> = LazyLock::new(|| RefusalStyle {
    // Static values are copied without counting who holds them.
    challenges: Arc::new(Challenges {
        realm: "api".into(),
        resource_metadata: None,
        missing: HeaderValue::from_static(r#"Bearer realm="api""#),
        invalid_request: HeaderValue::from_static(r#"Bearer realm="api", error="invalid_request""#),
        invalid_token: HeaderValue::from_static(r#"Bearer realm="api", error="invalid_token""#),
        insufficient_scope: HeaderValue::from_static(r#"Bearer realm="api", error="insufficient_scope""#),
    }),
    renderer: Arc::new(ProblemJson),
});

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(reason: AuthReason) -> Response<Bytes> {
        RefusalStyle::default().respond(reason.into(), Protocol::Http)
    }

    /// covers: D1 D3
    #[test]
    fn every_kind_has_its_status_and_challenge() {
        for (reason, status, challenge) in [
            (AuthReason::CredentialMissing, 401, Some(r#"Bearer realm="api""#)),
            (
                AuthReason::AuthorizationRepeated { count: 2 },
                400,
                Some(r#"Bearer realm="api", error="invalid_request""#),
            ),
            (AuthReason::SignatureInvalid, 401, Some(r#"Bearer realm="api", error="invalid_token""#)),
            (AuthReason::OrganizationAbsent, 403, Some(r#"Bearer realm="api", error="insufficient_scope""#)),
            (AuthReason::KeysUnavailable { retry_after: Duration::from_millis(1500) }, 503, None),
            (AuthReason::LayerMissing, 500, None),
        ] {
            let code = reason.code();
            let response = answer(reason);
            let found = response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), found), (status, challenge), "{code}");
            assert!(!String::from_utf8_lossy(response.body()).contains(code), "{code}");
            assert_eq!(response.extensions().get::<AuthError>().map(AuthError::code), Some(code));
        }
    }

    /// covers: D1
    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (30_000, "30")] {
            let response = answer(AuthReason::KeysUnavailable { retry_after: Duration::from_millis(millis) });
            assert_eq!(response.headers()[RETRY_AFTER], seconds, "{millis} ms");
        }
    }

    /// covers: D1
    #[test]
    fn realm_and_metadata_cannot_break_out_of_their_quotes() {
        let style = RefusalStyle::default()
            .with_realm("a\", error=\"none\r\nx")
            .with_resource_metadata("https://a/\"b");
        let response = style.respond(AuthReason::SignatureInvalid.into(), Protocol::Http);
        assert_eq!(
            response.headers()[WWW_AUTHENTICATE],
            r#"Bearer realm="a, error=nonex", error="invalid_token", resource_metadata="https://a/b""#
        );
    }

    #[test]
    fn only_a_real_grpc_request_is_answered_with_a_grpc_status() {
        for (method, version, media_type, is_grpc) in [
            (Method::POST, Version::HTTP_2, "application/grpc", true),
            (Method::POST, Version::HTTP_2, "application/grpc+proto", true),
            (Method::POST, Version::HTTP_2, "application/grpc-web", false),
            (Method::POST, Version::HTTP_2, "application/grpcx", false),
            (Method::POST, Version::HTTP_2, "application/json", false),
            // A stranger's header must not turn a refusal into a 200.
            (Method::GET, Version::HTTP_11, "application/grpc", false),
            (Method::POST, Version::HTTP_11, "application/grpc", false),
            (Method::GET, Version::HTTP_2, "application/grpc", false),
        ] {
            let request =
                Request::builder().method(&method).version(version).header(CONTENT_TYPE, media_type);
            let protocol = Protocol::of(&request.body(()).unwrap());
            let response = RefusalStyle::default().respond(AuthReason::CredentialMissing.into(), protocol);
            let status = response.headers().get("grpc-status").map(|value| value.to_str().unwrap());
            let name = format!("{method} {version:?} {media_type}");
            assert_eq!(status, is_grpc.then_some("16"), "{name}");
            assert_eq!(response.status().as_u16(), if is_grpc { 200 } else { 401 }, "{name}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store", "{name}");
        }
    }
}
