//! Tokens that nobody at Kinde signed, or that say how they want to be read.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use kinde_core::{Issuer, Jwks, Verifier};
use kinde_emulator::Environment;
use kinde_tests::verifier_of;
use serde_json::json;

use crate::{Stage, code};

/// covers: A2 A3 A4 A6 A7 A11 A12 C6
#[tokio::test]
async fn forged_tokens_are_refused_each_for_its_own_reason() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let wrong = stage.kinde.person("alice").with("admin:all").wrong();
    for (name, token, expected) in [
        ("other key", wrong.other_key(), "signature_invalid"),
        ("unknown kid", wrong.unknown_kid(), "key_unknown"),
        ("random kid", wrong.random_kid(), "key_unknown"),
        ("alg none", wrong.alg_none(), "token_malformed"),
        ("alg none, signed", wrong.alg_none_signed(), "algorithm_not_allowed"),
        ("HS256 with the PEM", wrong.hmac_with_public_key(), "algorithm_not_allowed"),
        ("HS256 with the modulus", wrong.hmac_with_modulus(), "algorithm_not_allowed"),
        ("PS256", wrong.pss(), "algorithm_not_allowed"),
        ("RS512", wrong.rs512(), "algorithm_not_allowed"),
        ("no signature", wrong.empty_signature(), "token_malformed"),
        ("turned bit", wrong.tampered_signature(), "signature_invalid"),
        ("other payload", wrong.tampered_payload(), "signature_invalid"),
        ("own key in the header", wrong.embedded_jwk(), "key_unknown"),
        ("critical header", wrong.critical_header(), "header_malformed"),
        ("other type", wrong.other_type("dpop+jwt"), "type_not_allowed"),
        ("repeated claim", wrong.duplicate_claim(), "claims_malformed"),
        ("truncated", wrong.truncated(), "signature_invalid"),
    ] {
        assert_eq!(code(&verifier, &token), expected, "{name}");
    }
}

/// covers: A7
#[tokio::test]
async fn server_that_a_header_names_sees_no_request() {
    let (stage, elsewhere) = (Stage::set().await, Environment::start().await);
    let url = format!("{}/.well-known/jwks", elsewhere.issuer());
    let token = stage.kinde.person("alice").wrong().key_url(&url);
    assert_eq!(code(&stage.by_application(), &token), "key_unknown");
    assert_eq!(elsewhere.jwks_fetches(), 0);
}

/// covers: A1 A5 B12
#[tokio::test]
async fn junk_under_an_unknown_key_id_spends_no_fetch() {
    let kinde = Environment::start().await;
    let verifier = verifier_of(&kinde);
    let good = kinde.person("alice").access_token();
    verifier.verify(&good).await.unwrap();
    let forged = kinde.person("alice").wrong().random_kid();
    let [header, claims, signature] = forged.splitn(3, '.').collect::<Vec<_>>().try_into().unwrap();
    for (name, token) in [
        ("a byte outside of the alphabet", format!("{header}.{claims}!.{signature}")),
        ("padding", format!("{header}.{claims}.{signature}==")),
        ("a length that encodes nothing", format!("{header}.{claims}.A")),
        ("a character of two bytes", format!("{header}.{claims}.é{signature}")),
    ] {
        assert_eq!(verifier.verify(&token).await.unwrap_err().code(), "token_malformed", "{name}");
        assert_eq!(kinde.jwks_fetches(), 1, "{name}");
    }
    // The budget is still there for what could be a token.
    assert_eq!(verifier.verify(&forged).await.unwrap_err().code(), "key_unknown");
    assert_eq!(kinde.jwks_fetches(), 2);
}

/// covers: A11
#[tokio::test]
async fn signature_of_any_other_length_is_refused() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let token = stage.kinde.person("alice").access_token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    for changed in [
        &signature[1..],
        &signature[..255],
        &[&signature[..], &[0]].concat(),
        &[&[0], &signature[..]].concat(),
        &[0; 256],
        &[255; 256],
    ] {
        let forged = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(changed));
        assert_eq!(code(&verifier, &forged), "signature_invalid", "{} bytes", changed.len());
    }
    assert_eq!(code(&verifier, &token), "accepted");
}

/// covers: A12
#[tokio::test]
async fn claims_are_not_looked_at_before_the_signature() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let header =
        BASE64_URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "kid": stage.kinde.signing_kid()}).to_string());
    let signature = BASE64_URL_SAFE_NO_PAD.encode([7; 256]);
    for payload in ["{}", "not json", r#"{"iss":"https://evil.example","exp":0}"#, r#"{"exp":1,"exp":2}"#] {
        let forged = format!("{header}.{}.{signature}", BASE64_URL_SAFE_NO_PAD.encode(payload));
        assert_eq!(code(&verifier, &forged), "signature_invalid", "{payload}");
    }
}

/// covers: A5
#[tokio::test]
async fn second_spelling_of_a_good_token_is_refused() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let token = stage.kinde.person("alice").access_token();
    assert_eq!(code(&verifier, &token), "accepted");
    let last = token.chars().last().unwrap();
    // 256 bytes leave four unused bits in the last character: three other characters decode to the same bytes.
    let other = char::from(last as u8 + 1);
    for spelling in [
        format!("{token}="),
        format!("{token}=="),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{}{other}", token.trim_end_matches(last)),
    ] {
        assert_ne!(code(&verifier, &spelling), "accepted", "{spelling:?}");
    }
}

/// covers: A1 J1
#[tokio::test]
async fn token_of_sixteen_kibibytes_is_read_and_a_longer_one_is_not() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let alice = stage.kinde.person("alice");
    let padded = |bytes: usize| alice.clone().with_claim("pad", "x".repeat(bytes)).access_token();
    let (mut low, mut high) = (0, 16 * 1024);
    while low + 1 < high {
        let middle = (low + high) / 2;
        if padded(middle).len() <= 16 * 1024 { low = middle } else { high = middle }
    }
    assert_eq!(code(&verifier, &padded(low)), "accepted");
    assert_eq!(code(&verifier, &padded(high)), "token_too_long");
}

/// covers: A9 J2
#[tokio::test]
async fn payloads_that_are_signed_but_not_plain_json_are_refused() {
    let stage = Stage::set().await;
    let verifier = stage.by_application();
    let header = json!({"alg": "RS256", "kid": stage.kinde.signing_kid(), "typ": "JWT"}).to_string();
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for (name, payload) in [
        ("byte order mark", "\u{feff}{}".as_bytes()),
        ("invalid UTF-8", b"{\"sub\":\"\xff\"}"),
        ("lone surrogate", br#"{"sub":"\ud800"}"#),
        ("trailing data", b"{} {}"),
        ("not an object", b"[]"),
        ("a token in a token", b"eyJhbGciOiJSUzI1NiJ9.e30.AA"),
        ("not a number", br#"{"exp":NaN}"#),
        ("too deep", deep.as_bytes()),
        ("nested repeated name", br#"{"custom":{"a":1,"a":2}}"#),
        ("empty", b""),
    ] {
        let token = stage.kinde.sign_raw(header.as_bytes(), payload);
        let expected = if payload.is_empty() { "token_malformed" } else { "claims_malformed" };
        assert_eq!(code(&verifier, &token), expected, "{name}");
    }
}

/// covers: B5
#[tokio::test]
async fn token_without_a_kid_needs_a_set_of_one_key() {
    let stage = Stage::set().await;
    let token = stage.kinde.person("alice").wrong().without_kid();
    assert_eq!(code(&stage.by_application(), &token), "accepted");
    stage.kinde.rotate_keys();
    assert_eq!(code(&stage.by_application(), &token), "key_id_missing");
}

/// covers: B1
#[tokio::test]
async fn development_key_is_refused_for_an_issuer_that_is_not_this_machine() {
    let stage = Stage::set().await;
    let production = Issuer::new("https://acme.kinde.com").unwrap();
    assert!(Jwks::from_static_json(production, &stage.kinde.jwks()).is_err());
    let loopback = Issuer::new("http://localhost:4100").unwrap();
    let jwks = Jwks::from_static_json(loopback, &stage.kinde.jwks()).unwrap();
    assert!(Verifier::builder(jwks).with_audience("x").build().is_ok());
}
