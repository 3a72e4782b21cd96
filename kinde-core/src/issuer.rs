//! Who signs: the issuer identifier of one Kinde environment.

use std::{fmt, net::Ipv4Addr, str::FromStr, sync::Arc};

use crate::{UntrustedText, config_error::may_be_shown};

/// The issuer identifier of a Kinde environment, compared byte for byte with the `iss` claim.
///
/// It is a scheme and a host, for example `https://acme.kinde.com` or a custom domain such as
/// `https://account.acme.example`. One trailing slash of the configured value is dropped, because Kinde
/// writes `iss` without it; nothing else is normalised. `https` is required except for a loopback host,
/// where an emulator runs.
///
/// ```
/// use kinde_core::Issuer;
///
/// let issuer = Issuer::new("https://acme.kinde.com/")?;
/// assert_eq!(issuer.as_str(), "https://acme.kinde.com");
/// assert!(Issuer::new("http://acme.kinde.com").is_err());
/// # Ok::<(), kinde_core::InvalidIssuer>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Issuer {
    text: Arc<str>,
    is_loopback: bool,
}

impl Issuer {
    /// Reads an issuer identifier from configuration.
    ///
    /// # Errors
    ///
    /// [`InvalidIssuer`] tells which part is wrong and what to write instead: a scheme other than `https`
    /// (or `http` on loopback), a missing host, upper-case letters (they could never equal `iss`), a path,
    /// query, fragment, user information or white space.
    pub fn new(configured: &str) -> Result<Self, InvalidIssuer> {
        let text = configured.strip_suffix('/').unwrap_or(configured);
        let shown = if may_be_shown(configured) { configured } else { "" };
        let invalid = |problem| InvalidIssuer { found: UntrustedText::new(shown), problem };
        let (is_https, authority) = if let Some(rest) = text.strip_prefix("https://") {
            (true, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (false, rest)
        } else {
            return Err(invalid(IssuerProblem::Scheme));
        };
        if let Some(problem) = authority_problem(authority) {
            return Err(invalid(problem));
        }
        let is_loopback = is_loopback_host(host_of(authority));
        if !is_https && !is_loopback {
            return Err(invalid(IssuerProblem::PlainHttp));
        }
        Ok(Self { text: text.into(), is_loopback })
    }

    /// Gives the identifier as it stands in `iss`, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the host is this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

impl FromStr for Issuer {
    type Err = InvalidIssuer;

    fn from_str(configured: &str) -> Result<Self, InvalidIssuer> {
        Self::new(configured)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Issuer({})", self.text)
    }
}

/// Why a configured issuer identifier was refused, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuer {found:?}: {problem}")]
pub struct InvalidIssuer {
    found: UntrustedText,
    problem: IssuerProblem,
}

impl InvalidIssuer {
    /// Tells which part is wrong.
    pub fn problem(&self) -> IssuerProblem {
        self.problem
    }
}

/// The part of an issuer identifier that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerProblem {
    /// Neither `https://` nor `http://`.
    #[error("write the whole URL, for example https://acme.kinde.com")]
    Scheme,
    /// `http://` with a host that is not this machine.
    #[error("use https; plain http is accepted for a loopback host only")]
    PlainHttp,
    /// No host, or a port that is not a number.
    #[error("write a host after the scheme, for example https://acme.kinde.com")]
    Host,
    /// Upper-case letters in the host.
    #[error("write the host in lower case: it is compared byte for byte with the iss claim")]
    UpperCase,
    /// A path, query or fragment.
    #[error("write scheme and host only: a Kinde issuer has no path, query or fragment")]
    Path,
    /// User information before the host.
    #[error("remove the user information before the host")]
    UserInformation,
    /// White space, a control character or a character outside ASCII.
    #[error("remove white space and characters outside ASCII (write an international host in its xn-- form)")]
    Characters,
}

/// Tells whether `url` starts with `origin` and the origin ends there (RFC 6454 by string identity).
pub(crate) fn is_same_origin(url: &str, origin: &str) -> bool {
    url.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'))
}

/// Tells whether a host, as written in a URL, is this machine.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || Ipv4Addr::from_str(host).is_ok_and(|address| address.is_loopback())
}

fn authority_problem(authority: &str) -> Option<IssuerProblem> {
    if !authority.chars().all(|character| character.is_ascii_graphic()) {
        return Some(IssuerProblem::Characters);
    }
    if authority.contains(['/', '?', '#', '\\']) {
        return Some(IssuerProblem::Path);
    }
    if authority.contains('@') {
        return Some(IssuerProblem::UserInformation);
    }
    if authority.contains(|character: char| character.is_ascii_uppercase()) {
        return Some(IssuerProblem::UpperCase);
    }
    let host = host_of(authority);
    let port = authority.strip_prefix(host).unwrap_or_default();
    let port_is_good = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    let host_is_good = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    };
    (!port_is_good || !host_is_good).then_some(IssuerProblem::Host)
}

/// Cuts the port off an authority; an IPv6 host keeps its brackets.
fn host_of(authority: &str) -> &str {
    let end = match authority.find(']') {
        Some(bracket) => bracket.saturating_add(1),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    authority.get(..end).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: C2
    #[test]
    fn configured_issuer_is_kept_byte_for_byte_but_for_one_trailing_slash() {
        for (configured, identity) in [
            ("https://acme.kinde.com", "https://acme.kinde.com"),
            ("https://acme.kinde.com/", "https://acme.kinde.com"),
            ("https://acme-dev.au.kinde.com", "https://acme-dev.au.kinde.com"),
            ("https://account.acme.example:8443", "https://account.acme.example:8443"),
            ("http://localhost:3000/", "http://localhost:3000"),
            ("http://127.9.9.9:1", "http://127.9.9.9:1"),
            ("http://[::1]:4100", "http://[::1]:4100"),
        ] {
            let issuer = Issuer::new(configured).map(|issuer| issuer.to_string());
            assert_eq!(issuer.as_deref(), Ok(identity), "{configured}");
        }
    }

    /// covers: B8 C2
    #[test]
    fn unusable_issuers_are_refused_with_their_problem() {
        for (configured, problem) in [
            ("", IssuerProblem::Scheme),
            ("acme.kinde.com", IssuerProblem::Scheme),
            ("ftp://acme.kinde.com", IssuerProblem::Scheme),
            ("HTTPS://acme.kinde.com", IssuerProblem::Scheme),
            ("http://acme.kinde.com", IssuerProblem::PlainHttp),
            ("http://localhost.evil.example", IssuerProblem::PlainHttp),
            ("http://127.0.0.1.evil.example", IssuerProblem::PlainHttp),
            ("http://0.0.0.0:80", IssuerProblem::PlainHttp),
            ("https:///", IssuerProblem::Host),
            ("https://:443", IssuerProblem::Host),
            ("https://acme.kinde.com:http", IssuerProblem::Host),
            ("https://acme.kinde.com:70000", IssuerProblem::Host),
            ("https://[::1", IssuerProblem::Host),
            ("https://Acme.kinde.com", IssuerProblem::UpperCase),
            ("https://acme.kinde.com//", IssuerProblem::Path),
            ("https://acme.kinde.com/oauth2/auth", IssuerProblem::Path),
            ("https://acme.kinde.com?x=1", IssuerProblem::Path),
            ("http://localhost@evil.example", IssuerProblem::UserInformation),
            ("https://acme.kinde.com ", IssuerProblem::Characters),
            ("https://acmé.kinde.com", IssuerProblem::Characters),
        ] {
            let refused = Issuer::new(configured).map_err(|invalid| invalid.problem());
            assert_eq!(refused, Err(problem), "{configured}");
        }
    }

    /// covers: B10
    #[test]
    fn origin_ends_where_the_path_begins() {
        assert!(is_same_origin("https://a.example/jwks", "https://a.example"));
        for other in [
            "https://a.example.evil/jwks",
            "https://a.example:444/x",
            "https://a.example@evil/",
            "https://a.example",
        ] {
            assert!(!is_same_origin(other, "https://a.example"), "{other}");
        }
    }
}
