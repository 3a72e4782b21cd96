//! The token endpoint: codes, refresh tokens and an application's own credentials become tokens; and revocation.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use kinde_core::{Secret, UntrustedText};
use serde::{Deserialize, Deserializer};

use super::{OAuthClient, answer};
use crate::error::{LoginError, LoginReason};

/// Tokens as the token endpoint answers them: unproven, whoever answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenAnswer {
    /// The access token.
    pub untrusted_access_token: Secret,
    /// The ID token, where `openid` was asked for. Kinde's documentation shows a refresh without one.
    pub untrusted_id_token: Option<Secret>,
    /// The refresh token that replaces the one before, where `offline` was asked for.
    pub refresh_token: Option<Secret>,
    /// How long the access token lives, as the answer says; its `exp` decides.
    pub expires_in: Option<Duration>,
}

impl OAuthClient {
    /// Writes the request that exchanges an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub fn code_request(&self, code: &Secret, redirect_uri: &str, code_verifier: &Secret) -> Request<Bytes> {
        self.form(
            self.endpoints().token_endpoint(),
            &[
                ("grant_type", "authorization_code"),
                ("code", code.expose()),
                ("redirect_uri", redirect_uri),
                ("code_verifier", code_verifier.expose()),
            ],
        )
    }

    /// Writes the request that exchanges a refresh token (RFC 6749 §6). Kinde replaces it with each use.
    pub fn refresh_request(&self, refresh_token: &Secret) -> Request<Bytes> {
        self.form(
            self.endpoints().token_endpoint(),
            &[("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())],
        )
    }

    /// Writes the request for a token of the application's own (RFC 6749 §4.4), for one or more audiences.
    pub fn machine_request(&self, audiences: &[&str], scopes: &[&str]) -> Request<Bytes> {
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(audiences.iter().map(|audience| ("audience", *audience)));
        let scope = scopes.join(" ");
        if !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        self.form(self.endpoints().token_endpoint(), &fields)
    }

    /// Reads the token endpoint's answer.
    ///
    /// # Errors
    ///
    /// [`GrantRefused`](LoginReason::GrantRefused) for an OAuth error, [`ClientRefused`](LoginReason::ClientRefused) for
    /// one that says the same until a setting is mended, [`Status`](LoginReason::Status) for a status
    /// that is none of the protocol's, [`AnswerMalformed`](LoginReason::AnswerMalformed) for anything else.
    pub fn token_answer(answer: &Response<Bytes>) -> Result<TokenAnswer, LoginError> {
        match answer.status().as_u16() {
            200 => {
                let Answer { access_token, id_token, refresh_token, expires_in, token_type } =
                    answer::parse(WHAT, answer.body())?;
                // RFC 6749 §7.1: a client must not use a type it does not know. Kinde writes it in two ways.
                if token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
                    return Err(
                        LoginReason::AnswerMalformed { what: WHAT, problem: "not a bearer token" }.into()
                    );
                }
                Ok(TokenAnswer {
                    untrusted_access_token: access_token.0,
                    untrusted_id_token: id_token.map(|token| token.0),
                    refresh_token: refresh_token.map(|token| token.0),
                    expires_in: expires_in.map(Duration::from_secs),
                })
            }
            status @ (400 | 401 | 403) => match serde_json::from_slice::<Refusal>(answer.body()) {
                Ok(Refusal { error }) => Err(refusal(&error).into()),
                // A gateway answers such a status too: that is no word of Kinde's about the grant.
                Err(_) => Err(LoginReason::Status { what: WHAT, status }.into()),
            },
            status => Err(LoginReason::Status { what: WHAT, status }.into()),
        }
    }

    /// Exchanges an authorization code. A code works once, so this is never tried again.
    ///
    /// # Errors
    ///
    /// As [`token_answer`](Self::token_answer), and [`Unreachable`](LoginReason::Unreachable).
    pub async fn exchange_code(
        &self,
        code: &Secret,
        redirect_uri: &str,
        code_verifier: &Secret,
    ) -> Result<TokenAnswer, LoginError> {
        Self::token_answer(&self.send(self.code_request(code, redirect_uri, code_verifier)).await?)
    }

    /// Exchanges a refresh token.
    ///
    /// # Errors
    ///
    /// As [`exchange_code`](Self::exchange_code).
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<TokenAnswer, LoginError> {
        Self::token_answer(&self.send(self.refresh_request(refresh_token)).await?)
    }

    /// Asks for a token of the application's own.
    ///
    /// # Errors
    ///
    /// As [`exchange_code`](Self::exchange_code).
    pub async fn machine_token(
        &self,
        audiences: &[&str],
        scopes: &[&str],
    ) -> Result<TokenAnswer, LoginError> {
        Self::token_answer(&self.send(self.machine_request(audiences, scopes)).await?)
    }

    /// Writes the request that revokes a refresh token (RFC 7009 §2.1).
    pub fn revoke_request(&self, refresh_token: &Secret) -> Request<Bytes> {
        self.form(
            self.endpoints().revocation_endpoint(),
            &[("token", refresh_token.expose()), ("token_type_hint", "refresh_token")],
        )
    }

    /// Revokes a refresh token, and with it whatever could be had for it later.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](LoginReason::Unreachable), or [`Status`](LoginReason::Status) for anything but 200.
    pub async fn revoke(&self, refresh_token: &Secret) -> Result<(), LoginError> {
        let status = self.send(self.revoke_request(refresh_token)).await?.status().as_u16();
        if status == 200 {
            Ok(())
        } else {
            Err(LoginReason::Status { what: "revocation request", status }.into())
        }
    }
}

/// Tells what was refused: what was sent, or whoever sent it.
fn refusal(error: &str) -> LoginReason {
    let told = UntrustedText::new(error);
    match error {
        // RFC 6749 §5.2: none of them is about one person's code or token, and none passes by itself. A redirect URI
        // that is not registered is an `invalid_grant` there; other servers have a name for it.
        "invalid_client"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "invalid_scope"
        | "redirect_uri_mismatch" => LoginReason::ClientRefused { error: told },
        _ => LoginReason::GrantRefused { error: told },
    }
}

/// Tells what an error of the token endpoint means for a session.
pub(crate) fn ends_session(error: &LoginError) -> bool {
    // RFC 6749 §5.2: expired, revoked or rotated. Anything else is a fault of the network, of Kinde or of our
    // settings, which no person shall be signed out for.
    matches!(error.reason(), LoginReason::GrantRefused { error } if error.as_str() == "invalid_grant")
}

#[derive(Deserialize)]
struct Answer {
    access_token: Token,
    id_token: Option<Token>,
    refresh_token: Option<Token>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    token_type: Option<String>,
}

struct Token(Secret);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<str>::deserialize(deserializer)?;
        if text.is_empty() || text.len() > LONGEST_TOKEN || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(serde::de::Error::custom("not a token"));
        }
        Ok(Self(Secret::new(text)))
    }
}

/// The TypeScript SDK declares text, the endpoint answers a number: both are read, anything else is none.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()))
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

const WHAT: &str = "token request";
/// As kinde-core reads them.
const LONGEST_TOKEN: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn answer(status: u16, body: &str) -> Result<TokenAnswer, LoginError> {
        let mut answer = Response::new(Bytes::from(body.to_owned()));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        OAuthClient::token_answer(&answer)
    }

    /// covers: F11
    #[test]
    fn answer_is_read_in_every_spelling_of_kinde() {
        for (body, expires_in) in [
            (r#"{"access_token":"a","token_type":"Bearer","expires_in":86399}"#, Some(86_399)),
            (r#"{"access_token":"a","token_type":"bearer","expires_in":"60"}"#, Some(60)),
            (r#"{"access_token":"a"}"#, None),
            (r#"{"access_token":"a","expires_in":null}"#, None),
        ] {
            let read = answer(200, body).unwrap();
            assert_eq!(read.untrusted_access_token.expose(), "a", "{body}");
            assert_eq!(read.expires_in.map(|time| time.as_secs()), expires_in, "{body}");
        }
    }

    /// covers: F11 F16
    #[test]
    fn only_invalid_grant_ends_a_session() {
        let grant = |error: &str| answer(400, &format!(r#"{{"error":"{error}"}}"#)).unwrap_err();
        assert!(ends_session(&grant("invalid_grant")));
        for error in [
            grant("invalid_client"),
            grant("server_error"),
            answer(401, r#"{"error":"invalid_client"}"#).unwrap_err(),
            answer(400, "<html>").unwrap_err(),
            answer(429, r#"{"error":"invalid_grant"}"#).unwrap_err(),
            answer(503, r#"{"error":"invalid_grant"}"#).unwrap_err(),
            answer(302, "").unwrap_err(),
            answer(200, "<html>").unwrap_err(),
            answer(200, r#"{"access_token":""}"#).unwrap_err(),
            answer(200, r#"{"access_token":"a b"}"#).unwrap_err(),
            answer(200, r#"{"access_token":"a","token_type":"mac"}"#).unwrap_err(),
            answer(200, r#"{"access_token":1}"#).unwrap_err(),
        ] {
            assert!(!ends_session(&error), "{error}");
        }
    }

    #[test]
    fn refused_application_is_told_from_a_refused_grant() {
        for (status, error, code) in [
            (401, "invalid_client", "client_refused"),
            (400, "invalid_client", "client_refused"),
            (403, "unauthorized_client", "client_refused"),
            (400, "unsupported_grant_type", "client_refused"),
            (400, "invalid_scope", "client_refused"),
            (400, "redirect_uri_mismatch", "client_refused"),
            (400, "invalid_grant", "grant_refused"),
            (400, "invalid_request", "grant_refused"),
            (400, "Invalid_Client", "grant_refused"),
            (503, "invalid_client", "answer_status"),
        ] {
            let refused = answer(status, &format!(r#"{{"error":"{error}"}}"#)).unwrap_err();
            assert_eq!(refused.code(), code, "{status} {error}");
        }
    }

    /// covers: I4
    #[test]
    fn error_repeats_nothing_of_the_answer() {
        let error = answer(200, r#"{"access_token":["very-secret"]}"#).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("very-secret"));
    }
}
