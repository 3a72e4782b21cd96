//! Compact JWS: segments, JOSE header, algorithm and signature. The only place that decides them.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use crate::{
    AuthReason, UntrustedText,
    jwks::VerifyingKey,
    strict_json::{self, Name, Names, REPEATED, Shaped, Skip, Text},
};

/// A token cut into its three segments; nothing about it is believed yet.
#[derive(Clone, Copy)]
pub(crate) struct UntrustedJws<'t> {
    pub(crate) header_segment: &'t str,
    pub(crate) payload_segment: &'t str,
    signature_segment: &'t str,
    signing_input: &'t str,
}

impl<'t> UntrustedJws<'t> {
    /// Cuts a token of at most `limit` bytes.
    pub(crate) fn split(token: &'t str, limit: usize) -> Result<Self, AuthReason> {
        if token.len() > limit {
            return Err(AuthReason::TokenTooLong { bytes: token.len(), limit });
        }
        let malformed = |problem| Err(AuthReason::TokenMalformed { problem });
        // RFC 7515 §3.1: header, payload and signature, separated by periods.
        let mut periods = memchr::memchr_iter(b'.', token.as_bytes());
        let (first, second, more) = (periods.next(), periods.next(), periods.count());
        let (Some(first), Some(second)) = (first, second) else {
            return malformed("it has fewer than three segments");
        };
        match more {
            0 => {}
            // RFC 7516 §3.1: five segments are a JWE; it is not decrypted.
            2 => return Err(AuthReason::TokenEncrypted),
            _ => return malformed("it has more than three segments"),
        }
        let segments = (token.split_at_checked(first), token.split_at_checked(second));
        let (Some((header_segment, _)), Some((signing_input, signature_segment))) = segments else {
            return malformed("it is not ASCII");
        };
        // Both rests begin with the period that was found.
        let payload_segment = signing_input.get(first.saturating_add(1)..).unwrap_or_default();
        let signature_segment = signature_segment.get(1..).unwrap_or_default();
        if header_segment.is_empty() || payload_segment.is_empty() || signature_segment.is_empty() {
            return malformed("a segment is empty");
        }
        Ok(Self { header_segment, payload_segment, signature_segment, signing_input })
    }

    /// Refuses what cannot be a token whatever its key: asked before a key is fetched for it.
    pub(crate) fn check_alphabet(&self) -> Result<(), AuthReason> {
        if is_base64url(self.payload_segment) && is_base64url(self.signature_segment) {
            Ok(())
        } else {
            Err(AuthReason::TokenMalformed { problem: "a segment is not base64url" })
        }
    }

    /// Verifies the signature and only then gives the payload.
    pub(crate) fn verified_payload(&self, key: &VerifyingKey) -> Result<String, AuthReason> {
        let signature = decode(self.signature_segment)
            .ok_or(AuthReason::TokenMalformed { problem: "the signature is not base64url" })?;
        // RFC 8017 §8.2.2 step 1: the signature is as long as the modulus.
        if signature.len() != key.modulus_bytes() {
            return Err(AuthReason::SignatureInvalid);
        }
        key.public_key()
            .verify_sig(self.signing_input.as_bytes(), &signature)
            .map_err(|_| AuthReason::SignatureInvalid)?;
        payload_text(self.payload_segment)
    }
}

/// Decodes a payload segment into text.
pub(crate) fn payload_text(segment: &str) -> Result<String, AuthReason> {
    let bytes =
        decode(segment).ok_or(AuthReason::TokenMalformed { problem: "the payload is not base64url" })?;
    String::from_utf8(bytes).map_err(|_| AuthReason::ClaimsMalformed { problem: "not UTF-8" })
}

/// What a JOSE header decides: which key to look up. The algorithm is pinned, not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoseHeader {
    pub(crate) kid: Option<Arc<str>>,
}

impl JoseHeader {
    /// Reads a header segment and refuses every header that a Kinde token does not have.
    pub(crate) fn read(segment: &str) -> Result<Self, AuthReason> {
        let malformed = |problem| AuthReason::HeaderMalformed { problem };
        let bytes = decode(segment).ok_or_else(|| malformed("not base64url"))?;
        // Junk is told apart before it costs a parser and its error.
        if bytes.first() != Some(&b'{') {
            return Err(malformed("not one JSON object without repeated names"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed("not UTF-8"))?;
        let members = strict_json::read(text, MembersVisitor)
            .map_err(|_| malformed("not one JSON object without repeated names"))?;
        members.judge()
    }
}

/// Decodes base64url as RFC 7515 §2 writes it: no padding, no white space, no unused bits.
fn decode(segment: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(segment).ok()
}

/// Tells whether a segment can be base64url: alphabet and length; unused bits are a matter of [`decode`].
///
/// Every byte is looked at, without an early way out: so it takes a tenth of the time, sixteen at once.
fn is_base64url(segment: &str) -> bool {
    let is_good = |byte: u8| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        letter | (byte.wrapping_sub(b'0') < 10) | (byte == b'-') | (byte == b'_')
    };
    segment.len() % 4 != 1 && segment.bytes().fold(true, |all, byte| all & is_good(byte))
}

/// The header members that are looked at. `jwk`, `jku`, `x5u`, `x5c` and `x5t` are not among them: a key
/// comes from configuration, never from the token (RFC 8725 §3.10).
#[derive(Default)]
struct Members<'de> {
    alg: Member<'de>,
    kid: Member<'de>,
    typ: Member<'de>,
    cty: Member<'de>,
    is_critical: bool,
    is_unencoded: bool,
    is_encrypted: bool,
}

impl Members<'_> {
    fn judge(self) -> Result<JoseHeader, AuthReason> {
        let malformed = |problem| Err(AuthReason::HeaderMalformed { problem });
        if self.is_encrypted {
            return Err(AuthReason::TokenEncrypted);
        }
        // RFC 7515 §4.1.11: no extension is supported, so every `crit` asks for too much.
        if self.is_critical {
            return malformed("crit is present");
        }
        // RFC 7797: honoured nowhere, so a token that asks for it is not read in another way either.
        if self.is_unencoded {
            return malformed("b64 is present");
        }
        match &self.alg {
            Member::Text(alg) if alg == RS256 => {}
            Member::Text(alg) => {
                return Err(AuthReason::AlgorithmNotAllowed { found: UntrustedText::new(alg) });
            }
            Member::Other => return malformed("alg is not a string"),
            Member::Absent => return malformed("alg is missing"),
        }
        match &self.typ {
            Member::Absent => {}
            Member::Text(typ) if is_jwt_type(typ) => {}
            Member::Text(typ) => {
                return Err(AuthReason::TypeNotAllowed { found: UntrustedText::new(typ) });
            }
            Member::Other => return malformed("typ is not a string"),
        }
        match &self.cty {
            Member::Absent => {}
            // RFC 7519 §5.2: `cty: JWT` announces a token inside the token.
            Member::Text(cty) if strip_application(cty).eq_ignore_ascii_case("jwt") => {
                return Err(AuthReason::TokenEncrypted);
            }
            Member::Text(_) => {}
            Member::Other => return malformed("cty is not a string"),
        }
        match self.kid {
            Member::Absent => Ok(JoseHeader { kid: None }),
            Member::Text(kid) => Ok(JoseHeader { kid: Some(kid.into()) }),
            Member::Other => malformed("kid is not a string"),
        }
    }
}

/// A header member that must be a string.
#[derive(Default)]
enum Member<'de> {
    #[default]
    Absent,
    Text(Cow<'de, str>),
    Other,
}

impl<'de> Member<'de> {
    /// Reads the member's value; tells whether it is the first.
    fn take_in<A: MapAccess<'de>>(&mut self, members: &mut A) -> Result<bool, A::Error> {
        let is_new = matches!(self, Self::Absent);
        *self = members.next_value_seed(Shaped(Text))?.value().map_or(Self::Other, Self::Text);
        Ok(is_new)
    }
}

/// Reads the members into [`Members`].
struct MembersVisitor;

impl<'de> DeserializeSeed<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members<'de>, A::Error> {
        let mut read = Members::default();
        // The names that are looked for are told apart here; only others need the list of names.
        let mut others = Names::default();
        while let Some(Name(name)) = members.next_key()? {
            let is_new = match name {
                Cow::Borrowed("alg") => read.alg.take_in(&mut members)?,
                Cow::Borrowed("kid") => read.kid.take_in(&mut members)?,
                Cow::Borrowed("typ") => read.typ.take_in(&mut members)?,
                Cow::Borrowed("cty") => read.cty.take_in(&mut members)?,
                Cow::Borrowed(other) => {
                    read.is_critical |= other == "crit";
                    read.is_unencoded |= other == "b64";
                    read.is_encrypted |= other == "enc" || other == "zip";
                    members.next_value_seed(Skip)?;
                    others.insert(name)
                }
                // No name above needs an escape: an escaped one is written to be read differently elsewhere.
                Cow::Owned(_) => return Err(A::Error::custom("an escaped member name")),
            };
            if !is_new {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(read)
    }
}

/// Accepts `JWT` and `at+jwt` (RFC 9068 §2.1), in any case, with or without `application/`.
fn is_jwt_type(typ: &str) -> bool {
    let short = strip_application(typ);
    short.eq_ignore_ascii_case("jwt") || short.eq_ignore_ascii_case("at+jwt")
}

/// Drops the prefix that RFC 7515 §4.1.9 lets senders omit.
fn strip_application(media_type: &str) -> &str {
    match media_type.split_at_checked(APPLICATION.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(APPLICATION) => rest,
        _ => media_type,
    }
}

/// The one algorithm that Kinde signs with.
const RS256: &str = "RS256";
const APPLICATION: &str = "application/";

#[cfg(test)]
mod tests {
    use super::*;

    fn header(json: &str) -> Result<JoseHeader, &'static str> {
        JoseHeader::read(&BASE64_URL_SAFE_NO_PAD.encode(json)).map_err(|reason| reason.code())
    }

    /// covers: A1 A8
    #[test]
    fn anything_but_three_segments_is_refused() {
        for (token, code) in [
            ("", "token_malformed"),
            ("a", "token_malformed"),
            ("a.b", "token_malformed"),
            ("a.b.", "token_malformed"),
            (".b.c", "token_malformed"),
            ("a..c", "token_malformed"),
            ("...", "token_malformed"),
            ("a.b.c.d", "token_malformed"),
            ("a.b.c.d.e", "token_encrypted"),
            ("a.b.c.d.e.f", "token_malformed"),
        ] {
            let refused = UntrustedJws::split(token, 100).map(|_| ()).map_err(|reason| reason.code());
            assert_eq!(refused, Err(code), "{token}");
        }
        assert!(UntrustedJws::split("aa.bb.cc", 100).is_ok());
    }

    /// covers: A1 A5
    #[test]
    fn segments_outside_the_alphabet_are_told_apart() {
        for byte in 0..=0x7f_u8 {
            let expected = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert_eq!(is_base64url(std::str::from_utf8(&[byte, byte]).unwrap()), expected, "{byte:#x}");
        }
        for (token, is_good) in [
            ("e30.e30.AA", true),
            ("e30.e3.A", false),
            ("e30.!!.AA", false),
            ("e30.e30.A=", false),
            ("e30.e3é.AA", false),
        ] {
            let jws = UntrustedJws::split(token, 100).unwrap();
            assert_eq!(jws.check_alphabet().is_ok(), is_good, "{token}");
        }
    }

    /// covers: J1
    #[test]
    fn token_longer_than_the_limit_is_refused() {
        assert!(UntrustedJws::split("aa.bb.cc", 8).is_ok());
        let refused = UntrustedJws::split("aa.bb.ccc", 8).map(|_| ());
        assert_eq!(refused, Err(AuthReason::TokenTooLong { bytes: 9, limit: 8 }));
    }

    /// covers: A2 A3 A4
    #[test]
    fn only_rs256_written_exactly_so_is_accepted() {
        assert_eq!(header(r#"{"alg":"RS256"}"#), Ok(JoseHeader { kid: None }));
        for alg in [
            "none",
            "None",
            "NONE",
            "nOnE",
            "",
            "rs256",
            "RS256 ",
            " RS256",
            "RS256\\u0000",
            "HS256",
            "HS384",
            "HS512",
            "ES256",
            "PS256",
            "RS384",
            "RS512",
            "EdDSA",
        ] {
            let refused = header(&format!(r#"{{"alg":"{alg}"}}"#));
            assert_eq!(refused, Err("algorithm_not_allowed"), "{alg}");
        }
        for json in
            [r#"{}"#, r#"{"alg":null}"#, r#"{"alg":["RS256"]}"#, r#"{"alg":256}"#, r#"{"alg":{"RS256":1}}"#]
        {
            assert_eq!(header(json), Err("header_malformed"), "{json}");
        }
    }

    /// covers: A6
    #[test]
    fn critical_and_unencoded_headers_are_refused() {
        for member in [
            r#""crit":[]"#,
            r#""crit":["exp"]"#,
            r#""crit":["b64"],"b64":false"#,
            r#""crit":null"#,
            r#""crit":"exp""#,
            r#""b64":false"#,
            r#""b64":true"#,
        ] {
            let refused = header(&format!(r#"{{"alg":"RS256",{member}}}"#));
            assert_eq!(refused, Err("header_malformed"), "{member}");
        }
    }

    /// covers: A8
    #[test]
    fn encrypted_compressed_and_nested_tokens_are_refused() {
        for member in [r#""enc":"A256GCM""#, r#""zip":"DEF""#, r#""cty":"JWT""#, r#""cty":"application/jwt""#]
        {
            let refused = header(&format!(r#"{{"alg":"RS256",{member}}}"#));
            assert_eq!(refused, Err("token_encrypted"), "{member}");
        }
    }

    /// covers: A10 C6
    #[test]
    fn type_is_absent_or_a_jwt() {
        for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/jwt", "Application/at+JWT"] {
            assert!(header(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#)).is_ok(), "{typ}");
        }
        for typ in
            ["", "JOSE", "logout+jwt", "secevent+jwt", "JWT ", "application/", "application/application/jwt"]
        {
            let refused = header(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#));
            assert_eq!(refused, Err("type_not_allowed"), "{typ}");
        }
    }

    /// covers: A10
    #[test]
    fn members_of_the_wrong_type_are_refused() {
        for member in
            [r#""kid":1"#, r#""kid":null"#, r#""kid":["a"]"#, r#""typ":1"#, r#""typ":null"#, r#""cty":[]"#]
        {
            let refused = header(&format!(r#"{{"alg":"RS256",{member}}}"#));
            assert_eq!(refused, Err("header_malformed"), "{member}");
        }
    }

    /// covers: A9
    #[test]
    fn repeated_or_disguised_members_are_refused() {
        for json in [
            r#"{"alg":"RS256","alg":"RS256"}"#,
            r#"{"alg":"none","alg":"RS256"}"#,
            r#"{"alg":"RS256","\u0061lg":"none"}"#,
            r#"{"alg":"RS256","jwk":{"n":"1","n":"2"}}"#,
            r#"{"alg":"RS256"}x"#,
            "\u{feff}{\"alg\":\"RS256\"}",
            r#"["alg","RS256"]"#,
            r#""RS256""#,
        ] {
            assert_eq!(header(json), Err("header_malformed"), "{json}");
        }
    }

    /// covers: A5
    #[test]
    fn base64url_is_read_strictly() {
        let good = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"} "#);
        assert!(JoseHeader::read(&good).is_ok());
        let unused_bits = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        assert!(unused_bits.ends_with('Q') || JoseHeader::read(&unused_bits).is_ok());
        for bad in [
            format!("{good}="),
            format!("{good}=="),
            format!(" {good}"),
            format!("{good}\n"),
            good.replacen('J', "+", 1),
        ] {
            assert_eq!(
                JoseHeader::read(&bad).map_err(|reason| reason.code()),
                Err("header_malformed"),
                "{bad}"
            );
        }
        // "e30" is `{}`; "e31" is the same with a bit set that encodes nothing.
        assert!(decode("e30").is_some());
        assert!(decode("e31").is_none());
    }

    /// covers: A7
    #[test]
    fn embedded_keys_and_urls_are_not_read() {
        let json = r#"{"alg":"RS256","kid":"k","jwk":{"kty":"RSA"},"jku":"https://evil.example","x5u":"https://evil.example","x5c":["MII"],"x5t":"AA"}"#;
        assert_eq!(header(json), Ok(JoseHeader { kid: Some("k".into()) }));
    }
}
