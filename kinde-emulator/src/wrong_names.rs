//! The wrong tokens by name, for tests that speak to the environment over HTTP.

use crate::wrong::WrongToken;

impl WrongToken {
    /// The names that [`named`](Self::named) knows: those of the methods that need nothing more said.
    pub const NAMES: &'static [&'static str] = &[
        "other_key",
        "unknown_kid",
        "random_kid",
        "alg_none",
        "alg_none_signed",
        "hmac_with_public_key",
        "hmac_with_modulus",
        "pss",
        "rs512",
        "empty_signature",
        "tampered_signature",
        "tampered_payload",
        "embedded_jwk",
        "critical_header",
        "without_kid",
        "without_exp",
        "without_issuer",
        "expired",
        "not_yet_valid",
        "issued_in_the_future",
        "foreign_issuer",
        "issuer_with_slash",
        "issuer_array",
        "foreign_audience",
        "foreign_application",
        "duplicate_claim",
        "payload_not_json",
        "truncated",
        "two_parts",
        "five_parts",
        "padded",
    ];

    /// Returns the wrong token of this name; `None` when no method is called so.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<String> {
        let token = match name {
            "other_key" => self.other_key(),
            "unknown_kid" => self.unknown_kid(),
            "random_kid" => self.random_kid(),
            "alg_none" => self.alg_none(),
            "alg_none_signed" => self.alg_none_signed(),
            "hmac_with_public_key" => self.hmac_with_public_key(),
            "hmac_with_modulus" => self.hmac_with_modulus(),
            "pss" => self.pss(),
            "rs512" => self.rs512(),
            "empty_signature" => self.empty_signature(),
            "tampered_signature" => self.tampered_signature(),
            "tampered_payload" => self.tampered_payload(),
            "embedded_jwk" => self.embedded_jwk(),
            "critical_header" => self.critical_header(),
            "without_kid" => self.without_kid(),
            "without_exp" => self.without_exp(),
            "without_issuer" => self.without_issuer(),
            "expired" => self.expired(),
            "not_yet_valid" => self.not_yet_valid(),
            "issued_in_the_future" => self.issued_in_the_future(),
            "foreign_issuer" => self.foreign_issuer(),
            "issuer_with_slash" => self.issuer_with_slash(),
            "issuer_array" => self.issuer_array(),
            "foreign_audience" => self.foreign_audience(),
            "foreign_application" => self.foreign_application(),
            "duplicate_claim" => self.duplicate_claim(),
            "payload_not_json" => self.payload_not_json(),
            "truncated" => self.truncated(),
            "two_parts" => self.two_parts(),
            "five_parts" => self.five_parts(),
            "padded" => self.padded(),
            _ => return None,
        };
        Some(token)
    }
}
