//! Reads the endpoints from the issuer's discovery document instead of deriving them.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, Uri, header::ACCEPT};
use serde::Deserialize;

use crate::{
    Endpoints, FetchError, FetchErrorKind, HttpFetch, Issuer, UntrustedText,
    endpoints::{Origins, Urls, endpoint_url},
    http_client,
};

impl Endpoints {
    /// Fetches `/.well-known/openid-configuration` and takes the endpoints from it.
    ///
    /// Kinde's endpoints are known without it; use this for a provider that moves them. An endpoint that
    /// the document does not name stays at Kinde's path. The exchange has the bounds of a key set's: 5 s,
    /// 256 KiB, status 200, no redirects.
    ///
    /// # Errors
    ///
    /// [`DiscoveryErrorKind`] lists them. The document's `issuer` must equal the configured one byte for
    /// byte, and every URL must share its origin (RFC 8414 §3.3 and the mix-up attacks behind it).
    pub async fn discover(issuer: &Issuer, client: &dyn HttpFetch) -> Result<Self, DiscoveryError> {
        discover(issuer, client, Origins::Same).await
    }

    /// Does what [`discover`](Endpoints::discover) does, and accepts endpoints on other origins.
    ///
    /// # Security
    ///
    /// Whoever can change the document then decides where keys come from and where the client secret is
    /// sent. Only TLS and the provider protect it.
    ///
    /// # Errors
    ///
    /// As for [`discover`](Endpoints::discover), but for the origin; the scheme must still be `https`.
    pub async fn discover_on_any_origin(
        issuer: &Issuer,
        client: &dyn HttpFetch,
    ) -> Result<Self, DiscoveryError> {
        discover(issuer, client, Origins::Any).await
    }
}

/// Why a discovery document was not fetched or not believed.
#[derive(Debug, thiserror::Error)]
#[error("discovery document of {issuer}: {kind}{}", .found.as_ref().map(|found| format!(", found {found:?}")).unwrap_or_default())]
pub struct DiscoveryError {
    issuer: Issuer,
    kind: DiscoveryErrorKind,
    found: Option<UntrustedText>,
    source: Option<FetchError>,
}

impl DiscoveryError {
    /// Tells what went wrong.
    pub fn kind(&self) -> DiscoveryErrorKind {
        self.kind
    }

    /// Gives the value that was refused, escaped and cut.
    pub fn found(&self) -> Option<&UntrustedText> {
        self.found.as_ref()
    }
}

/// What went wrong with a discovery document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryErrorKind {
    /// The exchange brought no answer; the source tells why.
    #[error("no answer")]
    Exchange,
    /// The status is not 200; redirects are not followed.
    #[error("the status is not 200")]
    Status,
    /// The body is not a JSON object, or a member has the wrong type.
    #[error("the body is not a discovery document")]
    Malformed,
    /// The document speaks for another issuer.
    #[error("its issuer is not the configured one")]
    IssuerMismatch,
    /// A URL is malformed or does not use `https`.
    #[error("an endpoint is not an https URL")]
    EndpointUrl,
    /// A URL has another origin than the issuer.
    #[error("an endpoint has another origin than the issuer")]
    EndpointOrigin,
}

async fn discover(
    issuer: &Issuer,
    client: &dyn HttpFetch,
    origins: Origins,
) -> Result<Endpoints, DiscoveryError> {
    let error = |kind| DiscoveryError { issuer: issuer.clone(), kind, found: None, source: None };
    let no_answer = |source| DiscoveryError { source: Some(source), ..error(DiscoveryErrorKind::Exchange) };
    let url = format!("{}/.well-known/openid-configuration", issuer.as_str());
    let url = url.parse::<Uri>().map_err(|_| error(DiscoveryErrorKind::EndpointUrl))?;
    let mut request = http::Request::new(Bytes::new());
    *request.uri_mut() = url;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    let exchange = client.fetch(request, BODY_LIMIT_BYTES);
    let answer = http_client::within(DEADLINE, exchange).await.map_err(no_answer)?;
    if answer.status() != StatusCode::OK {
        let found = Some(UntrustedText::new(answer.status().as_str()));
        return Err(DiscoveryError { found, ..error(DiscoveryErrorKind::Status) });
    }
    if answer.body().len() > BODY_LIMIT_BYTES {
        return Err(no_answer(FetchError::new(FetchErrorKind::TooLarge)));
    }
    believe(answer.body(), issuer, origins).map_err(|(kind, found)| DiscoveryError {
        found: found.map(|text| UntrustedText::new(&text)),
        ..error(kind)
    })
}

/// Judges a document without touching the network.
fn believe(
    body: &[u8],
    issuer: &Issuer,
    origins: Origins,
) -> Result<Endpoints, (DiscoveryErrorKind, Option<String>)> {
    // serde would also read the struct from an array.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err((DiscoveryErrorKind::Malformed, None));
    }
    let document: Document =
        serde_json::from_slice(body).map_err(|_| (DiscoveryErrorKind::Malformed, None))?;
    if document.issuer != issuer.as_str() {
        return Err((DiscoveryErrorKind::IssuerMismatch, Some(document.issuer)));
    }
    let derived = Endpoints::new(issuer);
    let checked = |found: Option<String>, derived: &str| {
        let Some(url) = found else { return Ok(derived.to_owned()) };
        match endpoint_url(&url, issuer, origins) {
            Ok(_) => Ok(url),
            Err(crate::endpoints::UrlProblem::OtherOrigin) => {
                Err((DiscoveryErrorKind::EndpointOrigin, Some(url)))
            }
            Err(_) => Err((DiscoveryErrorKind::EndpointUrl, Some(url))),
        }
    };
    let urls = Urls {
        authorization: checked(document.authorization_endpoint, derived.authorization_endpoint())?,
        token: checked(document.token_endpoint, derived.token_endpoint())?,
        userinfo: checked(document.userinfo_endpoint, derived.userinfo_endpoint())?,
        revocation: checked(document.revocation_endpoint, derived.revocation_endpoint())?,
        introspection: checked(document.introspection_endpoint, derived.introspection_endpoint())?,
        end_session: checked(document.end_session_endpoint, derived.end_session_endpoint())?,
        jwks: checked(document.jwks_uri, derived.jwks_uri())?,
    };
    Ok(Endpoints::from_urls(issuer, urls))
}

/// The members that are read (OpenID Connect Discovery §3); a duplicated one refuses the document.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    jwks_uri: Option<String>,
}

const DEADLINE: Duration = Duration::from_secs(5);
const BODY_LIMIT_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::FetchFuture;

    /// Answers every request alike and checks where it goes.
    #[derive(Debug)]
    struct Answers(u16, Vec<u8>);

    impl HttpFetch for Answers {
        fn fetch(&self, request: http::Request<Bytes>, _: usize) -> FetchFuture<'_> {
            assert_eq!(*request.uri(), *"https://acme.kinde.com/.well-known/openid-configuration");
            assert!(!request.headers().contains_key("authorization"));
            let mut answer = http::Response::new(Bytes::from(self.1.clone()));
            *answer.status_mut() = StatusCode::from_u16(self.0).unwrap();
            Box::pin(async { Ok(answer) })
        }
    }

    fn issuer() -> Issuer {
        Issuer::new("https://acme.kinde.com/").unwrap()
    }

    fn document() -> Value {
        json!({
            "issuer": "https://acme.kinde.com",
            "token_endpoint": "https://acme.kinde.com/oauth2/token",
            "jwks_uri": "https://acme.kinde.com/.well-known/jwks.json",
            "response_types_supported": ["code"],
        })
    }

    fn with(member: &str, value: Value) -> Vec<u8> {
        let mut document = document();
        document[member] = value;
        document.to_string().into_bytes()
    }

    async fn refusal(status: u16, body: Vec<u8>) -> Option<DiscoveryErrorKind> {
        Endpoints::discover(&issuer(), &Answers(status, body)).await.err().map(|error| error.kind())
    }

    /// covers: B10
    #[tokio::test]
    async fn discovered_endpoints_replace_the_derived_ones_and_absent_ones_stay() {
        let answers = Answers(200, document().to_string().into_bytes());
        let endpoints = Endpoints::discover(&issuer(), &answers).await.unwrap();
        assert_eq!(endpoints.jwks_uri(), "https://acme.kinde.com/.well-known/jwks.json");
        assert_eq!(endpoints.end_session_endpoint(), "https://acme.kinde.com/logout");
        assert_eq!(endpoints.issuer(), &issuer());
    }

    /// covers: B10 A9
    #[tokio::test]
    async fn document_of_another_issuer_or_origin_is_not_believed() {
        use DiscoveryErrorKind::{EndpointOrigin, EndpointUrl, IssuerMismatch, Malformed, Status};
        let twice = br#"{"issuer":"https://evil.example","issuer":"https://acme.kinde.com"}"#;
        for (name, status, body, kind) in [
            ("other issuer", 200, with("issuer", json!("https://evil.example")), IssuerMismatch),
            ("trailing slash", 200, with("issuer", json!("https://acme.kinde.com/")), IssuerMismatch),
            ("upper case", 200, with("issuer", json!("https://ACME.kinde.com")), IssuerMismatch),
            ("issuer list", 200, with("issuer", json!(["https://acme.kinde.com"])), Malformed),
            ("issuer twice", 200, twice.to_vec(), Malformed),
            ("other origin", 200, with("jwks_uri", json!("https://evil.example/jwks")), EndpointOrigin),
            ("other port", 200, with("token_endpoint", json!("https://acme.kinde.com:8/t")), EndpointOrigin),
            ("plain http", 200, with("jwks_uri", json!("http://acme.kinde.com/jwks")), EndpointUrl),
            ("relative", 200, with("jwks_uri", json!("/jwks")), EndpointUrl),
            ("number", 200, with("jwks_uri", json!(1)), Malformed),
            ("array", 200, b"[]".to_vec(), Malformed),
            ("html", 200, b"<html>".to_vec(), Malformed),
            ("redirect", 302, with("issuer", json!("https://acme.kinde.com")), Status),
            ("not found", 404, vec![], Status),
            ("too large", 200, vec![b' '; 256 * 1024 + 1], DiscoveryErrorKind::Exchange),
        ] {
            assert_eq!(refusal(status, body).await, Some(kind), "{name}");
        }
    }

    /// covers: B10
    #[tokio::test]
    async fn widening_the_origin_keeps_issuer_and_https_bound() {
        let discovered = async |body| Endpoints::discover_on_any_origin(&issuer(), &Answers(200, body)).await;
        let widened = discovered(with("jwks_uri", json!("https://keys.example/jwks"))).await.unwrap();
        assert_eq!(widened.jwks_uri(), "https://keys.example/jwks");
        assert!(discovered(with("jwks_uri", json!("http://keys.example/jwks"))).await.is_err());
        assert!(discovered(with("issuer", json!("https://keys.example"))).await.is_err());
    }

    /// covers: I4 I5
    #[tokio::test]
    async fn error_shows_what_was_refused_escaped() {
        let body = with("issuer", json!("https://evil.example\n"));
        let error = Endpoints::discover(&issuer(), &Answers(200, body)).await.unwrap_err();
        let text = "discovery document of https://acme.kinde.com: its issuer is not the configured one, \
                    found \"https://evil.example\\n\"";
        assert_eq!(error.to_string(), text);
    }
}
