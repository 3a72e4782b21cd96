//! The authorization endpoint and the way out: where the browser is sent, and what it comes back with.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kinde_core::{Secret, UntrustedText};

use super::OAuthClient;
use crate::{
    callback::{AuthorizationResponse, Says},
    error::{LoginError, LoginReason},
    random::{self, SystemRandomness},
};

/// A sign-in that begins: where the browser goes, and what has to be kept until it comes back.
///
/// Made by [`OAuthClient::authorization_request`]; each has a state, a nonce and a code verifier of its own, of 256
/// random bits each.
#[derive(Clone)]
pub struct AuthorizationRequest {
    url: String,
    state: Secret,
    nonce: Secret,
    code_verifier: Secret,
}

impl AuthorizationRequest {
    /// Gives the URL to send the browser to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives what [`OAuthClient::authorization_answer`] compares. It belongs to the one browser that was sent: whoever
    /// finishes a sign-in in another browser signs somebody else in.
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// Gives the nonce that the ID token has to repeat (`ExpectedIdToken::of_sign_in` of kinde-core).
    pub fn nonce(&self) -> &Secret {
        &self.nonce
    }

    /// Gives the code verifier, for [`OAuthClient::exchange_code`] alone.
    pub fn code_verifier(&self) -> &Secret {
        &self.code_verifier
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AuthorizationRequest")
    }
}

impl OAuthClient {
    /// Begins a sign-in: authorization code with PKCE S256, state and nonce (RFC 6749 §4.1.1, RFC 7636 §4.3).
    ///
    /// `more` are parameters of Kinde's such as `org_code` or `prompt`; those that the protocol needs are not taken from
    /// there.
    pub fn authorization_request(
        &self,
        redirect_uri: &str,
        scopes: &[&str],
        more: &[(&str, &str)],
    ) -> AuthorizationRequest {
        let [state, nonce, verifier] = [(); 3].map(|()| random::token(&SystemRandomness, 32));
        let challenge = code_challenge(&verifier);
        let mut query = self.authorization_query(redirect_uri, &scopes.join(" "), &state, &nonce, &challenge);
        query.extend_pairs(more.iter().filter(|(name, _)| !PROTOCOL.contains(name)));
        AuthorizationRequest {
            url: format!("{}?{}", self.endpoints().authorization_endpoint(), query.finish()),
            state: Secret::new(state.as_str()),
            nonce: Secret::new(nonce.as_str()),
            code_verifier: Secret::new(verifier.as_str()),
        }
    }

    /// Writes what every authorization request has.
    pub(crate) fn authorization_query(
        &self,
        redirect_uri: &str,
        scope: &str,
        state: &str,
        nonce: &str,
        challenge: &str,
    ) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id())
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", scope)
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
        query
    }

    /// Reads the query of the redirect URI: the code for [`exchange_code`](Self::exchange_code).
    ///
    /// # Errors
    ///
    /// [`ResponseMalformed`](LoginReason::ResponseMalformed), [`IssuerMismatch`](LoginReason::IssuerMismatch)
    /// (RFC 9207), [`FlowUnknown`](LoginReason::FlowUnknown) for another state than that of the request, and
    /// [`Provider`](LoginReason::Provider) for an error of Kinde's.
    pub fn authorization_answer(&self, untrusted_query: &str, state: &Secret) -> Result<Secret, LoginError> {
        let answer = AuthorizationResponse::read(untrusted_query, self.endpoints().issuer())?;
        // Absent is not the same as empty.
        let untrusted_state = answer.untrusted_state.ok_or(LoginReason::FlowUnknown)?;
        if Secret::new(untrusted_state) != *state {
            return Err(LoginReason::FlowUnknown.into());
        }
        match answer.says {
            Says::Code(code) => Ok(code),
            Says::Error { error, description, .. } => Err(LoginReason::Provider {
                error: UntrustedText::new(&error),
                description: description.as_deref().map(UntrustedText::new),
            }
            .into()),
        }
    }

    /// Writes the URL that ends the person's session at Kinde and comes back to `redirect`, which has to be registered
    /// in Kinde as an allowed logout redirect.
    pub fn logout_url(&self, redirect: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("redirect", redirect);
        format!("{}?{}", self.endpoints().end_session_endpoint(), query.finish())
    }
}

/// Gives the code challenge: base64url of the verifier's SHA-256 (RFC 7636 §4.2).
pub(crate) fn code_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// What no caller decides.
const PROTOCOL: [&str; 9] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];
