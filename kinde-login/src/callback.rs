//! Whether an authorization response is ours, and what it says. No network, no clock.

use kinde_core::{Issuer, Secret, UntrustedText};

use crate::error::{LoginError, LoginReason};

/// An authorization response, well formed but not yet known to belong to this browser.
pub(crate) struct AuthorizationResponse {
    /// Names the flow. Kinde leaves it out of some errors.
    pub(crate) untrusted_state: Option<String>,
    pub(crate) says: Says,
}

/// What the response says.
pub(crate) enum Says {
    Code(Secret),
    Error { error: String, description: Option<String>, reauth_state: Option<String> },
}

impl AuthorizationResponse {
    /// Reads the parameters of the redirect URI.
    pub(crate) fn read(query: &str, issuer: &Issuer) -> Result<Self, LoginError> {
        if query.len() > LONGEST_QUERY {
            return Err(malformed("the query is too long"));
        }
        let mut code = None;
        let mut state = None;
        let mut response_issuer = None;
        let mut error = None;
        let mut description = None;
        let mut reauth_state = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match name.as_ref() {
                "code" => &mut code,
                "state" => &mut state,
                "iss" => &mut response_issuer,
                "error" => &mut error,
                "error_description" => &mut description,
                "reauth_state" => &mut reauth_state,
                _ => continue,
            };
            // RFC 6749 §3.1: parameters must not be there more than once.
            if place.replace(value.into_owned()).is_some() {
                return Err(malformed("a parameter is there twice"));
            }
        }
        // RFC 9207 §2.4: compared when it is there; Kinde's metadata does not promise it.
        if let Some(found) = response_issuer.filter(|found| found != issuer.as_str()) {
            return Err(LoginReason::IssuerMismatch { found: UntrustedText::new(&found) }.into());
        }
        let says = match (code.filter(|code| !code.is_empty()), error) {
            (Some(_), Some(_)) => return Err(malformed("it holds a code and an error")),
            (Some(code), None) => Says::Code(Secret::new(code)),
            (None, Some(error)) => Says::Error { error, description, reauth_state },
            (None, None) => return Err(malformed("it holds neither a code nor an error")),
        };
        Ok(Self { untrusted_state: state.filter(|state| !state.is_empty()), says })
    }
}

fn malformed(problem: &'static str) -> LoginError {
    LoginReason::ResponseMalformed { problem }.into()
}

/// Enough for any state that Kinde hands back.
const LONGEST_QUERY: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<String, &'static str> {
        let issuer = Issuer::new("https://a.kinde.com").unwrap();
        let response = AuthorizationResponse::read(query, &issuer).map_err(|error| error.code())?;
        let state = response.untrusted_state.unwrap_or_default();
        Ok(match response.says {
            Says::Code(code) => format!("code {} {state}", code.expose()),
            Says::Error { error, .. } => format!("error {error} {state}"),
        })
    }

    /// covers: F3 F8
    #[test]
    fn response_is_a_code_or_an_error_each_once() {
        for (query, expected) in [
            ("code=a&scope=openid+offline&state=s", Ok("code a s")),
            ("state=s&code=a", Ok("code a s")),
            ("code=a", Ok("code a ")),
            ("error=access_denied&error_description=No&state=s", Ok("error access_denied s")),
            ("error=login_link_expired&reauth_state=e30%3D", Ok("error login_link_expired ")),
            ("code=a&state=s&iss=https://a.kinde.com", Ok("code a s")),
            ("code=a&state=s&iss=https://b.kinde.com", Err("response_issuer_mismatch")),
            ("code=a&state=s&iss=https://a.kinde.com/", Err("response_issuer_mismatch")),
            ("code=a&state=s&state=t", Err("response_malformed")),
            ("code=a&code=a&state=s", Err("response_malformed")),
            ("code=a&error=b&state=s", Err("response_malformed")),
            ("code=&state=s", Err("response_malformed")),
            ("state=s", Err("response_malformed")),
            ("", Err("response_malformed")),
        ] {
            assert_eq!(read(query).as_deref(), expected.as_deref(), "{query}");
        }
        assert_eq!(read(&format!("code=a&x={}", "a".repeat(9_000))), Err("response_malformed"));
    }
}
