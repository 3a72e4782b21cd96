//! One exchange with the JWKS endpoint: what is sent, and which answers count.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{ACCEPT, CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};

use super::health::JwksErrorKind;
use crate::{FetchError, FetchErrorKind, HttpFetch, UntrustedText, http_client};

/// Where a key set comes from, and how much time and memory an answer may take.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) client: Arc<dyn HttpFetch>,
    pub(super) url: Uri,
    pub(super) deadline: Duration,
    pub(super) body_limit_bytes: usize,
}

impl Source {
    /// Asks once; `etag` belongs to the held set.
    pub(super) async fn fetch(&self, etag: Option<HeaderValue>) -> Result<Fetched, Failure> {
        let is_conditional = etag.is_some();
        let exchange = self.client.fetch(self.request(etag), self.body_limit_bytes);
        let answer = http_client::within(self.deadline, exchange).await?;
        let max_age = max_age(answer.headers());
        match answer.status() {
            StatusCode::OK if answer.body().len() > self.body_limit_bytes => {
                Err(FetchError::new(FetchErrorKind::TooLarge).into())
            }
            StatusCode::OK => {
                let etag = answer.headers().get(ETAG).filter(|etag| etag.len() <= ETAG_BYTES_MAX).cloned();
                Ok(Fetched::Document { body: answer.into_body(), etag, max_age })
            }
            StatusCode::NOT_MODIFIED if is_conditional => Ok(Fetched::NotModified { max_age }),
            StatusCode::NOT_MODIFIED => Err(Failure::new(JwksErrorKind::NotModifiedWithoutSet)),
            // Also redirects: whoever answers for a path must not choose where keys come from.
            status => Err(Failure { status: Some(status), ..Failure::new(JwksErrorKind::Status) }),
        }
    }

    /// Writes the request; Kinde may answer 403 if it holds `Authorization`.
    fn request(&self, etag: Option<HeaderValue>) -> http::Request<Bytes> {
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = self.url.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(MEDIA_TYPES));
        if let Some(etag) = etag {
            request.headers_mut().insert(IF_NONE_MATCH, etag);
        }
        request
    }
}

/// An answer that counts.
#[derive(Debug)]
pub(super) enum Fetched {
    Document { body: Bytes, etag: Option<HeaderValue>, max_age: Option<Duration> },
    NotModified { max_age: Option<Duration> },
}

/// Why a fetch failed, for health and logs.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: JwksErrorKind,
    pub(super) status: Option<StatusCode>,
    /// What the client says, or why keys were left out.
    pub(super) cause: Option<UntrustedText>,
}

impl Failure {
    pub(super) fn new(kind: JwksErrorKind) -> Self {
        Self { kind, status: None, cause: None }
    }

    pub(super) fn with_cause(self, cause: &str) -> Self {
        Self { cause: Some(UntrustedText::new(cause)), ..self }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let failure = Self::new(error.kind().into());
        match error.source() {
            Some(source) => failure.with_cause(&Causes(source).to_string()),
            None => failure,
        }
    }
}

/// Writes an error and its causes on one line; the innermost one tells DNS from TLS.
struct Causes<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(formatter, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

/// Reads `max-age` (RFC 9111 §5.2.2.1); the first one counts, an unreadable one is absent.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut directives = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|directive| directive.split_once('='));
    let (_, argument) = directives.find(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"))?;
    // RFC 9111 §5.2: a recipient accepts the token and the quoted form
    let digits = argument.trim().trim_matches('"');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // RFC 9111 §1.2.2: a number too large is the largest one
    Some(Duration::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

const MEDIA_TYPES: &str = "application/jwk-set+json, application/json";
/// A longer entity tag is not kept: the next fetch is then unconditional.
const ETAG_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: B15
    #[test]
    fn max_age_is_read_from_every_legal_spelling_and_from_no_other() {
        for (name, lines, seconds) in [
            ("absent", vec![], None),
            ("plain", vec!["max-age=300"], Some(300)),
            ("among others", vec!["public, Max-Age=300, must-revalidate"], Some(300)),
            ("quoted", vec!["max-age=\"300\""], Some(300)),
            ("second line", vec!["public", "max-age=300"], Some(300)),
            ("first of two", vec!["max-age=300, max-age=5"], Some(300)),
            ("other directive", vec!["s-maxage=300"], None),
            ("negative", vec!["max-age=-1"], None),
            ("fraction", vec!["max-age=1.5"], None),
            ("empty", vec!["max-age="], None),
            ("too large", vec!["max-age=99999999999999999999999"], Some(u64::MAX)),
        ] {
            let headers =
                lines.into_iter().map(|line| (CACHE_CONTROL, HeaderValue::from_static(line))).collect();
            assert_eq!(max_age(&headers), seconds.map(Duration::from_secs), "{name}");
        }
    }
}
