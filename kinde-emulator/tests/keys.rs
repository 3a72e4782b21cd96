//! The key set and the tokens signed with it, read by another implementation.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::disallowed_methods, reason = "a second implementation judges what the emulator signs")]

use std::{collections::HashSet, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation, jwk::JwkSet};
use kinde_emulator::Environment;
use reqwest::{
    Client, StatusCode,
    header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};
use serde_json::{Value, json};

/// Verifies the signature by the published keys and the expiry by the clock of this computer.
fn verified(kinde: &Environment, token: &str) -> jsonwebtoken::errors::Result<TokenData<Value>> {
    let keys: JwkSet = serde_json::from_str(&kinde.jwks())?;
    let kid = jsonwebtoken::decode_header(token)?.kid.unwrap_or_default();
    let missing = jsonwebtoken::errors::ErrorKind::InvalidKeyFormat;
    let key = keys.find(&kid).ok_or(missing)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    validation.set_issuer(&[kinde.issuer()]);
    jsonwebtoken::decode(token, &DecodingKey::from_jwk(key)?, &validation)
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn key_set_is_the_same_under_both_paths_and_is_counted() {
    let kinde = Environment::start().await;
    let mut bodies = HashSet::new();
    for path in ["/.well-known/jwks", "/.well-known/jwks.json"] {
        let answer = client().get(format!("{}{path}", kinde.url())).send().await.unwrap();
        assert!(answer.headers().get(ETAG).is_none() && answer.headers().get(CACHE_CONTROL).is_none());
        bodies.insert(answer.text().await.unwrap());
    }
    assert_eq!(bodies, HashSet::from([kinde.jwks()]));
    assert_eq!((kinde.requests("/.well-known/jwks"), kinde.jwks_fetches()), (1, 2));
    kinde.reset_requests();
    assert_eq!(kinde.jwks_fetches(), 0);
}

#[tokio::test]
async fn published_key_has_exactly_the_members_kinde_publishes() {
    let kinde = Environment::start().await;
    let keys: Value = serde_json::from_str(&kinde.jwks()).unwrap();
    let key = keys["keys"][0].as_object().unwrap();
    let names: HashSet<_> = key.keys().map(String::as_str).collect();
    assert_eq!(names, HashSet::from(["e", "n", "alg", "kid", "kty", "use"]));
    assert_eq!((&key["alg"], &key["kty"], &key["use"]), (&json!("RS256"), &json!("RSA"), &json!("sig")));
}

#[tokio::test]
async fn metadata_is_the_same_under_both_paths() {
    let kinde = Environment::start().await;
    let mut bodies = HashSet::new();
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let answer = client().get(format!("{}{path}", kinde.url())).send().await.unwrap();
        bodies.insert(answer.text().await.unwrap());
    }
    assert_eq!(bodies.len(), 1);
    let metadata: Value = serde_json::from_str(bodies.iter().next().unwrap()).unwrap();
    assert_eq!(metadata["issuer"], kinde.issuer());
    assert_eq!(metadata["jwks_uri"], format!("{}/.well-known/jwks", kinde.issuer()));
}

#[tokio::test]
async fn client_that_has_the_keys_is_told_so_when_entity_tags_are_on() {
    let kinde = Environment::start().await;
    kinde.set_jwks_etag(true);
    kinde.set_jwks_cache_control(Some("public, max-age=60"));
    let url = format!("{}/.well-known/jwks", kinde.url());
    let first = client().get(&url).send().await.unwrap();
    assert_eq!(first.headers()[CACHE_CONTROL], "public, max-age=60");
    let tag = first.headers()[ETAG].clone();
    let second = client().get(&url).header(IF_NONE_MATCH, tag.clone()).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
    kinde.rotate_keys();
    let third = client().get(&url).header(IF_NONE_MATCH, tag).send().await.unwrap();
    assert_eq!(third.status(), StatusCode::OK);
}

#[tokio::test]
async fn minted_tokens_verify_by_the_published_keys() {
    let kinde = Environment::start().await;
    let alice = kinde.person("alice").in_org("acme").with("create:todos").with_flag("beta", true);
    for token in [alice.access_token(), alice.id_token(), kinde.machine("billing").access_token()] {
        let verified = verified(&kinde, &token).unwrap();
        assert_eq!(verified.header.alg, Algorithm::RS256);
        assert_eq!(verified.header.typ.as_deref(), Some("JWT"));
        assert!(!token.split('.').next().unwrap().contains(['-', '_']));
    }
    let claims = verified(&kinde, &alice.access_token()).unwrap().claims;
    assert_eq!(claims["permissions"], json!(["create:todos"]));
    assert_eq!(claims["feature_flags"], json!({ "beta": { "t": "b", "v": true } }));
    assert!(verified(&kinde, &alice.expired().access_token()).is_err());
}

#[tokio::test]
async fn wrong_tokens_do_not_verify() {
    let kinde = Environment::start().await;
    let wrong = kinde.person("alice").wrong();
    let rows = [
        ("other key", wrong.other_key()),
        ("unknown kid", wrong.unknown_kid()),
        ("random kid", wrong.random_kid()),
        ("alg none", wrong.alg_none()),
        ("alg none, signed", wrong.alg_none_signed()),
        ("HS256 by the PEM", wrong.hmac_with_public_key()),
        ("HS256 by the modulus", wrong.hmac_with_modulus()),
        ("PS256", wrong.pss()),
        ("RS512", wrong.rs512()),
        ("empty signature", wrong.empty_signature()),
        ("tampered signature", wrong.tampered_signature()),
        ("tampered payload", wrong.tampered_payload()),
        ("embedded jwk", wrong.embedded_jwk()),
        ("key URL", wrong.key_url("https://evil.example/keys")),
        ("without exp", wrong.without_exp()),
        ("expired", wrong.expired()),
        ("foreign issuer", wrong.foreign_issuer()),
        ("issuer with slash", wrong.issuer_with_slash()),
        ("payload not JSON", wrong.payload_not_json()),
        ("truncated", wrong.truncated()),
        ("two parts", wrong.two_parts()),
        ("five parts", wrong.five_parts()),
        ("padded", wrong.padded()),
    ];
    for (name, token) in rows {
        assert!(verified(&kinde, &token).is_err(), "{name}");
    }
}

/// These are signed well, so a verifier has to read the claims or the header to refuse them.
#[tokio::test]
async fn wrong_claims_stand_under_a_good_signature() {
    let kinde = Environment::start().await;
    let wrong = kinde.person("alice").wrong();
    let claims = |token: &str| verified(&kinde, token).unwrap().claims;
    assert_eq!(claims(&wrong.foreign_audience())["aud"], json!(["https://api.somebody-else.example"]));
    assert_ne!(claims(&wrong.foreign_application())["azp"], kinde.client_id());
    assert!(claims(&wrong.issued_in_the_future())["iat"].as_u64().unwrap() > kinde.now());
    assert!(claims(&wrong.not_yet_valid())["nbf"].as_u64().unwrap() > kinde.now());
    assert_eq!(claims(&wrong.without("permissions")).get("permissions"), None);
}

#[tokio::test]
async fn rotation_publishes_the_new_key_beside_the_old_one() {
    let kinde = Environment::start().await;
    let old = kinde.signing_kid();
    let before = kinde.person("alice").access_token();
    let new = kinde.rotate_keys();
    assert_eq!(kinde.signing_kid(), new);
    assert!(verified(&kinde, &before).is_ok());
    assert!(verified(&kinde, &kinde.person("alice").access_token()).is_ok());
    assert!(kinde.withdraw_key(&old));
    assert!(verified(&kinde, &before).is_err());
    assert!(!kinde.withdraw_key("no such key"));
}

#[tokio::test]
async fn token_may_arrive_before_its_key() {
    let kinde = Environment::start().await;
    let kid = kinde.add_unpublished_key();
    let token = kinde.person("alice").signed_by(&kid).access_token();
    assert!(verified(&kinde, &token).is_err());
    assert!(kinde.publish_key(&kid));
    assert!(verified(&kinde, &token).is_ok());
    assert_ne!(kinde.signing_kid(), kid);
}

#[tokio::test]
async fn chosen_issuer_is_in_tokens_and_metadata_while_endpoints_stay_here() {
    let kinde = Environment::builder().with_issuer("https://acme.kinde.com/").start().await;
    assert_eq!(kinde.issuer(), "https://acme.kinde.com");
    let claims = verified(&kinde, &kinde.person("alice").access_token()).unwrap().claims;
    assert_eq!(claims["iss"], "https://acme.kinde.com");
    let url = format!("{}/.well-known/openid-configuration", kinde.url());
    let metadata: Value = client().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["issuer"], "https://acme.kinde.com");
    assert_eq!(metadata["jwks_uri"], format!("{}/.well-known/jwks", kinde.url()));
}

#[tokio::test]
async fn times_follow_the_environments_clock() {
    let kinde = Environment::start().await;
    kinde.set_time(1_790_000_000);
    kinde.advance(Duration::from_secs(5));
    let token = kinde.person("alice").access_token();
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&token).unwrap().claims;
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_790_000_005u64), &json!(1_790_086_405u64)));
}

#[tokio::test]
async fn anything_can_be_signed() {
    let kinde = Environment::start().await;
    let header = json!({ "alg": "RS256", "kid": kinde.signing_kid(), "typ": "at+jwt" });
    let exp = kinde.now() + 60;
    let token = kinde.sign(header.clone(), json!({ "iss": kinde.issuer(), "exp": exp, "aud": "x" }));
    assert_eq!(verified(&kinde, &token).unwrap().claims["aud"], "x");
    let doubled = format!(r#"{{"exp":{exp},"sub":"a","sub":"b"}}"#);
    let raw = kinde.sign_raw(header.to_string().as_bytes(), doubled.as_bytes());
    assert_eq!(raw.split('.').count(), 3);
}

#[tokio::test]
async fn webhook_is_signed_by_the_same_key_and_has_no_issuer() {
    let kinde = Environment::start().await;
    let token = kinde.webhook_token("user.created", json!({ "user": { "id": "kp_1" } }));
    assert_eq!(jsonwebtoken::decode_header(&token).unwrap().kid, Some(kinde.signing_kid()));
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&token).unwrap().claims;
    assert_eq!(claims["type"], "user.created");
    let names: HashSet<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, HashSet::from(["data", "event_id", "source", "timestamp", "type"]));
}
