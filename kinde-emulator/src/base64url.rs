//! Base64url without padding (RFC 7515 §2).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Encodes bytes.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes text; `None` when it is not base64url without padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
