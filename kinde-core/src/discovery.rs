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
