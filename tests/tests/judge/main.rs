//! The program `verify-lines`: each line in is judged, each verdict out is the right one.

mod signer;

use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
    sync::LazyLock,
    thread,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use signer::Signer;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::generate("3a:9c:+/%\""));
static STRANGER: LazyLock<Signer> = LazyLock::new(|| Signer::generate("3a:9c:+/%\""));

/// Runs the program on these lines; it must end well and say nothing else.
fn verdicts(lines: &[String]) -> Vec<Value> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_verify-lines"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    let text = lines.join("\n");
    // A thread of its own: the program answers while it is asked.
    let writer = thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
    let output = program.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks each question, numbered by its place, and compares `ok` and the code in brackets at the end of `error`.
fn judged(rows: Vec<(&str, Value, Value, &str)>) {
    let lines = rows.iter().enumerate().map(|(id, (_, base, change, _))| {
        let mut question = base.clone();
        question["id"] = json!(id);
        for (member, value) in change.as_object().unwrap() {
            if value == "(absent)" {
                question.as_object_mut().unwrap().remove(member);
            } else {
                question[member] = value.clone();
            }
        }
        question.to_string()
    });
    let lines: Vec<_> = lines.collect();
    let mut answers: BTreeMap<u64, Value> =
        verdicts(&lines).into_iter().map(|answer| (answer["id"].as_u64().unwrap(), answer)).collect();
    assert_eq!(answers.len(), rows.len(), "one verdict for each line");
    for (id, (name, _, _, expected)) in rows.iter().enumerate() {
        let answer = answers.remove(&(id as u64)).unwrap();
        assert_eq!(answer["ok"], json!(*expected == "ok"), "{name}: {answer}");
        match answer["error"].as_str() {
            None => assert_eq!((*expected, &answer["error"]), ("ok", &Value::Null), "{name}"),
            Some(error) => assert!(error.contains(expected), "{name}: {error}, expected {expected}"),
        }
    }
}

fn access_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "kp_1", "azp": "app", "aud": [API], "iat": NOW, "exp": NOW + 3600,
        "scp": ["openid"], "permissions": ["a"],
    })
}

fn id_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "kp_1", "azp": "app", "aud": [ISSUER, "app"], "iat": NOW, "exp": NOW + 3600,
        "auth_time": NOW, "nonce": "n-1",
    })
}

/// Claims with one of them said differently; `null` stands for absent.
fn but(mut claims: Value, claim: &str, value: Value) -> Value {
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
        value => claims[claim] = value,
    }
    claims
}

fn signed(claims: &Value) -> String {
    SIGNER.sign(&SIGNER.header(), claims)
}

fn signed_under(header: Value) -> String {
    SIGNER.sign(&header, &access_claims())
}

fn bearer(token: String) -> Value {
    json!({
        "op": "bearer", "token": token, "jwks": SIGNER.jwks(), "algs": ["RS256"], "now": NOW, "issuer": ISSUER,
        "audience": API, "leeway": 0,
    })
}

fn idtoken(token: String) -> Value {
    json!({
        "op": "idtoken", "token": token, "jwks": SIGNER.jwks(), "algs": ["RS256"], "now": NOW, "issuer": ISSUER,
        "client_id": "app", "nonce": "n-1", "leeway": 0,
    })
}

fn jws(token: String) -> Value {
    json!({"op": "jws", "token": token, "jwks": SIGNER.jwks(), "algs": ["RS256"]})
}

fn webhook(token: String) -> Value {
    json!({"op": "webhook", "token": token, "jwks": SIGNER.jwks(), "now": NOW, "issuer": ISSUER})
}

fn event_claims() -> Value {
    json!({
        "type": "user.created", "event_id": "event_1", "source": "admin", "timestamp": EVENT_TIME,
        "data": {"user": {"id": "kp_1"}},
    })
}

fn none() -> Value {
    json!({})
}

/// covers: A2 A4 C1 C2 C3 C4
#[test]
fn bearer_lines_are_judged_as_an_api_judges() {
    let good = || signed(&access_claims());
    let said = |claim, value| bearer(signed(&but(access_claims(), claim, value)));
    judged(vec![
        ("good", bearer(good()), none(), "ok"),
        ("one of several audiences", bearer(good()), json!({"audience": ["other", API]}), "ok"),
        ("audience as a string", said("aud", json!(API)), none(), "ok"),
        (
            "bound by application",
            said("aud", json!([])),
            json!({"audience": "(absent)", "client_id": "app"}),
            "ok",
        ),
        ("last second", bearer(good()), json!({"now": NOW + 3599}), "ok"),
        ("expired", bearer(good()), json!({"now": NOW + 3600}), "token_expired"),
        ("last second of the leeway", bearer(good()), json!({"now": NOW + 3629, "leeway": 30}), "ok"),
        ("past the leeway", bearer(good()), json!({"now": NOW + 3630, "leeway": 30}), "token_expired"),
        ("time with a fraction", bearer(good()), json!({"now": (NOW + 3599) as f64 + 0.5}), "ok"),
        ("issued ahead", bearer(good()), json!({"now": NOW - 1}), "token_not_yet_valid"),
        ("not yet", said("nbf", json!(NOW + 1)), none(), "token_not_yet_valid"),
        ("no exp", said("exp", Value::Null), none(), "claim_missing"),
        ("exp as text", said("exp", json!("1790003600")), none(), "claim_type"),
        ("no iss", said("iss", Value::Null), none(), "claim_missing"),
        ("iss with a slash", said("iss", json!("https://acme.kinde.com/")), none(), "issuer_mismatch"),
        ("other audience", said("aud", json!(["x"])), none(), "audience_mismatch"),
        ("no audience", said("aud", json!([])), none(), "audience_absent"),
        ("no subject", said("sub", Value::Null), none(), "claim_missing"),
        ("ID token", bearer(signed(&id_claims())), none(), "wrong_token_kind"),
        (
            "signed by another",
            bearer(STRANGER.sign(&STRANGER.header(), &access_claims())),
            none(),
            "signature_invalid",
        ),
        ("unknown kid", bearer(signed_under(json!({"alg": "RS256", "kid": "x"}))), none(), "key_unknown"),
        ("none", bearer(signed_under(json!({"alg": "none", "kid": KID}))), none(), "algorithm_not_allowed"),
        ("HS256", bearer(signed_under(json!({"alg": "HS256", "kid": KID}))), none(), "algorithm_not_allowed"),
        (
            "crit",
            bearer(signed_under(json!({"alg": "RS256", "kid": KID, "crit": []}))),
            none(),
            "header_malformed",
        ),
        ("no token", bearer(String::new()), none(), "token_malformed"),
        ("garbage", bearer("not.a.token".to_owned()), none(), "header_malformed"),
        ("garbage of three segments", bearer("junk.junk.junk".to_owned()), none(), "header_malformed"),
        ("cut", bearer(good()[..good().len() - 2].to_owned()), none(), "signature_invalid"),
        ("key set as text", bearer(good()), json!({"jwks": SIGNER.jwks().to_string()}), "ok"),
        ("empty key set", bearer(good()), json!({"jwks": {"keys": []}}), "jwks_no_usable_key"),
        ("no key set", bearer(good()), json!({"jwks": "(absent)"}), "jwks_not_a_key_set"),
        ("key set is no object", bearer(good()), json!({"jwks": [1]}), "jwks_not_a_key_set"),
        ("bound by nothing", bearer(good()), json!({"audience": "(absent)"}), "verifier_unbound"),
        ("empty audience", bearer(good()), json!({"audience": ""}), "audience_empty"),
        ("no audiences", bearer(good()), json!({"audience": []}), "audience_empty"),
        ("leeway of hours", bearer(good()), json!({"leeway": 7200}), "leeway_too_long"),
        ("negative leeway", bearer(good()), json!({"leeway": -1}), "leeway"),
        ("negative time", bearer(good()), json!({"now": -1}), "now"),
        ("no time", bearer(good()), json!({"now": "(absent)"}), "now is missing"),
        ("no issuer", bearer(good()), json!({"issuer": "(absent)"}), "issuer is missing"),
        ("issuer over plain http", bearer(good()), json!({"issuer": "http://acme.kinde.com"}), "https"),
        ("default leeway", bearer(good()), json!({"now": NOW + 3659, "leeway": "(absent)"}), "ok"),
        ("past it", bearer(good()), json!({"now": NOW + 3660, "leeway": "(absent)"}), "token_expired"),
        ("all algorithms", bearer(good()), json!({"algs": "(absent)"}), "ok"),
        ("RS256 among others", bearer(good()), json!({"algs": ["ES256", "RS256", "HS256"]}), "ok"),
        ("ES256 only", bearer(good()), json!({"algs": ["ES256"]}), "algorithm_not_allowed"),
        ("no algorithm", bearer(good()), json!({"algs": []}), "algorithm_not_allowed"),
        ("lower case", bearer(good()), json!({"algs": ["rs256"]}), "algorithm_not_allowed"),
        ("algorithms of other types", bearer(good()), json!({"algs": [null, 1]}), "algorithm_not_allowed"),
    ]);
}

/// covers: H3 H4 H5 H6 H9
#[test]
fn webhook_lines_are_judged_as_a_receiver_judges() {
    let good = || signed(&event_claims());
    let said = |claim, value| webhook(signed(&but(event_claims(), claim, value)));
    let later = |seconds: u64| json!({"now": NOW + seconds});
    judged(vec![
        ("good", webhook(good()), none(), "ok"),
        ("white space around", webhook(format!(" \r\n{}\n", good())), none(), "ok"),
        ("unknown type", said("type", json!("moon.landed")), none(), "ok"),
        ("empty data", said("data", json!({})), none(), "ok"),
        ("its issuer", said("iss", json!(ISSUER)), none(), "ok"),
        ("last second", webhook(good()), later(48 * 3600 - 1), "ok"),
        ("too old", webhook(good()), later(48 * 3600), "token_too_old"),
        ("five minutes ahead", webhook(good()), json!({"now": NOW - 300}), "ok"),
        ("too far ahead", webhook(good()), json!({"now": NOW - 301}), "token_not_yet_valid"),
        ("no type", said("type", Value::Null), none(), "claim_missing"),
        ("empty type", said("type", json!("")), none(), "claim_type"),
        ("no event_id", said("event_id", Value::Null), none(), "claim_missing"),
        ("no timestamp", said("timestamp", Value::Null), none(), "claim_missing"),
        ("timestamp of seconds", said("timestamp", json!(NOW)), none(), "claim_type"),
        ("no data", said("data", Value::Null), none(), "claim_missing"),
        ("data is a list", said("data", json!([])), none(), "claim_type"),
        ("sub", said("sub", json!("kp_1")), none(), "wrong_token_kind"),
        ("azp", said("azp", json!("app")), none(), "wrong_token_kind"),
        ("events", said("events", json!({})), none(), "wrong_token_kind"),
        ("expired", said("exp", json!(NOW)), none(), "token_expired"),
        ("not yet", said("nbf", json!(NOW + 301)), none(), "token_not_yet_valid"),
        ("foreign issuer", said("iss", json!("https://other.kinde.com")), none(), "issuer_mismatch"),
        ("foreign audience", said("aud", json!(["x"])), none(), "audience_mismatch"),
        ("access token", webhook(signed(&access_claims())), none(), "wrong_token_kind"),
        ("ID token", webhook(signed(&id_claims())), none(), "wrong_token_kind"),
        ("event as bearer", bearer(good()), none(), "wrong_token_kind"),
        ("event as ID token", idtoken(good()), none(), "wrong_token_kind"),
        (
            "signed by another",
            webhook(STRANGER.sign(&STRANGER.header(), &event_claims())),
            none(),
            "signature_invalid",
        ),
        ("two tokens", webhook(format!("{}\n{}", good(), good())), none(), "token_encrypted"),
        ("byte order mark", webhook(format!("\u{feff}{}", good())), none(), "header_malformed"),
        ("empty", webhook(String::new()), none(), "token_malformed"),
        ("no time", webhook(good()), json!({"now": "(absent)"}), "now is missing"),
    ]);
}

/// covers: F7
#[test]
fn id_token_lines_are_judged_as_a_sign_in_judges() {
    let good = || signed(&id_claims());
    let said = |claim, value| idtoken(signed(&but(id_claims(), claim, value)));
    let access_token = signed(&access_claims());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
    let at_hash = json!(BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]));
    judged(vec![
        ("good", idtoken(good()), none(), "ok"),
        ("nonce not asked for", idtoken(good()), json!({"nonce": "(absent)"}), "ok"),
        ("other nonce", idtoken(good()), json!({"nonce": "n-2"}), "nonce_mismatch"),
        ("no nonce", said("nonce", Value::Null), none(), "claim_missing"),
        ("at_hash", said("at_hash", at_hash.clone()), json!({"access_token": access_token}), "ok"),
        (
            "other access token",
            said("at_hash", at_hash),
            json!({"access_token": "a.b.c"}),
            "access_token_hash_mismatch",
        ),
        ("no at_hash", idtoken(good()), json!({"access_token": access_token}), "ok"),
        ("other application", idtoken(good()), json!({"client_id": "other"}), "application_mismatch"),
        ("expired", idtoken(good()), json!({"now": NOW + 3600}), "token_expired"),
        ("no iat", said("iat", Value::Null), none(), "claim_missing"),
        ("other issuer", said("iss", json!("https://other.kinde.com")), none(), "issuer_mismatch"),
        ("access token", idtoken(access_token.clone()), none(), "wrong_token_kind"),
        ("no client ID", idtoken(good()), json!({"client_id": "(absent)"}), "client_id is missing"),
        ("ES256 only", idtoken(good()), json!({"algs": ["ES256"]}), "algorithm_not_allowed"),
    ]);
}

/// covers: A1 A2 A5
#[test]
fn jws_lines_are_judged_by_header_key_and_signature_alone() {
    let under = |header| jws(signed_under(header));
    judged(vec![
        ("expired, no issuer", jws(signed(&json!({"exp": 1}))), none(), "ok"),
        ("claims that are a list", jws(signed(&json!([1]))), none(), "ok"),
        ("no kid, one key", under(json!({"alg": "RS256"})), none(), "ok"),
        ("at+jwt", under(json!({"alg": "RS256", "kid": KID, "typ": "at+jwt"})), none(), "ok"),
        (
            "dpop+jwt",
            under(json!({"alg": "RS256", "kid": KID, "typ": "dpop+jwt"})),
            none(),
            "type_not_allowed",
        ),
        ("kid is a number", under(json!({"alg": "RS256", "kid": 7})), none(), "header_malformed"),
        ("no alg", under(json!({"kid": KID})), none(), "header_malformed"),
        ("padding", jws(format!("{}=", signed(&json!({})))), none(), "token_malformed"),
        ("five parts", jws("a.b.c.d.e".to_owned()), none(), "token_encrypted"),
        (
            "signed by another",
            jws(STRANGER.sign(&STRANGER.header(), &json!({}))),
            none(),
            "signature_invalid",
        ),
        ("without RS256", jws(signed(&json!({}))), json!({"algs": ["PS256"]}), "algorithm_not_allowed"),
        ("loopback issuer", jws(signed(&json!({}))), json!({"issuer": "http://localhost:1"}), "ok"),
    ]);
}

#[test]
fn lines_that_are_no_questions_get_a_verdict_and_stop_nothing() {
    let good = |id: Value| {
        let mut question = bearer(signed(&access_claims()));
        question["id"] = id;
        question.to_string()
    };
    let lines = [
        "not json".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        String::new(),
        "   ".to_owned(),
        r#"{"id":"x","op":"other","token":"a"}"#.to_owned(),
        r#"{"id":"x","op":"bearer"}"#.to_owned(),
        r#"{"id":"x","op":"bearer","token":7}"#.to_owned(),
        r#"{"id":"x","op":"bearer","token":"a","now":"soon"}"#.to_owned(),
        good(json!("text \"+/%\" ü")),
        good(json!(-1)),
        good(json!(null)),
        good(json!({"nested": [1]})),
    ];
    let answers = verdicts(&lines);
    let (bad, good): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer["ok"] == false);
    assert_eq!(bad.len(), 7, "white space is no question: {bad:?}");
    assert!(
        bad.iter().all(|answer| answer["error"].as_str().unwrap().starts_with("line_malformed")),
        "{bad:?}"
    );
    let ids: Vec<_> = good.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!("text \"+/%\" ü"), &json!(-1), &json!(null), &json!({"nested": [1]})]);
}

#[test]
fn no_input_is_no_error() {
    assert_eq!(verdicts(&[]).len(), 0);
}

/// covers: I4 D3
#[test]
fn no_verdict_repeats_its_token() {
    let token = signed(&but(access_claims(), "aud", json!(["x"])));
    let answers = verdicts(&[bearer(token.clone()).to_string().replacen('{', r#"{"id":1,"#, 1)]);
    for segment in token.split('.') {
        assert!(!answers[0].to_string().contains(segment), "{}", answers[0]);
    }
}

/// covers: J3
#[test]
fn thousands_of_lines_are_judged_in_one_run() {
    let token = signed(&access_claims());
    let lines = (0..2_000).map(|id| {
        let mut question = bearer(token.clone());
        question["id"] = json!(id);
        question["now"] = json!(if id % 2 == 0 { NOW } else { NOW + 3600 });
        question.to_string()
    });
    let lines: Vec<_> = lines.collect();
    let answers = verdicts(&lines);
    assert_eq!(answers.len(), 2_000);
    for answer in answers {
        assert_eq!(answer["ok"], answer["id"].as_u64().unwrap() % 2 == 0, "{answer}");
    }
}

const ISSUER: &str = "https://acme.kinde.com";
const API: &str = "https://api.acme.example";
const KID: &str = "3a:9c:+/%\"";
const NOW: u64 = 1_790_000_000;
/// The same moment.
const EVENT_TIME: &str = "2026-09-21T14:13:20Z";
