//! The tokens that Kinde is known to issue, each at every door: it opens its own and no other.

use std::sync::LazyLock;

use kinde_core::{
    ExpectedIdToken, FlagValue, IdToken, IdTokenVerifier, Identity, Issuer, Jwks, ManualClock, Role,
    TokenKind, Verifier,
};
use serde_json::{Value, json};

use crate::signer::Signer;

static SIGNER: LazyLock<Signer> =
    LazyLock::new(|| Signer::generate("3a:9c:04:71:e8:5d:b2:16:7f:c0:4a:93:de:28:61:0b"));

fn token(claims: &Value) -> String {
    SIGNER.sign(&SIGNER.header(), claims)
}

fn jwks() -> Jwks {
    Jwks::from_static_json(Issuer::new(ISSUER).unwrap(), &SIGNER.jwks().to_string()).unwrap()
}

/// The doors: an API bound by audience, one bound by application, one of the management API, and a sign-in.
struct Doors {
    api: Verifier,
    application: Verifier,
    management: Verifier,
    unbound: Verifier,
    sign_in: IdTokenVerifier,
}

impl Doors {
    fn open() -> Self {
        let clock = ManualClock::at_unix_seconds(NOW);
        let door = || Verifier::builder(jwks()).with_clock(clock.clone());
        Self {
            api: door().with_audience("https://api.larkspur.example").build().unwrap(),
            application: door().with_application(APPLICATION).build().unwrap(),
            management: door().with_audience("https://larkspur-dev.kinde.com/api").build().unwrap(),
            unbound: door().insecure_unbound().build().unwrap(),
            sign_in: IdTokenVerifier::new(jwks(), APPLICATION).unwrap().with_clock(clock),
        }
    }

    /// What each door says: api, application, management, unbound, sign-in.
    async fn say(&self, token: &str) -> [&'static str; 5] {
        let said = |verifier: &Verifier| match verifier.verify_at_hand(token).expect("the keys are at hand") {
            Ok(Identity::User(_)) => "user",
            Ok(Identity::Machine(_)) => "machine",
            Err(error) => error.code(),
        };
        let expected = ExpectedIdToken::of_sign_in("9f2c1ab04e7d8835");
        let signed_in = self.sign_in.verify(token, expected).await;
        [
            said(&self.api),
            said(&self.application),
            said(&self.management),
            said(&self.unbound),
            signed_in.map_or_else(|error| error.code(), |_| "signed in"),
        ]
    }
}

/// covers: C3 C5 F7
#[tokio::test]
async fn each_sample_opens_its_own_door_and_no_other() {
    const KIND: &str = "wrong_token_kind";
    const NO_AUDIENCE: &str = "audience_absent";
    const OTHER_AUDIENCE: &str = "audience_mismatch";
    const UNBOUND: &str = "machine_unbound";
    let bare_user = [NO_AUDIENCE, "user", NO_AUDIENCE, "user", KIND];
    let api_user = ["user", "user", OTHER_AUDIENCE, "user", KIND];
    let machine = ["machine", UNBOUND, OTHER_AUDIENCE, UNBOUND, KIND];
    let doors = Doors::open();
    for (name, claims, expected) in [
        ("access-default", access_default(), bare_user),
        ("access-minimal", access_minimal(), bare_user),
        ("access-null-permissions", access_null_permissions(), bare_user),
        ("access-hasura", access_hasura(), bare_user),
        ("access-roles-as-strings", access_roles_as_strings(), bare_user),
        ("access-audience", access_audience(), api_user),
        ("access-customised", access_customised(), api_user),
        ("m2m", m2m(), machine),
        ("m2m-empty-scp", m2m_empty_scp(), machine),
        ("m2m-org-scoped", m2m_org_scoped(), machine),
        ("m2m-management", m2m_management(), [OTHER_AUDIENCE, UNBOUND, "machine", UNBOUND, KIND]),
        ("id-default", id_default(), [KIND, KIND, KIND, KIND, "signed in"]),
        ("id-customised", id_customised(), [KIND, KIND, KIND, KIND, "signed in"]),
        ("webhook", webhook(), [KIND; 5]),
    ] {
        assert_eq!(doors.say(&token(&claims)).await, expected, "{name}");
    }
}

/// covers: C3
#[tokio::test]
async fn id_token_that_names_the_api_as_its_audience_still_opens_no_api() {
    let doors = Doors::open();
    for audience in [json!(["https://api.larkspur.example"]), json!("https://api.larkspur.example")] {
        let mut claims = id_default();
        claims["aud"] = audience;
        assert_eq!(doors.say(&token(&claims)).await[..4], ["wrong_token_kind"; 4]);
    }
}

/// covers: C3
#[tokio::test]
async fn kinds_that_are_mixed_open_no_door() {
    let doors = Doors::open();
    for (name, mut claims, claim, value) in [
        ("machine with a subject", m2m(), "sub", json!("kp_1")),
        ("machine with an ID token's nonce", m2m(), "nonce", json!("9f2c1ab04e7d8835")),
        ("user with a hash of an access token", access_audience(), "at_hash", json!("x")),
        ("user with a nonce", access_audience(), "nonce", json!("9f2c1ab04e7d8835")),
        ("ID token with scp", id_default(), "scp", json!(["openid"])),
        ("ID token with scope", id_default(), "scope", json!("openid")),
        ("user with events", access_audience(), "events", json!({})),
    ] {
        claims[claim] = value;
        let said = doors.say(&token(&claims)).await;
        assert!(!said.iter().any(|said| ["user", "machine", "signed in"].contains(said)), "{name}: {said:?}");
    }
}

fn user(claims: &Value) -> Identity {
    let identity = Doors::open().unbound.verify_at_hand(&token(claims)).unwrap().unwrap();
    assert_eq!(identity.kind(), TokenKind::User);
    identity
}

fn machine(claims: &Value) -> Identity {
    Doors::open().api.verify_at_hand(&token(claims)).unwrap().unwrap()
}

#[test]
fn default_sample_shows_organization_permissions_and_flags() {
    let identity = user(&access_default());
    let claims = identity.claims();
    assert_eq!(identity.user().unwrap().id(), "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846");
    assert_eq!(claims.application(), Some(APPLICATION));
    assert_eq!(claims.org_code(), Ok(Some("org_7d21c9e04b6")));
    assert_eq!(permissions(&identity), ["read:tickets", "close:tickets"]);
    assert_eq!(claims.feature_flag("compact_ui"), Ok(Some(true)));
    assert_eq!(claims.feature_flag("seat_cap"), Ok(Some(25_i64)));
    assert_eq!(claims.feature_flag("accent"), Ok(Some("teal".to_owned())));
    assert_eq!(
        claims.flag_value("limits"),
        Ok(Some(&FlagValue::Json(json!({"daily": 100, "burst": [5, 10]}))))
    );
    assert_eq!(claims.scopes().collect::<Vec<_>>(), ["openid", "profile", "email", "offline"]);
    assert_eq!(claims.audiences().len(), 0);
}

#[test]
fn samples_without_an_organization_or_permissions_show_none() {
    let minimal = user(&access_minimal());
    assert_eq!(minimal.claims().org_code(), Ok(None));
    assert_eq!(permissions(&minimal).len(), 0);
    assert_eq!(minimal.claims().feature_flag::<bool>("compact_ui"), Ok(None));
    let null = user(&access_null_permissions());
    assert_eq!(permissions(&null).len(), 0);
    assert_eq!(null.user().unwrap().id(), "kp:0f4b7c2d9e8a4d13b6a5c7e1f2903846");
    let empty = user(&access_audience());
    assert_eq!(permissions(&empty).len(), 0);
    assert_eq!(empty.claims().audiences().collect::<Vec<_>>(), ["https://api.larkspur.example"]);
    assert!(empty.claims().scopes().any(|scope| scope == "read:invoices"));
}

#[test]
fn customised_sample_shows_names_roles_and_properties() {
    let identity = user(&access_customised());
    let claims = identity.claims();
    assert_eq!(claims.org_name(), Ok(Some("Voss Freight")));
    assert_eq!(claims.external_organization_id().unwrap().as_deref(), Some("acct-2291"));
    let role = &claims.roles().unwrap()[0];
    assert_eq!((role.key(), role.name()), ("dispatcher", Some("Dispatcher")));
    assert_eq!(claims.user_property::<String>("kp_usr_job_title").unwrap().as_deref(), Some("Planner"));
    assert_eq!(claims.user_property::<String>("badge"), Ok(None));
    assert_eq!(claims.organization_property::<String>("kp_org_city").unwrap().as_deref(), Some("Ghent"));
    assert_eq!(claims.organization_property::<String>("kp_org_industry"), Ok(None));
    assert_eq!(claims.claim::<bool>("has_trial_period"), Ok(Some(true)));
    assert_eq!(claims.claim::<Value>("ksp"), Ok(Some(json!({"persistent": false}))));
}

#[test]
fn hasura_sample_shows_the_same_as_plain_names_do() {
    let identity = user(&access_hasura());
    let claims = identity.claims();
    assert_eq!(claims.org_code(), Ok(Some("org_7d21c9e04b6")));
    assert_eq!(claims.org_name(), Ok(Some("Voss Freight")));
    assert_eq!(permissions(&identity), ["read:tickets"]);
    assert_eq!(roles(&identity), ["dispatcher"]);
    assert_eq!(claims.feature_flag("compact_ui"), Ok(Some(true)));
    assert_eq!(claims.user_property::<String>("shift").unwrap().as_deref(), Some("night"));
    assert_eq!(claims.organization_property::<String>("kp_org_city").unwrap().as_deref(), Some("Ghent"));
}

#[test]
fn roles_that_a_workflow_wrote_as_strings_are_roles() {
    assert_eq!(roles(&user(&access_roles_as_strings())), ["dispatcher", "viewer"]);
}

#[test]
fn machine_samples_show_scopes_of_either_claim_and_the_organization() {
    for (name, claims) in [("both", m2m()), ("scope only", m2m_empty_scp()), ("in an org", m2m_org_scoped())]
    {
        let identity = machine(&claims);
        let client_id = identity.machine().unwrap().client_id();
        assert_eq!(client_id, "b07f6a1d3c8e4529a4d10f92e7c65b38", "{name}");
        let scopes: Vec<_> = identity.claims().scopes().collect();
        assert_eq!(scopes, ["read:invoices", "create:invoices"], "{name}");
    }
    let identity = machine(&m2m_org_scoped());
    assert_eq!(identity.claims().org_code(), Ok(Some("org_7d21c9e04b6")));
    assert_eq!(identity.claims().feature_flag("bulk_import"), Ok(Some(false)));
    assert_eq!(identity.claims().application_property::<String>("tier").unwrap().as_deref(), Some("gold"));
}

#[tokio::test]
async fn id_token_samples_show_the_profile() {
    let expected = ExpectedIdToken::of_sign_in("9f2c1ab04e7d8835");
    for (name, claims) in [("default", id_default()), ("customised", id_customised())] {
        let signed_in: IdToken = Doors::open().sign_in.verify(&token(&claims), expected).await.unwrap();
        assert_eq!(signed_in.id(), "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846", "{name}");
        let email = signed_in.claim::<String>("email").unwrap();
        assert_eq!(email.as_deref(), Some("mira.voss@larkspur.example"), "{name}");
        assert_eq!(signed_in.claim::<String>("given_name").unwrap().as_deref(), Some("Mira"), "{name}");
    }
}

fn permissions(identity: &Identity) -> Vec<&str> {
    identity.claims().permissions().unwrap().iter().collect()
}

fn roles(identity: &Identity) -> Vec<&str> {
    identity.claims().roles().unwrap().iter().map(Role::key).collect()
}

const ISSUER: &str = "https://larkspur-dev.kinde.com";
const APPLICATION: &str = "5e1c0b7a9d4f4c26b8f3a1720e6d9c45";
const NOW: u64 = 1_790_000_000;

/// Ordinary user access token, no audience requested: aud is an empty array.
fn access_default() -> Value {
    json!({
        "aud": [], "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45", "exp": 1790086400,
        "feature_flags": {"compact_ui": {"t": "b", "v": true}, "seat_cap": {"t": "i", "v": 25},
        "accent": {"t": "s", "v": "teal"}, "limits": {"t": "j", "v": {"daily": 100, "burst": [5, 10]}}},
        "iat": 1790000000, "iss": "https://larkspur-dev.kinde.com",
        "jti": "2b9f6c1e-7a40-4e0b-9d55-c1b7f0a3e812", "org_code": "org_7d21c9e04b6",
        "permissions": ["read:tickets", "close:tickets"], "scp": ["openid", "profile", "email",
        "offline"], "sub": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"
    })
}

/// No organization, no permissions, no flags: those claims are absent.
fn access_minimal() -> Value {
    json!({
        "aud": [], "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45", "exp": 1790086400, "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "2b9f6c1e-7a40-4e0b-9d55-c1b7f0a3e812",
        "scp": ["openid"], "sub": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"
    })
}

/// Older shape: permissions null and colon in the user id.
fn access_null_permissions() -> Value {
    json!({
        "aud": [], "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45", "exp": 1790086400, "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "2b9f6c1e-7a40-4e0b-9d55-c1b7f0a3e812",
        "org_code": "org_7d21c9e04b6", "permissions": null, "scp": ["openid", "profile", "email",
        "offline"], "sub": "kp:0f4b7c2d9e8a4d13b6a5c7e1f2903846"
    })
}

/// An API audience was requested; an API scope was granted; permissions is an empty array.
fn access_audience() -> Value {
    json!({
        "aud": ["https://api.larkspur.example"], "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45",
        "exp": 1790086400, "iat": 1790000000, "iss": "https://larkspur-dev.kinde.com",
        "jti": "2b9f6c1e-7a40-4e0b-9d55-c1b7f0a3e812", "org_code": "org_7d21c9e04b6", "permissions": [],
        "scp": ["openid", "profile", "email", "offline", "read:invoices"],
        "sub": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"
    })
}

/// Opt-in claims switched on; two properties are unset (empty objects); non-persistent session.
fn access_customised() -> Value {
    json!({
        "aud": ["https://api.larkspur.example"], "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45",
        "email": "mira.voss@larkspur.example", "exp": 1790086400,
        "external_organization_id": "acct-2291", "has_trial_period": true, "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "2b9f6c1e-7a40-4e0b-9d55-c1b7f0a3e812",
        "ksp": {"persistent": false}, "org_code": "org_7d21c9e04b6", "org_name": "Voss Freight",
        "organization_properties": {"kp_org_city": {"v": "Ghent"}, "kp_org_industry": {}},
        "permissions": ["read:tickets"], "roles": [{"id": "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64",
        "key": "dispatcher", "name": "Dispatcher"}], "scp": ["openid", "profile", "email", "offline"],
        "sub": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846", "trial_expires_on": "2026-12-01T00:00:00Z",
        "user_properties": {"kp_usr_job_title": {"v": "Planner"}, "shift": {"v": "night"}, "badge": {}}
    })
}

/// Hasura mapping on: plain names are replaced.
fn access_hasura() -> Value {
    json!({
        "aud": [], "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45", "exp": 1790086400, "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "2b9f6c1e-7a40-4e0b-9d55-c1b7f0a3e812",
        "scp": ["openid", "profile", "email", "offline"], "sub": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846",
        "x-hasura-feature-flags": {"compact_ui": {"t": "b", "v": true}},
        "x-hasura-org-code": "org_7d21c9e04b6", "x-hasura-org-name": "Voss Freight",
        "x-hasura-organization_properties": {"kp_org_city": {"v": "Ghent"}},
        "x-hasura-permissions": ["read:tickets"],
        "x-hasura-roles": [{"id": "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64", "key": "dispatcher",
        "name": "Dispatcher"}], "x-hasura-user_properties": {"shift": {"v": "night"}}
    })
}

/// A token workflow rewrote roles to strings.
fn access_roles_as_strings() -> Value {
    json!({
        "aud": [], "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45", "exp": 1790086400, "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "2b9f6c1e-7a40-4e0b-9d55-c1b7f0a3e812",
        "org_code": "org_7d21c9e04b6", "permissions": ["read:tickets"], "roles": ["dispatcher",
        "viewer"], "scp": ["openid", "profile", "email", "offline"],
        "sub": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846"
    })
}

/// Machine token: no sub, gty present.
fn m2m() -> Value {
    json!({
        "aud": ["https://api.larkspur.example"], "azp": "b07f6a1d3c8e4529a4d10f92e7c65b38",
        "exp": 1790086400, "gty": ["client_credentials"], "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "7c55d1a2-0e9b-4c7f-8a3d-b6f10e94c2a7",
        "scope": "read:invoices create:invoices", "scp": ["read:invoices", "create:invoices"], "v": "2"
    })
}

/// Variant seen in the Go fixture: scp empty, scopes only in scope.
fn m2m_empty_scp() -> Value {
    json!({
        "aud": ["https://api.larkspur.example"], "azp": "b07f6a1d3c8e4529a4d10f92e7c65b38",
        "exp": 1790086400, "gty": ["client_credentials"], "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "7c55d1a2-0e9b-4c7f-8a3d-b6f10e94c2a7",
        "scope": "read:invoices create:invoices", "scp": [], "v": "2"
    })
}

/// Organization-scoped machine token with opt-in claims.
fn m2m_org_scoped() -> Value {
    json!({
        "aud": ["https://api.larkspur.example"], "azp": "b07f6a1d3c8e4529a4d10f92e7c65b38",
        "exp": 1790086400, "gty": ["client_credentials"], "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "7c55d1a2-0e9b-4c7f-8a3d-b6f10e94c2a7",
        "scope": "read:invoices create:invoices", "scp": ["read:invoices", "create:invoices"], "v": "2",
        "org_code": "org_7d21c9e04b6", "feature_flags": {"bulk_import": {"t": "b", "v": false}},
        "application_properties": {"tier": {"v": "gold"}}
    })
}

/// Token for the management API.
fn m2m_management() -> Value {
    json!({
        "aud": ["https://larkspur-dev.kinde.com/api"], "azp": "b07f6a1d3c8e4529a4d10f92e7c65b38",
        "exp": 1790086400, "gty": ["client_credentials"], "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "7c55d1a2-0e9b-4c7f-8a3d-b6f10e94c2a7",
        "scope": "read:users read:organizations", "scp": ["read:users", "read:organizations"], "v": "2"
    })
}

/// Id token; aud holds issuer and client id; nonce only when sent.
fn id_default() -> Value {
    json!({
        "at_hash": "pX3mE0Jc8d6uTg2rVnqLwA", "aud": ["https://larkspur-dev.kinde.com",
        "5e1c0b7a9d4f4c26b8f3a1720e6d9c45"], "auth_time": 1789999997,
        "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45", "email": "mira.voss@larkspur.example",
        "email_verified": true, "exp": 1790003600, "family_name": "Voss", "given_name": "Mira",
        "iat": 1790000000, "iss": "https://larkspur-dev.kinde.com",
        "jti": "e0d2a7f4-19c3-4b8e-a6a1-5f3390c8b7d1", "name": "Mira Voss", "nonce": "9f2c1ab04e7d8835",
        "org_codes": ["org_7d21c9e04b6", "org_31f0a8d57e2"], "picture": "https://img.example/mira.png",
        "rat": 1789999995, "sub": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846", "updated_at": 1789910000
    })
}

/// Opt-in claims on; aud as the docs show it.
fn id_customised() -> Value {
    json!({
        "at_hash": "pX3mE0Jc8d6uTg2rVnqLwA", "aud": ["5e1c0b7a9d4f4c26b8f3a1720e6d9c45"],
        "auth_time": 1789999997, "azp": "5e1c0b7a9d4f4c26b8f3a1720e6d9c45",
        "email": "mira.voss@larkspur.example", "email_verified": true, "exp": 1790003600,
        "family_name": "Voss", "given_name": "Mira", "iat": 1790000000,
        "iss": "https://larkspur-dev.kinde.com", "jti": "e0d2a7f4-19c3-4b8e-a6a1-5f3390c8b7d1",
        "name": "Mira Voss", "nonce": "9f2c1ab04e7d8835", "org_codes": ["org_7d21c9e04b6",
        "org_31f0a8d57e2"], "picture": "https://img.example/mira.png", "rat": 1789999995,
        "sub": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846", "updated_at": 1789910000,
        "organizations": [{"id": "org_7d21c9e04b6", "name": "Voss Freight"}, {"id": "org_31f0a8d57e2",
        "name": "Canal Depot"}], "preferred_username": "mvoss", "phone_number": "+32470000000",
        "provided_id": "crm-8841", "ext_provider": {"name": "Google",
        "connection_id": "conn_5c0e7b1f4d2a4c868f9e3d7a61b20c94",
        "claims": {"connection_id": "conn_5c0e7b1f4d2a4c868f9e3d7a61b20c94",
        "email": "mira.voss@larkspur.example", "is_confirmed": true, "profile": {"id": "1048576",
        "email": "mira.voss@larkspur.example", "verified_email": true}}},
        "user_properties": {"shift": {"v": "night"}}
    })
}

/// A webhook: same keys, same header, no issuer, no audience, no expiry.
fn webhook() -> Value {
    json!({
        "type": "user.created", "event_id": "event_1", "timestamp": "2026-09-21T14:13:20Z",
        "source": "admin", "data": {"user": {"id": "kp_1"}}
    })
}
