//! What a verified token says, for every shape of token that Kinde is known to send.

use kinde_core::{FlagValue, Identity, Issuer, Jwks, ManualClock, Verifier};
use kinde_emulator::{Environment, Person};
use serde_json::{Value, json};

async fn verified(token: impl FnOnce(&Environment) -> String) -> Identity {
    let kinde = Environment::start().await;
    kinde.set_time(1_790_000_000);
    let jwks = Jwks::from_static_json(Issuer::new(kinde.issuer()).unwrap(), &kinde.jwks()).unwrap();
    let clock = ManualClock::at_unix_seconds(1_790_000_000);
    let verifier = Verifier::builder(jwks).insecure_unbound().with_clock(clock).build().unwrap();
    verifier.verify_at_hand(&token(&kinde)).unwrap().unwrap()
}

async fn alice(shape: impl FnOnce(Person) -> Person) -> Identity {
    verified(|kinde| shape(kinde.person("alice")).access_token()).await
}

#[tokio::test]
async fn default_token_gives_organization_permissions_and_flags_of_every_kind() {
    let identity = alice(|person| {
        person
            .in_org("org_7d21c9e04b6")
            .with("read:tickets")
            .with("close:tickets")
            .with_flag("compact_ui", true)
            .with_flag("seat_cap", 25)
            .with_flag("accent", "teal")
            .with_flag("limits", json!({"daily": 100}))
    })
    .await;
    let claims = identity.claims();
    assert_eq!(claims.org_code(), Ok(Some("org_7d21c9e04b6")));
    assert_eq!(claims.permissions().unwrap().iter().collect::<Vec<_>>(), ["read:tickets", "close:tickets"]);
    assert!(claims.permissions().unwrap().contains("close:tickets"));
    assert!(!claims.permissions().unwrap().contains("close"));
    assert_eq!(claims.feature_flag::<bool>("compact_ui"), Ok(Some(true)));
    assert_eq!(claims.feature_flag::<i64>("seat_cap"), Ok(Some(25)));
    assert_eq!(claims.feature_flag::<String>("accent"), Ok(Some("teal".to_owned())));
    assert_eq!(claims.feature_flag::<Value>("limits"), Ok(Some(json!({"daily": 100}))));
    assert_eq!(claims.feature_flag::<bool>("absent"), Ok(None));
    assert!(claims.feature_flag::<bool>("seat_cap").is_err());
    assert_eq!(claims.flag_value("seat_cap"), Ok(Some(&FlagValue::Integer(25))));
    let mut keys: Vec<_> = claims.flag_keys().unwrap().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["accent", "compact_ui", "limits", "seat_cap"]);
    assert_eq!(claims.scopes().collect::<Vec<_>>(), ["openid", "profile", "email", "offline"]);
    assert_eq!(claims.audiences().len(), 0);
}

/// covers: C7
#[tokio::test]
async fn absent_null_and_empty_all_mean_none() {
    let bare = |person: Person| person.without_org().without_claim("permissions").without_claim("org_code");
    for (name, identity) in [
        ("absent", alice(bare).await),
        (
            "null",
            alice(|person| {
                person
                    .with_claim("permissions", json!(null))
                    .with_claim("roles", json!(null))
                    .with_claim("feature_flags", json!(null))
                    .with_claim("org_code", json!(null))
            })
            .await,
        ),
        (
            "empty",
            alice(|person| {
                bare(person)
                    .with_claim("permissions", json!([]))
                    .with_claim("roles", json!([]))
                    .with_claim("feature_flags", json!({}))
            })
            .await,
        ),
    ] {
        let claims = identity.claims();
        assert_eq!(claims.permissions().unwrap().iter().len(), 0, "{name}");
        assert_eq!(claims.roles().unwrap().len(), 0, "{name}");
        assert_eq!(claims.feature_flag::<bool>("x"), Ok(None), "{name}");
        assert_eq!(claims.org_code(), Ok(None), "{name}");
        assert_eq!(claims.user_property::<String>("x"), Ok(None), "{name}");
    }
}

/// covers: C7
#[tokio::test]
async fn malformed_claims_are_errors_and_never_values() {
    let identity = alice(|person| {
        person
            .with_claim("permissions", json!({"admin": true}))
            .with_claim("roles", "admin")
            .with_claim("feature_flags", json!(["beta"]))
            .with_claim("org_code", "")
            .with_claim("org_name", 7)
            .with_claim("user_properties", json!({"shift": "night"}))
    })
    .await;
    let claims = identity.claims();
    assert_eq!(claims.permissions().unwrap_err().claim(), "permissions");
    assert_eq!(claims.roles().unwrap_err().claim(), "roles");
    assert_eq!(claims.feature_flag::<bool>("beta").unwrap_err().claim(), "feature_flags");
    assert!(claims.org_code().is_err());
    assert!(claims.org_name().is_err());
    assert!(claims.user_property::<String>("shift").is_err());
}

#[tokio::test]
async fn customised_token_gives_roles_properties_and_names() {
    let identity = alice(|person| {
        person
            .with_claim("org_name", "Voss Freight")
            .with_claim("external_organization_id", "acct-2291")
            .with_claim("email", "mira@larkspur.example")
            .with_claim("roles", json!([{"id": "1", "key": "dispatcher", "name": "Dispatcher"}]))
            .with_claim("user_properties", json!({"shift": {"v": "night"}, "badge": {}}))
            .with_claim("organization_properties", json!({"kp_org_city": {"v": "Ghent"}}))
    })
    .await;
    let claims = identity.claims();
    assert_eq!(claims.org_name(), Ok(Some("Voss Freight")));
    assert_eq!(claims.external_organization_id().unwrap().as_deref(), Some("acct-2291"));
    assert_eq!(claims.claim::<String>("email").unwrap().as_deref(), Some("mira@larkspur.example"));
    assert_eq!(claims.claim::<String>("family_name"), Ok(None));
    assert!(claims.claim::<u64>("email").is_err());
    assert_eq!(claims.roles().unwrap()[0].name(), Some("Dispatcher"));
    assert_eq!(claims.user_property::<String>("shift").unwrap().as_deref(), Some("night"));
    assert_eq!(claims.user_property::<String>("badge"), Ok(None));
    assert_eq!(claims.organization_property::<String>("kp_org_city").unwrap().as_deref(), Some("Ghent"));
}

#[tokio::test]
async fn old_shapes_are_read() {
    let identity = alice(|person| {
        person
            .with_claim("sub", "kp:0f4b7c2d9e8a4d13b6a5c7e1f2903846")
            .with_claim("external_org_id", "acct-1")
            .with_claim("roles", json!(["dispatcher", "viewer"]))
    })
    .await;
    assert_eq!(identity.user().unwrap().id(), "kp:0f4b7c2d9e8a4d13b6a5c7e1f2903846");
    assert_eq!(identity.claims().external_organization_id().unwrap().as_deref(), Some("acct-1"));
    let keys: Vec<_> = identity.claims().roles().unwrap().iter().map(kinde_core::Role::key).collect();
    assert_eq!(keys, ["dispatcher", "viewer"]);
}

/// covers: E6
#[tokio::test]
async fn people_are_keyed_by_issuer_and_subject() {
    let identity = alice(|person| person).await;
    let user = identity.user().unwrap();
    assert_eq!(user.key(), (identity.claims().issuer(), user.id()));
}

/// covers: I1
#[tokio::test]
async fn identity_prints_neither_its_token_nor_its_signature() {
    let kinde = Environment::start().await;
    let token = kinde.person("alice").access_token();
    let jwks = Jwks::from_static_json(Issuer::new(kinde.issuer()).unwrap(), &kinde.jwks()).unwrap();
    let verifier = Verifier::builder(jwks).with_application(kinde.client_id()).build().unwrap();
    let identity = verifier.verify_at_hand(&token).unwrap().unwrap();
    for printed in [format!("{identity:?}"), format!("{verifier:?}")] {
        for part in token.split('.') {
            assert!(!printed.contains(part), "{printed}");
        }
    }
}
