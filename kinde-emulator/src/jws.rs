//! Compact JWS serialization (RFC 7515 §7.1).

use serde_json::Value;

use crate::{base64url, claims::Claims, signing_key::SigningKey};

/// Signs a claims set under the header Kinde gives every token.
pub(crate) fn sign(key: &SigningKey, claims: &Claims) -> String {
    sign_bytes(key, header(key.kid()).as_bytes(), claims.to_json().as_bytes())
}

/// Signs any two byte strings as they are.
pub(crate) fn sign_bytes(key: &SigningKey, header: &[u8], payload: &[u8]) -> String {
    let message = message(header, payload);
    let signature = base64url::encode(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Joins the two encoded parts that a signature covers.
pub(crate) fn message(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", base64url::encode(header), base64url::encode(payload))
}

/// Writes Kinde's JOSE header: the same three members on every kind of token.
pub(crate) fn header(kid: &str) -> String {
    format!(r#"{{"alg":"RS256","kid":{},"typ":"JWT"}}"#, Value::from(kid))
}

/// The parts of a compact JWS whose signature nobody has checked.
pub(crate) struct Untrusted<'a> {
    pub(crate) kid: String,
    pub(crate) message: &'a str,
    pub(crate) signature: Vec<u8>,
    pub(crate) payload: Value,
}

impl<'a> Untrusted<'a> {
    /// Splits a token; `None` when it is not a compact JWS with JSON parts.
    pub(crate) fn split(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Value = serde_json::from_slice(&base64url::decode(header)?).ok()?;
        Some(Self {
            kid: header.get("kid")?.as_str()?.to_owned(),
            message,
            signature: base64url::decode(signature)?,
            payload: serde_json::from_slice(&base64url::decode(payload)?).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_holds_exactly_three_members() {
        assert_eq!(header("a:b"), r#"{"alg":"RS256","kid":"a:b","typ":"JWT"}"#);
        assert_eq!(header("\"quoted\""), r#"{"alg":"RS256","kid":"\"quoted\"","typ":"JWT"}"#);
    }

    #[test]
    fn text_that_is_no_token_does_not_split() {
        for text in ["", ".", "..", "a.b.c", "e30.e30", "\u{e9}.e30.e30"] {
            assert!(Untrusted::split(text).is_none(), "{text}");
        }
    }
}
