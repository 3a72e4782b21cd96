//! What is proven where nothing but the signature is verified.

use kinde_core::insecure_verify_signature_only;

use crate::Stage;

#[tokio::test]
async fn payload_is_given_of_whatever_was_signed_and_of_nothing_else() {
    let stage = Stage::set().await;
    let alice = stage.kinde.person("alice");
    for token in [alice.access_token(), alice.id_token(), alice.clone().expired().access_token()] {
        let payload = insecure_verify_signature_only(&stage.jwks(), &token).await.unwrap();
        let payload: serde_json::Value = serde_json::from_str(&payload).unwrap();
        assert_eq!(payload["sub"], alice.id());
    }
    let wrong = alice.wrong();
    for (token, code) in [
        (wrong.tampered_signature(), "signature_invalid"),
        (wrong.tampered_payload(), "signature_invalid"),
        (wrong.other_key(), "signature_invalid"),
        (wrong.alg_none_signed(), "algorithm_not_allowed"),
    ] {
        let refused = insecure_verify_signature_only(&stage.jwks(), &token).await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
}
