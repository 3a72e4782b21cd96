//! A marker in every secret, and nowhere else: not in a log at TRACE, an error, a `Debug`, or an answer.

use std::collections::HashMap;

use axum::{Router, body::Body};
use http::Request;
use kinde_axum::KindeLayer;
use kinde_core::{
    AuthError, AuthState, ConfigError, Credential, ExpectedIdToken, Issuer, Jwks, Kinde, Secret, Settings,
    Verifier,
};
use kinde_emulator::{Environment, Fault, Person};
use kinde_tests::{Answer, answer, api, send};
use serde_json::json;
use tower::ServiceExt;

use crate::capture::Capture;

/// What must appear nowhere, and everything in which it could.
#[derive(Default)]
struct Search {
    secrets: Vec<(String, String)>,
    printed: Vec<(String, String)>,
}

impl Search {
    fn hide(&mut self, name: &str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= PART_BYTES, "{name} is too short to be told from other text");
        self.secrets.push((name.to_owned(), secret));
    }

    /// Hides payload and signature of a token; the header is the same for all tokens of a key.
    fn hide_token(&mut self, name: &str, token: &str) {
        let segments = token.split('.').enumerate().skip(1);
        for (index, segment) in segments.filter(|(_, segment)| segment.len() >= PART_BYTES) {
            self.hide(&format!("segment {index} of {name}"), segment);
        }
    }

    fn look_at(&mut self, place: &str, text: impl Into<String>) {
        self.printed.push((place.to_owned(), text.into()));
    }

    fn look_at_debug(&mut self, place: &str, value: &dyn std::fmt::Debug) {
        self.look_at(place, format!("{value:?} {value:#?}"));
    }

    fn look_at_error(&mut self, place: &str, error: &AuthError) {
        self.look_at(place, format!("{error} {} {error:?} {:?}", error.fix(), error.reason()));
    }

    /// Also finds a part of a secret, as a text that was cut would hold it.
    fn finds(&self) -> Vec<String> {
        let parts: HashMap<&[u8], &str> = self
            .secrets
            .iter()
            .flat_map(|(name, secret)| {
                secret.as_bytes().chunks_exact(PART_BYTES).map(move |part| (part, name.as_str()))
            })
            .collect();
        let mut found = Vec::new();
        for (place, text) in &self.printed {
            if let Some(name) = text.as_bytes().windows(PART_BYTES).find_map(|window| parts.get(window)) {
                found.push(format!("{name} in {place}: {text:.200}"));
            }
        }
        found
    }
}

/// Somebody whose every claim is a marker.
fn canary(kinde: &Environment) -> Person {
    kinde
        .person("canary")
        .in_org("acme")
        .with_claim("sub", SUBJECT)
        .with_claim("email", EMAIL)
        .with_claim("jti", "canary-of-the-jti")
        .with("canary:of:a:permission")
}

/// Tokens that are refused, one for each way in which the emulator can make one wrong.
fn bad_tokens(kinde: &Environment) -> Vec<(&'static str, String)> {
    let person = canary(kinde);
    let wrong = person.wrong();
    let kid = kinde.signing_kid();
    let claims = json!({"iss": kinde.issuer(), "sub": SUBJECT});
    let header = |kid: &str| json!({"alg": "RS256", "kid": kid, "typ": "JWT"});
    vec![
        ("other key", wrong.other_key()),
        ("unknown kid", wrong.unknown_kid()),
        (
            "kid with line breaks",
            kinde.sign(header("canary\nERROR kinde_tower: forged line\r\u{1b}[31m"), claims.clone()),
        ),
        ("kid of a kilobyte", kinde.sign(header(&"k".repeat(1024)), claims.clone())),
        ("alg none", wrong.alg_none_signed()),
        ("algorithm with a line break", kinde.sign(json!({"alg": "RS\n256", "kid": kid}), claims)),
        ("HMAC", wrong.hmac_with_public_key()),
        ("PSS", wrong.pss()),
        ("no signature", wrong.empty_signature()),
        ("turned bit", wrong.tampered_signature()),
        ("other payload", wrong.tampered_payload()),
        ("own key", wrong.embedded_jwk()),
        ("critical", wrong.critical_header()),
        ("other type", wrong.other_type("dpop+jwt")),
        ("no exp", wrong.without_exp()),
        ("no issuer", wrong.without_issuer()),
        ("expired", wrong.expired()),
        ("not yet valid", wrong.not_yet_valid()),
        ("foreign issuer", wrong.foreign_issuer()),
        ("issuer with line breaks", wrong.saying("iss", "https://x\nforged: yes")),
        ("issuer array", wrong.issuer_array()),
        ("foreign application", wrong.foreign_application()),
        ("repeated claim", wrong.duplicate_claim()),
        ("not JSON", wrong.payload_not_json()),
        ("cut", wrong.truncated()),
        ("two parts", wrong.two_parts()),
        ("five parts", wrong.five_parts()),
        ("padded", wrong.padded()),
        ("ID token", person.id_token()),
        ("machine", kinde.machine("canary").with_claim("jti", "canary").access_token()),
        ("webhook", kinde.webhook_token("user.created", json!({"user": {"id": SUBJECT}}))),
        ("too long", person.with_claim("filler", "f".repeat(20_000)).access_token()),
    ]
}

/// Notes everything of an answer, and what its extensions hold for logs.
fn look_at_answer(search: &mut Search, place: &str, answer: &Answer) {
    search.look_at(
        place,
        format!("{} {:?} {:?} {}", answer.status, answer.challenge, answer.headers, answer.body),
    );
}

async fn send_session(app: &Router, path: &str, token: &str) -> Answer {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(Credential::from_session(Secret::new(token)));
    answer(app.clone().oneshot(request).await.unwrap()).await
}

/// covers: D3 I1 I2 I4 I5
#[tokio::test]
async fn no_secret_is_logged_at_any_level_nor_told_to_anyone() {
    let (capture, _listening) = Capture::begin();
    let kinde = Environment::builder().with_client_secret(CLIENT_SECRET).start().await;
    let handle = Kinde::from_settings(settings(&kinde)).unwrap();
    let verifier = handle.verifier().with_application(kinde.client_id()).build().unwrap();
    let layer = KindeLayer::new(verifier.clone());
    let (app, optional) = (api(layer.clone()), api(layer.clone().optional()));
    let mut search = Search::default();
    search.hide("client secret", CLIENT_SECRET);
    search.hide("session secret", SESSION_SECRET);
    // An identity's own `Debug` shows whose it is; everything else is searched for that too.
    let mut identities = Search::default();

    let good = canary(&kinde).access_token();
    let mut tokens = bad_tokens(&kinde);
    tokens.push(("good", good.clone()));
    tokens.push(("malformed permissions", canary(&kinde).with_claim("permissions", "admin").access_token()));
    for (name, token) in &tokens {
        search.hide_token(name, token);
        let bearer = format!("Bearer {token}");
        for (place, values) in [
            ("once", vec![bearer.as_str()]),
            ("twice", vec![bearer.as_str(); 2]),
            ("with a space behind", vec![&format!("{bearer} ")]),
            ("in quotes", vec![&format!("Bearer \"{token}\"")]),
            ("under another scheme", vec![&format!("DPoP {token}")]),
        ] {
            look_at_answer(
                &mut search,
                &format!("answer to {name} {place}"),
                &send(&app, "/todos", &values).await,
            );
        }
        for (place, app) in [("required", &app), ("optional", &optional)] {
            let answer = send_session(app, "/todos", token).await;
            look_at_answer(&mut search, &format!("answer to a {place} session with {name}"), &answer);
        }
        match verifier.verify(token).await {
            Ok(identity) => {
                identities.look_at_debug("identity", &identity);
                identities.look_at_debug("state", &AuthState::Authenticated(identity));
            }
            Err(error) => search.look_at_error(&format!("error about {name}"), &error),
        }
    }
    assert_eq!(send(&app, "/me", &[&format!("Bearer {good}")]).await.body, SUBJECT, "the marker is there");
    look_at_answer(
        &mut search,
        "answer without a layer",
        &send(&without_a_layer(), "/", &[&format!("Bearer {good}")]).await,
    );

    search.look_at_debug("settings", handle.settings());
    search.look_at_debug("handle", &handle);
    search.look_at_debug("verifier", &verifier);
    search.look_at_debug("layer", &layer);
    search.look_at_debug("credential", &Credential::from_session(Secret::new(good.as_str())));
    search.look_at_debug("secret", &Secret::new(CLIENT_SECRET));
    look_at_sign_in(&mut search, &handle, &canary(&kinde)).await;

    let told = capture.records();
    for code in ["credential refused", "access denied", "key set fetched", "token_expired", "wiring mistake"]
    {
        assert!(told.iter().any(|told| told.text.contains(code)), "the capture heard {code}");
    }
    for told in told {
        if told.target.starts_with("kinde") {
            assert!(!told.text.contains(char::is_control), "a control character in {:?}", told.text);
            assert!(told.text.len() < 1024, "{} bytes in {}", told.text.len(), told.text);
        }
        search.look_at(&format!("log of {}", told.target), told.text);
    }
    identities.secrets.clone_from(&search.secrets);
    assert_eq!(identities.finds(), Vec::<String>::new());
    search.hide("subject", SUBJECT);
    search.hide("e-mail", EMAIL);
    assert_eq!(search.finds(), Vec::<String>::new());
}

fn without_a_layer() -> Router {
    use kinde_axum::AuthUser;
    Router::new().route("/", axum::routing::get(async |user: AuthUser| user.id().to_owned()))
}

fn settings(kinde: &Environment) -> Settings {
    let variables = kinde.variables().into_iter().chain([("SESSION_SECRET", SESSION_SECRET.to_owned())]);
    let settings = Settings::from_variables(variables).unwrap();
    assert_eq!(settings.client_secret().map(Secret::expose), Some(CLIENT_SECRET));
    assert_eq!(settings.session_secret().map(Secret::expose), Some(SESSION_SECRET));
    settings
}

async fn look_at_sign_in(search: &mut Search, handle: &Kinde, person: &Person) {
    let (nonce, access_token) = ("the-nonce-is-a-canary-of-its-own", person.access_token());
    let token = person.with_nonce(nonce).id_token_for(&access_token);
    search.hide("nonce", nonce);
    search.hide_token("access token of the sign-in", &access_token);
    search.hide_token("ID token of the sign-in", &token);
    let expected = ExpectedIdToken::of_sign_in(nonce).with_access_token(&access_token);
    search.look_at_debug("what is expected of the ID token", &expected);
    let verifier = handle.id_token_verifier().unwrap();
    search.look_at_debug("ID token verifier", &verifier);
    let signed_in = verifier.verify(&token, expected).await.unwrap();
    assert_eq!(signed_in.id(), SUBJECT);
    search.look_at_debug("ID token", &signed_in);
    for (name, expected) in [
        ("another nonce", ExpectedIdToken::of_sign_in("canary-of-another-nonce")),
        ("another access token", expected.with_access_token("a.b.c")),
    ] {
        search.look_at_error(name, &verifier.verify(&token, expected).await.unwrap_err());
    }
}

/// covers: I2 I4
#[tokio::test]
async fn provider_that_answers_with_secrets_gets_none_of_them_logged() {
    let body = r#"{"keys":[{"kty":"RSA","kid":"canary\nkid","d":"canary-of-a-private-key-0123456789"}]}"#;
    for (name, fault) in [
        ("set of a private key", Fault::json(200, body)),
        ("not JSON", Fault::json(200, "canary-of-a-private-key-0123456789")),
        ("error page", Fault::json(500, "canary-of-a-private-key-0123456789")),
        ("redirect", Fault::Redirect("https://canary-of-a-private-key-0123456789.example/".to_owned())),
        (
            "headers",
            Fault::Headers(vec![("etag".to_owned(), "\"canary-of-a-private-key-0123456789\"".to_owned())]),
        ),
    ] {
        let (capture, _listening) = Capture::begin();
        let kinde = Environment::start().await;
        kinde.fault("/.well-known/jwks", fault);
        let jwks = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
        let verifier = Verifier::builder(jwks.clone()).with_application(kinde.client_id()).build().unwrap();
        let app = api(KindeLayer::new(verifier));
        let mut search = Search::default();
        search.hide("what the provider said", "canary-of-a-private-key-0123456789");
        let answer = send(&app, "/me", &[&format!("Bearer {}", kinde.person("alice").access_token())]).await;
        look_at_answer(&mut search, "answer", &answer);
        search.look_at_debug("health", &jwks.health());
        search.look_at_debug("key set", &jwks);
        let told: Vec<_> =
            capture.records().into_iter().filter(|told| told.target.starts_with("kinde")).collect();
        assert!(!told.is_empty(), "{name}");
        for told in told {
            assert!(!told.text.contains(char::is_control), "{name}: {:?}", told.text);
            search.look_at("log", told.text);
        }
        assert_eq!(search.finds(), Vec::<String>::new(), "{name}");
    }
}

/// covers: I1 I4
#[test]
fn no_configuration_error_shows_a_secret() {
    let issuer = ("KINDE_ISSUER_URL", "https://acme.kinde.com");
    let spoilt = [format!("{CLIENT_SECRET}\n"), format!("\"{CLIENT_SECRET}\""), format!(" {CLIENT_SECRET}")];
    let [line_break, quotes, space] = spoilt.each_ref().map(String::as_str);
    let password = format!("https://ops:{CLIENT_SECRET}@acme.kinde.com");
    let mut search = Search::default();
    search.hide("secret", CLIENT_SECRET);
    let mut problems = 0;
    for (name, value) in [
        ("KINDE_CLIENT_SECRET", line_break),
        ("KINDE_CLIENT_SECRET", quotes),
        ("KINDE_CLIENT_SECRET", space),
        ("SESSION_SECRET", quotes),
        ("KINDE_WEBHOOK_SECRET", CLIENT_SECRET),
        ("NEXT_PUBLIC_KINDE_CLIENT_SECRET", CLIENT_SECRET),
        ("VITE_KINDE_CLIENT_SECRET", CLIENT_SECRET),
        ("KINDE_CLIENT_SECRETT", CLIENT_SECRET),
        ("KINDE_CLIENT_SECRE", CLIENT_SECRET),
        ("KINDE_DOMAIN", &password),
        ("KINDE_SITE_URL", &password),
        ("KINDE_POST_LOGIN_REDIRECT_URL", &password),
        ("KINDE_TOKEN_ENDPOINT", &password),
    ] {
        let error = Settings::from_variables([issuer, (name, value)]).unwrap_err();
        problems += look_at_configuration(&mut search, name, &error);
    }
    let twice = [issuer, ("KINDE_CLIENT_SECRET", CLIENT_SECRET), ("KINDE_CLIENT_SECRET", "another")];
    problems += look_at_configuration(&mut search, "twice", &Settings::from_variables(twice).unwrap_err());
    let key = format!(r#"{{"keys":[{{"kty":"oct","k":"{CLIENT_SECRET}"}}]}}"#);
    for (name, text) in [("symmetric key", key.as_str()), ("not JSON", CLIENT_SECRET)] {
        let error = Jwks::from_static_json(Issuer::new(issuer.1).unwrap(), text).unwrap_err();
        problems += look_at_configuration(&mut search, name, &error);
    }
    assert!(problems >= 16, "{problems}");
    assert_eq!(search.finds(), Vec::<String>::new());
}

fn look_at_configuration(search: &mut Search, name: &str, error: &ConfigError) -> usize {
    search.look_at(name, format!("{error} {error:?} {error:#?}"));
    for problem in error.problems() {
        let found = problem.found().map(ToString::to_string);
        search.look_at(
            name,
            format!("{problem} {problem:?} {} {} {found:?}", problem.setting(), problem.fix()),
        );
    }
    error.problems().len()
}

/// The search itself is searched for holes: what is told must be found, whole, cut, and from whichever way in.
#[tokio::test]
async fn marker_that_is_told_is_found() {
    let (capture, _listening) = Capture::begin();
    tracing::trace!(target: "some_crate::inside", secret = CLIENT_SECRET, "told as text");
    tracing::trace!("told as message: {SESSION_SECRET}");
    let span = tracing::trace_span!("told to a span", %SUBJECT, later = tracing::field::Empty);
    span.record("later", EMAIL);
    tokio::spawn(async { tracing::info!(told = ?"canary-of-a-task-0123456789") }).await.unwrap();
    for (name, secret) in [
        ("text", CLIENT_SECRET),
        ("message", SESSION_SECRET),
        ("span", SUBJECT),
        ("recorded later", EMAIL),
        ("task", "canary-of-a-task-0123456789"),
    ] {
        let mut search = Search::default();
        search.hide(name, secret);
        assert_eq!(search.finds().len(), 0, "{name}: nothing is searched yet");
        capture.records().into_iter().for_each(|told| search.look_at("log", told.text));
        assert_eq!(search.finds().len(), 1, "{name}");
    }
    let kinde = Environment::start().await;
    let token = canary(&kinde).access_token();
    let payload_start = token.split_once('.').unwrap().1;
    for (name, text) in [
        ("whole", token.clone()),
        ("its first 100 characters of the payload", payload_start[..100].to_owned()),
        ("its last 64 characters", token[token.len() - 64..].to_owned()),
    ] {
        let mut search = Search::default();
        search.hide_token("token", &token);
        search.look_at(name, format!("refused {text}"));
        assert!(!search.finds().is_empty(), "{name}");
    }
}

const CLIENT_SECRET: &str = "canaryOfTheClientSecret0123456789abcdefghijklmnop";
const SESSION_SECRET: &str = "canary-of-the-session-secret+/%0123456789abcdef";
const SUBJECT: &str = "kp_canary_of_the_subject_0123456789";
const EMAIL: &str = "canary+of+the+address@larkspur.example";
/// Short enough that a text cut at 128 bytes holds a whole part.
const PART_BYTES: usize = 20;
