//! The endpoints of one issuer, and the rule for every URL that is not derived from it.

use std::{fmt, sync::Arc};

use http::Uri;

use crate::{Issuer, IssuerProblem, issuer::is_same_origin};

/// The OAuth endpoints of one issuer.
///
/// Kinde's paths are the same in every environment, so they are derived from the issuer without asking
/// the provider; [`discover`](Endpoints::discover) reads them from the discovery document instead.
///
/// ```
/// use kinde_core::{Endpoints, Issuer};
///
/// let endpoints = Endpoints::new(&Issuer::new("https://acme.kinde.com")?);
/// assert_eq!(endpoints.token_endpoint(), "https://acme.kinde.com/oauth2/token");
/// # Ok::<(), kinde_core::InvalidIssuer>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoints {
    issuer: Issuer,
    urls: Arc<Urls>,
}

impl Endpoints {
    /// Derives the endpoints of Kinde from the issuer.
    pub fn new(issuer: &Issuer) -> Self {
        let at = |path: &str| format!("{}{path}", issuer.as_str());
        let urls = Urls {
            authorization: at("/oauth2/auth"),
            token: at("/oauth2/token"),
            userinfo: at("/oauth2/v2/user_profile"),
            revocation: at("/oauth2/revoke"),
            introspection: at("/oauth2/introspect"),
            end_session: at("/logout"),
            jwks: at("/.well-known/jwks"),
        };
        Self { issuer: issuer.clone(), urls: Arc::new(urls) }
    }

    /// Gives the issuer to which the endpoints belong.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Gives the URL for authorization requests.
    pub fn authorization_endpoint(&self) -> &str {
        &self.urls.authorization
    }

    /// Gives the URL that exchanges codes and refresh tokens.
    pub fn token_endpoint(&self) -> &str {
        &self.urls.token
    }

    /// Gives the URL of the user's profile (`/oauth2/v2/user_profile`).
    pub fn userinfo_endpoint(&self) -> &str {
        &self.urls.userinfo
    }

    /// Gives the URL that revokes refresh tokens (RFC 7009).
    pub fn revocation_endpoint(&self) -> &str {
        &self.urls.revocation
    }

    /// Gives the URL that tells whether a token is active (RFC 7662).
    pub fn introspection_endpoint(&self) -> &str {
        &self.urls.introspection
    }

    /// Gives the URL that ends the session at the provider (`/logout`).
    pub fn end_session_endpoint(&self) -> &str {
        &self.urls.end_session
    }

    /// Gives the URL of the JWKS.
    pub fn jwks_uri(&self) -> &str {
        &self.urls.jwks
    }

    pub(crate) fn from_urls(issuer: &Issuer, urls: Urls) -> Self {
        Self { issuer: issuer.clone(), urls: Arc::new(urls) }
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Endpoints").field("issuer", &self.issuer).field("urls", &self.urls).finish()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Urls {
    pub(crate) authorization: String,
    pub(crate) token: String,
    pub(crate) userinfo: String,
    pub(crate) revocation: String,
    pub(crate) introspection: String,
    pub(crate) end_session: String,
    pub(crate) jwks: String,
}

/// Which origins a URL of an issuer may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origins {
    /// The issuer's own.
    Same,
    /// Any, by the operator's choice; the scheme stays bound.
    Any,
}

/// Judges a URL that was configured for, or discovered from, `issuer`.
pub(crate) fn endpoint_url(url: &str, issuer: &Issuer, origins: Origins) -> Result<Uri, UrlProblem> {
    // What browsers and URL libraries normalise is refused: `\` reads as `/`, white space vanishes.
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
    let uri = url.parse::<Uri>().map_err(|_| UrlProblem::Malformed)?;
    if !is_plain {
        return Err(UrlProblem::Malformed);
    }
    if is_same_origin(url, issuer.as_str()) {
        return Ok(uri);
    }
    let origin = origin_of(url).ok_or(UrlProblem::Malformed)?;
    match Issuer::new(origin).map_err(|invalid| invalid.problem()) {
        Ok(_) if origins == Origins::Same => Err(UrlProblem::OtherOrigin),
        Err(IssuerProblem::PlainHttp) => Err(UrlProblem::PlainHttp),
        Err(_) => Err(UrlProblem::Malformed),
        // Plain http to this machine is for development, where the issuer is on this machine too.
        Ok(_) if origin.starts_with("http://") && !issuer.is_loopback() => Err(UrlProblem::PlainHttp),
        Ok(_) => Ok(uri),
    }
}

/// Cuts scheme and authority off a URL.
fn origin_of(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    url.get(..scheme.len().checked_add(3)?.checked_add(authority.len())?)
}

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlProblem {
    Malformed,
    PlainHttp,
    OtherOrigin,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> Issuer {
        Issuer::new("https://acme.kinde.com").unwrap()
    }

    /// covers: B10
    #[test]
    fn endpoints_stand_at_kindes_paths_under_the_issuer() {
        let endpoints = Endpoints::new(&issuer());
        for (url, path) in [
            (endpoints.authorization_endpoint(), "/oauth2/auth"),
            (endpoints.token_endpoint(), "/oauth2/token"),
            (endpoints.userinfo_endpoint(), "/oauth2/v2/user_profile"),
            (endpoints.revocation_endpoint(), "/oauth2/revoke"),
            (endpoints.introspection_endpoint(), "/oauth2/introspect"),
            (endpoints.end_session_endpoint(), "/logout"),
            (endpoints.jwks_uri(), "/.well-known/jwks"),
        ] {
            assert_eq!(url, format!("https://acme.kinde.com{path}"));
            assert!(endpoint_url(url, &issuer(), Origins::Same).is_ok());
        }
    }

    /// covers: B8 B10
    #[test]
    fn url_of_another_origin_needs_the_named_option_and_https_always() {
        use UrlProblem::{Malformed, OtherOrigin, PlainHttp};
        for (url, same, any) in [
            ("https://acme.kinde.com/.well-known/jwks.json?v=1", None, None),
            ("https://acme.kinde.com", Some(OtherOrigin), None),
            ("https://keys.example/jwks", Some(OtherOrigin), None),
            ("https://acme.kinde.com.evil.example/jwks", Some(OtherOrigin), None),
            ("https://acme.kinde.com:444/jwks", Some(OtherOrigin), None),
            ("https://acme.kinde.com@evil.example/jwks", Some(Malformed), Some(Malformed)),
            ("https://evil.example?/acme.kinde.com/", Some(Malformed), Some(Malformed)),
            ("https://acme.kinde.com\\@evil.example/", Some(Malformed), Some(Malformed)),
            ("https://acme.kinde.com/jwks#x", Some(Malformed), Some(Malformed)),
            ("https://acme.kinde.com/jw ks", Some(Malformed), Some(Malformed)),
            ("http://acme.kinde.com/jwks", Some(PlainHttp), Some(PlainHttp)),
            ("http://127.0.0.1:4100/jwks", Some(OtherOrigin), Some(PlainHttp)),
            ("file:///etc/passwd", Some(Malformed), Some(Malformed)),
            ("/.well-known/jwks", Some(Malformed), Some(Malformed)),
            ("", Some(Malformed), Some(Malformed)),
        ] {
            assert_eq!(endpoint_url(url, &issuer(), Origins::Same).err(), same, "same: {url}");
            assert_eq!(endpoint_url(url, &issuer(), Origins::Any).err(), any, "any: {url}");
        }
    }

    /// covers: B8
    #[test]
    fn plain_http_is_accepted_between_loopback_hosts() {
        let issuer = Issuer::new("http://localhost:4100").unwrap();
        assert!(endpoint_url("http://127.0.0.1:4200/jwks", &issuer, Origins::Any).is_ok());
        assert!(endpoint_url("http://127.0.0.1:4200/jwks", &issuer, Origins::Same).is_err());
        assert!(endpoint_url("http://keys.example/jwks", &issuer, Origins::Any).is_err());
    }
}
