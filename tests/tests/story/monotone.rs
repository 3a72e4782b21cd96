//! What holds for every token: less never grants more, broken never grants, and altered is never accepted.

use std::{cell::Cell, sync::LazyLock};

use kinde_core::{FlagValue, Identity, Issuer, Jwks, ManualClock, Requirement, Verdict, Verifier};
use proptest::{
    collection::{btree_map, btree_set, vec},
    option,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Map, Value, json};

use crate::signer::Signer;
use kinde_tests::scale::scaled;

/// One key, and one verifier that it signs for; nothing of the network.
struct Stage {
    signer: Signer,
    verifier: Verifier,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let signer = Signer::generate("3a:9c\"+/%");
    let issuer = Issuer::new(ISSUER).unwrap();
    let jwks = Jwks::from_static_json(issuer, &signer.jwks().to_string()).unwrap();
    let clock = ManualClock::at_unix_seconds(NOW);
    let verifier = Verifier::builder(jwks).with_application("app").with_clock(clock).build().unwrap();
    Stage { signer, verifier }
});

impl Stage {
    fn token(&self, claims: &Map<String, Value>) -> String {
        self.signer.sign(&self.signer.header(), &Value::Object(claims.clone()))
    }

    fn identity(&self, claims: &Map<String, Value>) -> Identity {
        self.verifier.verify_at_hand(&self.token(claims)).expect("the keys are at hand").expect("it is good")
    }

    fn accepts(&self, token: &str) -> bool {
        self.verifier.verify_at_hand(token).is_some_and(|judged| judged.is_ok())
    }
}

/// What a token may grant, over few enough names that requirements and claims meet.
#[derive(Clone, Debug, Default)]
struct Grants {
    permissions: Vec<&'static str>,
    roles: Vec<(&'static str, bool)>,
    scopes: Vec<&'static str>,
    more_scopes: Vec<&'static str>,
    flags: Vec<(&'static str, FlagValue)>,
    org_code: Option<&'static str>,
}

impl Grants {
    fn claims(&self) -> Map<String, Value> {
        let roles = self.roles.iter().map(|(key, is_object)| match is_object {
            true => json!({"id": "1", "key": key, "name": key}),
            false => json!(key),
        });
        let flags = self.flags.iter().map(|(key, value)| {
            let entry = match value {
                FlagValue::Boolean(value) => json!({"t": "b", "v": value}),
                FlagValue::Integer(value) => json!({"t": "i", "v": value}),
                other => json!({"t": "s", "v": format!("{other:?}")}),
            };
            ((*key).to_owned(), entry)
        });
        let Value::Object(mut claims) = json!({
            "iss": ISSUER, "sub": "kp_1", "azp": "app", "aud": [], "iat": NOW, "exp": NOW + 3600,
            "scp": self.scopes, "scope": self.more_scopes.join(" "), "permissions": self.permissions,
            "roles": roles.collect::<Vec<_>>(), "feature_flags": Value::Object(flags.collect()),
        }) else {
            unreachable!("it is an object")
        };
        claims.extend(self.org_code.map(|code| ("org_code".to_owned(), json!(code))));
        claims
    }

    /// Leaves out each grant whose turn in `kept` is false.
    fn without_some(&self, kept: &[bool]) -> Self {
        let mut turns = kept.iter().cycle().copied();
        let mut is_kept = || turns.next().unwrap_or_default();
        let mut less = self.clone();
        less.permissions.retain(|_| is_kept());
        less.roles.retain(|_| is_kept());
        less.scopes.retain(|_| is_kept());
        less.more_scopes.retain(|_| is_kept());
        less.flags.retain(|_| is_kept());
        less.org_code = less.org_code.filter(|_| is_kept());
        less
    }
}

fn grants() -> impl Strategy<Value = Grants> {
    let names = || btree_set(select(NAMES), 0..4).prop_map(|names| names.into_iter().collect::<Vec<_>>());
    let roles = btree_map(select(NAMES), any::<bool>(), 0..4);
    let flags = btree_map(select(NAMES), flag_value(), 0..4);
    (names(), roles, names(), names(), flags, option::of(select(NAMES))).prop_map(
        |(permissions, roles, scopes, more_scopes, flags, org_code)| Grants {
            permissions,
            roles: roles.into_iter().collect(),
            scopes,
            more_scopes,
            flags: flags.into_iter().collect(),
            org_code,
        },
    )
}

fn flag_value() -> impl Strategy<Value = FlagValue> {
    prop_oneof![any::<bool>().prop_map(FlagValue::Boolean), (0..2_i64).prop_map(FlagValue::Integer)]
}

/// One condition of each kind, by the claim that decides it.
fn condition(claim: &'static str) -> BoxedStrategy<Requirement> {
    match claim {
        "permissions" => select(NAMES).prop_map(Requirement::permission).boxed(),
        "roles" => select(NAMES).prop_map(Requirement::role).boxed(),
        "scp" => select(NAMES).prop_map(Requirement::scope).boxed(),
        "feature_flags" => {
            (select(NAMES), flag_value()).prop_map(|(key, value)| Requirement::flag(key, value)).boxed()
        }
        _ => prop_oneof![
            select(NAMES).prop_map(Requirement::organization),
            Just(()).prop_map(|()| Requirement::any_organization()),
        ]
        .boxed(),
    }
}

/// A tree of conditions over these claims.
fn requirement(claims: &'static [&'static str], is_negated: bool) -> impl Strategy<Value = Requirement> {
    let leaf = select(claims).prop_flat_map(condition);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let list = || vec(inner.clone(), 1..4);
        let all = list().prop_map(|list| Requirement::all_of(list).unwrap());
        let any = list().prop_map(|list| Requirement::any_of(list).unwrap());
        let not = inner.clone().prop_map(move |one| if is_negated { one.negated() } else { one });
        prop_oneof![all, any, not]
    })
}

/// A value that Kinde never sends for this claim.
fn malformed(claim: &'static str) -> impl Strategy<Value = Value> {
    let values = match claim {
        "permissions" => vec![json!("a"), json!({"a": true}), json!([["a"]]), json!(["a", 1]), json!(true)],
        "roles" => {
            vec![json!("a"), json!({"key": "a"}), json!([{"name": "a"}]), json!([{"key": 1}]), json!(1)]
        }
        "feature_flags" => vec![json!("a"), json!(["a"]), json!(1), json!(false)],
        _ => vec![json!(""), json!(["a"]), json!({"code": "a"}), json!(7), json!(true)],
    };
    select(values)
}

fn cases(what: &str, soak: u32) -> ProptestConfig {
    // The file of former failures belongs into no checkout: a failure becomes a test of its own.
    ProptestConfig { cases: scaled(what, soak), failure_persistence: None, ..ProptestConfig::default() }
}

/// covers: C7 E5 E7
#[test]
fn fewer_claims_never_grant_more() {
    let strategy = (grants(), vec(any::<bool>(), 1..16), requirement(CLAIMS, false));
    let lost = Cell::new(0);
    proptest!(cases("trees without negation", 20_000), |((grants, kept, requirement) in strategy)| {
        let more = STAGE.identity(&grants.claims());
        let fewer = STAGE.identity(&grants.without_some(&kept).claims());
        let (by_more, by_fewer) = (requirement.check(&more).is_ok(), requirement.check(&fewer).is_ok());
        prop_assert!(by_more || !by_fewer);
        lost.set(lost.get() + u32::from(by_more && !by_fewer));
    });
    assert!(lost.get() > 0, "the claims that were taken away decided at least once");
}

/// covers: C7
#[test]
fn absent_null_and_empty_claims_decide_alike() {
    let strategy = (grants(), select(AUTHORIZATION_CLAIMS), requirement(CLAIMS, true));
    proptest!(cases("trees over absent claims", 10_000), |((grants, claim, requirement) in strategy)| {
        let mut claims = grants.claims();
        claims.remove(claim);
        let absent = requirement.verdict(&STAGE.identity(&claims));
        claims.insert(claim.to_owned(), Value::Null);
        prop_assert_eq!(requirement.verdict(&STAGE.identity(&claims)), absent);
    });
}

/// covers: C7
#[test]
fn malformed_claim_never_grants_where_it_decides_alone() {
    let strategy = select(AUTHORIZATION_CLAIMS).prop_flat_map(|claim| {
        let only: &'static [&'static str] = match claim {
            "permissions" => &["permissions"],
            "roles" => &["roles"],
            "feature_flags" => &["feature_flags"],
            _ => &["org_code"],
        };
        (grants(), Just(claim), malformed(claim), requirement(only, true))
    });
    proptest!(cases("malformed claims", 20_000), |((grants, claim, value, requirement) in strategy)| {
        let mut claims = grants.claims();
        claims.insert(claim.to_owned(), value);
        let identity = STAGE.identity(&claims);
        prop_assert_eq!(requirement.verdict(&identity), Verdict::Unknown);
        prop_assert!(requirement.check(&identity).is_err());
        prop_assert!(requirement.negated().check(&identity).is_err());
    });
}

/// covers: C7
#[test]
fn what_a_malformed_claim_lets_pass_would_pass_whatever_the_claim_said() {
    let strategy = (grants(), grants(), select(AUTHORIZATION_CLAIMS), requirement(CLAIMS, true))
        .prop_flat_map(|(one, other, claim, requirement)| {
            (Just(one), Just(other), Just(claim), malformed(claim), Just(requirement))
        });
    let passed = Cell::new(0);
    proptest!(cases("trees beside malformed claims", 20_000), |((one, other, claim, value, requirement) in strategy)| {
        let mut claims = one.claims();
        claims.insert(claim.to_owned(), value);
        if requirement.check(&STAGE.identity(&claims)).is_ok() {
            passed.set(passed.get() + 1);
            claims.remove(claim);
            prop_assert!(requirement.check(&STAGE.identity(&claims)).is_ok(), "absent");
            claims.extend(other.claims().remove(claim).map(|value| (claim.to_owned(), value)));
            prop_assert!(requirement.check(&STAGE.identity(&claims)).is_ok(), "otherwise");
        }
    });
    assert!(passed.get() > 0, "other claims decided at least once");
}

/// covers: A1 A5 J4
#[test]
fn no_text_is_accepted_as_a_token_and_none_panics() {
    let segment = "[A-Za-z0-9_-]{0,40}";
    let strategy = prop_oneof![
        vec(any::<u8>(), 0..300).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        ".{0,200}",
        "[A-Za-z0-9_.=+/-]{0,200}",
        (segment, segment, segment).prop_map(|(header, payload, end)| format!("{header}.{payload}.{end}")),
    ];
    proptest!(cases("texts", 200_000), |(token in strategy)| {
        prop_assert!(!STAGE.accepts(&token));
    });
}

/// covers: A2 A9 A10 J4
#[test]
fn no_header_and_claims_are_accepted_under_a_signature_of_noise() {
    let json = json_text();
    let strategy = (json.clone(), json, vec(any::<u8>(), 0..300));
    proptest!(cases("headers and claims", 50_000), |((header, claims, signature) in strategy)| {
        let encode = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, bytes);
        let token = [header.as_bytes(), claims.as_bytes(), &signature].map(encode).join(".");
        prop_assert!(!STAGE.accepts(&token));
    });
}

/// covers: C4 J4
#[test]
fn no_claims_panic_and_only_sound_ones_are_accepted_under_a_good_signature() {
    let names = select(&["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "scp", "gty"][..]);
    let strategy = (names, json_value());
    proptest!(cases("claims of any type", 20_000), |((name, value) in strategy)| {
        let mut claims = Grants::default().claims();
        claims.insert(name.to_owned(), value.clone());
        let is_sound = match name {
            "iss" | "sub" | "azp" => value.is_string(),
            "exp" | "iat" | "nbf" => value.is_number(),
            "scp" => strings(&value),
            _ => value.is_string() || strings(&value),
        };
        prop_assert!(is_sound || !STAGE.accepts(&STAGE.token(&claims)), "{} is {}", name, value);
    });
}

/// covers: A5 A11
#[test]
fn altered_token_is_never_accepted_unless_it_is_the_same_again() {
    let good = STAGE.token(&Grants::default().claims());
    assert!(STAGE.accepts(&good), "and from here on it is remembered");
    let change = (0..4_u8, any::<Index>(), any::<u8>());
    let strategy = prop_oneof![4 => vec(change.clone(), 1..2), 1 => vec(change, 2..6)];
    proptest!(cases("altered tokens", 100_000), |(changes in strategy)| {
        let mut bytes = good.clone().into_bytes();
        for (kind, index, byte) in changes {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] ^= 1 << (byte % 7),
                1 => bytes[at] = byte,
                2 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        let altered = String::from_utf8_lossy(&bytes);
        prop_assert!(altered == good || !STAGE.accepts(&altered), "{}", altered);
    });
}

/// Every single-bit change, every deletion and every doubling of one byte: not drawn, but all of them.
///
/// covers: A5 A11
#[test]
fn token_with_any_one_bit_turned_or_byte_lost_is_refused() {
    let good = STAGE.token(&Grants::default().claims());
    for at in 0..good.len() {
        let mut lost = good.clone();
        lost.remove(at);
        let mut doubled = good.clone();
        doubled.insert(at, char::from(good.as_bytes()[at]));
        assert!(!STAGE.accepts(&lost) && !STAGE.accepts(&doubled), "byte {at}");
        for bit in 0..7 {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            assert!(!STAGE.accepts(&String::from_utf8(bytes).unwrap()), "bit {bit} of byte {at}");
        }
    }
}

fn strings(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

/// Any JSON, often of the right names and nearly the right values.
fn json_value() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![json!(ISSUER), json!("app"), json!("RS256"), json!("none"), json!(NOW)]),
        ".{0,12}".prop_map(Value::from),
    ];
    let names = prop_oneof![select(HEADER_NAMES).prop_map(str::to_owned), "[a-z]{1,3}"];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(names.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn json_text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        json_value().prop_map(|value| value.to_string()),
        // The right header with one more member.
        json_value().prop_map(|value| {
            json!({"alg": "RS256", "kid": "3a:9c\"+/%", "typ": "JWT", "crit": value}).to_string()
        }),
    ]
}

const ISSUER: &str = "https://acme.kinde.com";
const NOW: u64 = 1_790_000_000;
const NAMES: &[&str] = &["a", "b\"", "c:+/%", "ü"];
const CLAIMS: &[&str] = &["permissions", "roles", "scp", "feature_flags", "org_code"];
const AUTHORIZATION_CLAIMS: &[&str] = &["permissions", "roles", "feature_flags", "org_code"];
const HEADER_NAMES: &[&str] = &["alg", "kid", "typ", "crit", "jwk", "iss", "aud", "exp", "permissions"];
