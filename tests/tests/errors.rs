//! The stable codes: each has a section in docs/errors.md, each section a code, and each code is provoked here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use http::Request;
use kinde_axum::{AuthUser, KindeLayer, OrgCode, permissions};
use kinde_core::{
    AuthError, AuthErrorKind, AuthReason, ConfigError, ConfigProblem, ExpectedIdToken, IdTokenVerifier,
    Issuer, Jwks, Kinde, ManualClock, Requirement, Secret, Settings, UntrustedText, Verifier,
    VerifierBuilder,
};
use kinde_emulator::Environment;
use serde_json::json;
use tower::ServiceExt;

permissions! {
    /// May do everything.
    pub Everything = "admin:all";
}

/// An environment with a registered API, its keys held fixed, and clocks set by hand.
struct Stage {
    kinde: Environment,
}

impl Stage {
    async fn set() -> Self {
        let kinde = Environment::builder().with_audience(API).start().await;
        kinde.set_time(NOW);
        Self { kinde }
    }

    fn issuer(&self) -> Issuer {
        Issuer::new(self.kinde.issuer()).unwrap()
    }

    fn jwks(&self) -> Jwks {
        Jwks::from_static_json(self.issuer(), &self.kinde.jwks()).unwrap()
    }

    fn builder(&self) -> VerifierBuilder {
        Verifier::builder(self.jwks()).with_clock(ManualClock::at_unix_seconds(NOW))
    }

    /// Asks a route of an API that demands one thing or another.
    async fn ask(&self, path: &str, authorization: &[&str]) -> Option<AuthError> {
        let verifier = self.builder().with_audience(API).build().unwrap();
        let app = Router::new()
            .route("/me", get(async |user: AuthUser| user.id().to_owned()))
            .route("/org", get(async |org: OrgCode| org.to_string()))
            .route("/org/ensure", get(async |org: OrgCode| org.ensure("org_\"another\n").map(|()| "fine")))
            .route("/admin", get(async |_: kinde_axum::RequirePermission<Everything>| "done"))
            .layer(KindeLayer::new(verifier).accept_machines())
            .route("/bare", get(async |user: AuthUser| user.id().to_owned()));
        let mut request = Request::get(path);
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        response.extensions().get::<AuthError>().cloned()
    }

    async fn ask_as(&self, path: &str, token: &str) -> Option<AuthError> {
        self.ask(path, &[&format!("Bearer {token}")]).await
    }
}

/// Tells what a verifier says of a token, and that it does not repeat it.
fn refused(verifier: VerifierBuilder, token: &str) -> Option<AuthError> {
    let error = verifier.build().unwrap().verify_at_hand(token).unwrap().err()?;
    for text in [error.to_string(), format!("{error:?} {error:#?}")] {
        for segment in token.split('.').filter(|segment| segment.len() > 20) {
            assert!(!text.contains(segment), "{text}");
        }
    }
    Some(error)
}

/// Provokes every code that a request can meet, through the public API alone.
async fn provoked() -> Vec<(&'static str, AuthErrorKind, Option<AuthError>)> {
    use AuthErrorKind as Kind;
    let stage = Stage::set().await;
    let kinde = &stage.kinde;
    let alice = kinde.person("alice").with_audience(API);
    let (good, wrong, kid) = (alice.access_token(), alice.wrong(), kinde.signing_kid());
    let api = || stage.builder().with_audience(API);
    let application = || stage.builder().with_application(kinde.client_id());
    let header = json!({"alg": "RS256", "kid": kid, "typ": "JWT"});
    let machine = kinde.machine("billing").with_audience(API).access_token();
    let many = [good.as_str(); 2].map(|token| format!("Bearer {token}"));
    let invalid = Kind::InvalidToken;
    let denied = Kind::InsufficientScope;
    let mut rows = vec![
        ("credential_missing", Kind::CredentialMissing, stage.ask("/me", &[]).await),
        (
            "authorization_repeated",
            Kind::InvalidRequest,
            stage.ask("/me", &many.each_ref().map(String::as_str)).await,
        ),
        ("authorization_malformed", Kind::InvalidRequest, stage.ask("/me", &["Bearer"]).await),
        ("token_too_long", invalid, refused(api().with_token_limit_bytes(good.len() - 1), &good)),
        ("token_malformed", invalid, refused(api(), &wrong.two_parts())),
        ("token_encrypted", invalid, refused(api(), &wrong.five_parts())),
        ("header_malformed", invalid, refused(api(), &wrong.critical_header())),
        ("algorithm_not_allowed", invalid, refused(api(), &wrong.alg_none_signed())),
        ("type_not_allowed", invalid, refused(api(), &wrong.other_type("dpop+jwt"))),
        ("key_unknown", invalid, refused(api(), &wrong.unknown_kid())),
        ("signature_invalid", invalid, refused(api(), &wrong.tampered_signature())),
        ("claims_malformed", invalid, refused(api(), &kinde.sign_raw(header.to_string().as_bytes(), b"[]"))),
        ("claim_missing", invalid, refused(api(), &wrong.without_exp())),
        ("claim_type", invalid, refused(api(), &wrong.issuer_array())),
        ("token_expired", invalid, refused(api(), &wrong.expired())),
        ("token_not_yet_valid", invalid, refused(api(), &wrong.not_yet_valid())),
        (
            "token_too_old",
            invalid,
            refused(
                api().with_max_token_age(Duration::from_secs(60)),
                &alice.issued_at(NOW - 120).access_token(),
            ),
        ),
        ("issuer_mismatch", invalid, refused(api(), &wrong.foreign_issuer())),
        ("audience_absent", invalid, refused(api(), &kinde.person("alice").access_token())),
        ("audience_mismatch", invalid, refused(api(), &wrong.foreign_audience())),
        ("application_mismatch", invalid, refused(application(), &wrong.foreign_application())),
        ("wrong_token_kind", invalid, refused(api(), &alice.id_token())),
        ("machine_unbound", invalid, refused(application(), &machine)),
        ("token_kind_uncertain", invalid, refused(application(), &wrong.without("scp"))),
        (
            "organization_mismatch",
            denied,
            refused(api().with_org_code("org_1"), &alice.in_org("acme").access_token()),
        ),
        ("scope_missing", denied, refused(api().with_scope("read:\"all\""), &good)),
        (
            "claim_malformed",
            denied,
            stage.ask_as("/org", &alice.with_claim("org_code", json!(["org_1"])).access_token()).await,
        ),
        ("organization_absent", denied, stage.ask_as("/org", &alice.without_org().access_token()).await),
        ("caller_kind", denied, stage.ask_as("/me", &machine).await),
        ("requirement_denied", denied, stage.ask_as("/admin", &good).await),
        ("layer_missing", Kind::Misconfigured, stage.ask_as("/bare", &good).await),
        (
            "organization_mismatch",
            denied,
            stage.ask_as("/org/ensure", &alice.in_org("acme").access_token()).await,
        ),
    ];
    rows.extend(provoked_by_keys(&stage).await);
    rows.extend(provoked_by_sign_in(&stage).await);
    rows
}

async fn provoked_by_keys(stage: &Stage) -> Vec<(&'static str, AuthErrorKind, Option<AuthError>)> {
    let wrong = stage.kinde.person("alice").wrong();
    stage.kinde.rotate_keys();
    let two_keys = refused(stage.builder().with_audience(API), &wrong.without_kid());
    stage.kinde.pause().await;
    let jwks = Jwks::builder(stage.issuer()).build().unwrap();
    let verifier = Verifier::builder(jwks).with_audience(API).build().unwrap();
    let unavailable = verifier.verify(&stage.kinde.person("alice").access_token()).await.err();
    vec![
        ("key_id_missing", AuthErrorKind::InvalidToken, two_keys),
        ("keys_unavailable", AuthErrorKind::KeysUnavailable, unavailable),
    ]
}

async fn provoked_by_sign_in(stage: &Stage) -> Vec<(&'static str, AuthErrorKind, Option<AuthError>)> {
    let alice = stage.kinde.person("alice").with_nonce("n-1");
    let token = alice.id_token();
    let verifier = IdTokenVerifier::new(stage.jwks(), stage.kinde.client_id())
        .unwrap()
        .with_clock(ManualClock::at_unix_seconds(NOW));
    let other_nonce = ExpectedIdToken::of_sign_in("n-2");
    let other_access_token = ExpectedIdToken::of_refresh(None).with_access_token("a.b.c");
    let invalid = AuthErrorKind::InvalidToken;
    vec![
        ("nonce_mismatch", invalid, verifier.verify(&token, other_nonce).await.err()),
        ("access_token_hash_mismatch", invalid, verifier.verify(&token, other_access_token).await.err()),
    ]
}

/// covers: I4
#[tokio::test]
async fn every_code_of_a_refusal_is_provoked_and_reads_well() {
    let mut provoked_codes = BTreeSet::new();
    for (code, kind, error) in provoked().await {
        let error = error.unwrap_or_else(|| panic!("{code} was not provoked"));
        assert_eq!((error.code(), error.kind()), (code, kind));
        assert_eq!(error.reason().code(), code);
        let text = error.to_string();
        assert!(text.ends_with(&format!(" [{code}]")), "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
        // Messages: lower case (but for a name), no full stop, no chains of failures.
        assert!(!text.contains("failed to") && !text.contains(". ["), "{text}");
        assert!(!error.fix().is_empty() && !error.fix().ends_with('.'), "{}", error.fix());
        assert_eq!(error.is_temporary(), kind == AuthErrorKind::KeysUnavailable, "{code}");
        provoked_codes.insert(code.to_owned());
    }
    assert_eq!(provoked_codes, codes_of_reasons());
}

/// covers: C7
#[tokio::test]
async fn denial_shows_its_tree_and_nothing_of_the_token() {
    let stage = Stage::set().await;
    let token = stage.kinde.person("alice").with("secret:permission").with_audience(API).access_token();
    let verifier = stage.builder().with_audience(API).build().unwrap();
    let identity = verifier.verify_at_hand(&token).unwrap().unwrap();
    let requirement = Requirement::permission("a\n\"b").and(Requirement::role("c").negated());
    let error = requirement.check(&identity).unwrap_err();
    let AuthReason::Denied(denial) = error.reason() else { panic!("{error}") };
    assert_eq!(denial.parts().len(), 2);
    assert!(error.to_string().contains(r#"permission "a\n\"b" denied"#), "{error}");
    assert!(!error.to_string().contains("secret:permission"), "{error}");
}

/// The problems of a configuration that must not be accepted.
fn problems<T>(built: Result<T, ConfigError>) -> Vec<ConfigProblem> {
    built.err().map(|error| error.problems().to_vec()).unwrap_or_default()
}

/// Provokes every code of a configuration, through the public API alone.
fn provoked_problems() -> Vec<(&'static str, Vec<ConfigProblem>)> {
    const ISSUER: &str = "https://acme.kinde.com";
    let issuer = || Issuer::new(ISSUER).unwrap();
    let keys = || Jwks::builder(issuer());
    let verifier = || Verifier::builder(keys().build().unwrap());
    let good = || verifier().with_audience("a").build().unwrap();
    let settings = |name: &str, value: &str| {
        problems(Settings::from_variables([("KINDE_ISSUER_URL", ISSUER), (name, value)]))
    };
    let from_json = |json: &str| problems(Jwks::from_static_json(issuer(), json));
    let other = Jwks::builder(Issuer::new("https://other.kinde.com").unwrap()).build().unwrap();
    let bare = || Settings::from_variables([("KINDE_ISSUER_URL", ISSUER)]).unwrap();
    vec![
        ("env_missing", problems(Settings::from_variables([("KINDE_CLIENT_ID", "app")]))),
        (
            "env_missing",
            problems(Kinde::with_jwks(bare(), keys().build().unwrap()).unwrap().id_token_verifier()),
        ),
        ("env_conflict", settings("KINDE_DOMAIN", "https://other.kinde.com")),
        ("env_refused", settings("KINDE_COOKIE_DOMAIN", "acme.example")),
        ("env_invalid", settings("KINDE_CLIENT_SECRET", SECRET)),
        ("env_unknown", settings("KINDE_CLIENT_SECRETT", SECRET)),
        ("verifier_unbound", problems(verifier().build())),
        ("audience_empty", problems(verifier().with_audience("").build())),
        (
            "audience_is_issuer",
            problems(verifier().with_audience(good().issuers().next().unwrap().as_str()).build()),
        ),
        ("org_code_empty", problems(verifier().with_audience("a").with_org_code("").build())),
        ("scope_empty", problems(verifier().with_audience("a").with_scope("").build())),
        ("application_empty", problems(verifier().with_application("").build())),
        (
            "leeway_too_long",
            problems(verifier().with_audience("a").with_leeway(Duration::from_secs(301)).build()),
        ),
        ("verifiers_empty", problems(Verifier::any_of([]))),
        ("issuer_repeated", problems(Verifier::any_of([good(), good()]))),
        ("jwks_url_malformed", problems(keys().with_url("jwks").build())),
        (
            "jwks_url_plain_http",
            problems(keys().with_url_on_another_origin("http://keys.example/jwks").build()),
        ),
        ("jwks_url_other_origin", problems(keys().with_url("https://keys.example/jwks").build())),
        ("jwks_soft_age_too_short", problems(keys().with_soft_age(Duration::ZERO).build())),
        ("jwks_deadline_zero", problems(keys().with_deadline(Duration::ZERO).build())),
        ("jwks_body_limit_zero", problems(keys().with_body_limit_bytes(0).build())),
        ("jwks_not_a_key_set", from_json("[]")),
        ("jwks_no_usable_key", from_json(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"},null]}"#)),
        ("jwks_issuer_mismatch", problems(Kinde::with_jwks(bare(), other))),
    ]
}

/// covers: I4
#[test]
fn every_code_of_a_configuration_is_provoked_and_reads_well() {
    let mut provoked_codes = BTreeSet::new();
    for (code, problems) in provoked_problems() {
        let [problem] = problems.as_slice() else { panic!("{code}: {problems:?}") };
        assert_eq!(problem.code(), code);
        assert!(!problem.setting().is_empty() && !problem.fix().is_empty(), "{problem}");
        let text = problem.to_string();
        assert!(text.starts_with(problem.setting()) && text.ends_with(&format!("[{code}]")), "{text}");
        assert!(text.contains(problem.fix()) && !problem.fix().ends_with('.'), "{text}");
        for text in [text, format!("{problem:?}"), format!("{}", ConfigError::from(problem.clone()))] {
            assert!(!text.contains(SECRET.trim()), "{text}");
        }
        provoked_codes.insert(code.to_owned());
    }
    // The first needs a build without a feature; the second a machine without root certificates, as which
    // examples/reference/tests/reference.rs makes this one look.
    provoked_codes.extend(["http_client_missing", "http_client_unusable"].map(str::to_owned));
    assert_eq!(provoked_codes, codes_of_problems());
}

#[test]
fn configuration_error_lists_every_problem_on_a_line_of_its_own() {
    let wrong =
        [("KINDE_ISSUER_URL", "acme\nforged"), ("KINDE_CLIENT_SECRET", SECRET), ("KINDE_SCOPE", "email")];
    let error = Settings::from_variables(wrong).unwrap_err();
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1 + error.problems().len(), "{text}");
    assert_eq!(error.problems().len(), 3, "{text}");
    assert_eq!(format!("{error:?}"), text, "a main that returns the error shows the same");
}

#[test]
fn every_code_has_a_section_and_every_section_a_code() {
    let sections: BTreeSet<_> = sections().into_keys().collect();
    let mut codes = codes_of_reasons();
    codes.extend(codes_of_problems());
    codes.extend(codes_of_events());
    let without_section: Vec<_> = codes.difference(&sections).collect();
    let without_code: Vec<_> = sections.difference(&codes).collect();
    assert!(without_section.is_empty() && without_code.is_empty(), "{without_section:?} {without_code:?}");
}

#[tokio::test]
async fn sections_say_what_happened_the_answer_the_fix_and_where_to_read_on() {
    let sections = sections();
    for (code, text) in &sections {
        for part in ["What happened", "Answer", "Fix", "See"] {
            assert_eq!(text.matches(&format!("- **{part}:** ")).count(), 1, "{part} of {code}");
        }
    }
    for (code, kind, _) in provoked().await {
        let section = sections[code].split_whitespace().collect::<Vec<_>>().join(" ");
        let answer = section.split("- **Answer:** ").nth(1).unwrap();
        let status = match kind {
            AuthErrorKind::CredentialMissing => "401, challenge without an error code",
            AuthErrorKind::InvalidRequest => "400 `invalid_request`",
            AuthErrorKind::InvalidToken => "401 `invalid_token`",
            AuthErrorKind::InsufficientScope => "403 `insufficient_scope`",
            AuthErrorKind::KeysUnavailable => "503 with `Retry-After`, no challenge",
            AuthErrorKind::Misconfigured => "500, no challenge",
        };
        assert!(answer.split("- **Fix:**").next().unwrap().contains(status), "{code}: {answer}");
    }
}

#[test]
fn links_of_the_document_lead_somewhere() {
    let document = document();
    let (defined, used): (Vec<_>, Vec<_>) = document
        .match_indices('[')
        .filter_map(|(at, _)| document[at + 1..].split_once(']'))
        .filter(|(name, rest)| rest.starts_with(": https://") || document.contains(&format!("][{name}]")))
        .map(|(name, rest)| (name.to_owned(), rest.starts_with(':')))
        .partition(|(_, is_definition)| *is_definition);
    let names = |list: Vec<(String, bool)>| list.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>();
    assert!(!defined.is_empty());
    assert_eq!(names(defined), names(used));
}

/// covers: I1 I5
#[test]
fn secrets_and_foreign_text_print_as_such() {
    assert_eq!(format!("{:?}", Secret::new(SECRET)), "[redacted]");
    assert_eq!(UntrustedText::new("a\r\nb\u{1b}").to_string(), r"a\r\nb\u{1b}");
}

/// The sections of docs/errors.md by their code.
fn sections() -> BTreeMap<String, String> {
    let document = document();
    let sections = document.split("\n### ").skip(1);
    let named = sections.map(|section| section.split_once('\n').unwrap());
    let mut found = BTreeMap::new();
    for (code, text) in named {
        assert!(found.insert(code.to_owned(), text.to_owned()).is_none(), "{code} has two sections");
    }
    found
}

fn document() -> String {
    fs::read_to_string(root().join("docs/errors.md")).unwrap()
}

/// The codes in the one table of `AuthReason`.
fn codes_of_reasons() -> BTreeSet<String> {
    let source = library_source("kinde-core/src/error.rs");
    let table = source.split_once("fn row(").unwrap().1;
    texts(table)
        .into_iter()
        .filter(|(before, text)| before.ends_with('(') && is_code(text))
        .map(|row| row.1)
        .collect()
}

/// The first argument of each `ConfigProblem`, and whatever is named like the codes that are passed on.
fn codes_of_problems() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for file in rust_files(&root().join("kinde-core/src")) {
        let source = library_source(&file);
        for (before, text) in texts(&source) {
            let is_first = ["ConfigProblem::new(", "self.problem("].iter().any(|call| before.ends_with(call));
            let is_passed_on = ["env_", "jwks_", "http_client_"].iter().any(|start| text.starts_with(start));
            if is_code(&text) && (is_first || is_passed_on) {
                codes.insert(text);
            }
        }
    }
    codes.remove("jwks_uri");
    codes
}

/// The codes that kinde-tower logs beside those of refusals.
fn codes_of_events() -> BTreeSet<String> {
    let source = library_source("kinde-tower/src/event.rs");
    let named = texts(&source).into_iter().filter(|(before, _)| before.ends_with("code = "));
    named.map(|(_, text)| text).collect()
}

/// Every text literal with what stands before it, white space left out.
fn texts(source: &str) -> Vec<(String, String)> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<_> = lines.map(str::trim).collect();
    let code = code.join(" ").replace("( ", "(");
    let mut parts = code.split('"');
    let mut before = parts.next().unwrap_or_default().to_owned();
    let mut texts = Vec::new();
    while let (Some(text), Some(after)) = (parts.next(), parts.next()) {
        texts.push((before, text.to_owned()));
        before = after.to_owned();
    }
    texts
}

fn is_code(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// A source file without its tests and without escaped quotes, which are in no code.
fn library_source(path: impl AsRef<Path>) -> String {
    let source = fs::read_to_string(root().join(path)).unwrap();
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.replace("\\\"", "").replace("'\"'", "")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

const API: &str = "https://api.acme.example";
const NOW: u64 = 1_790_000_000;
const SECRET: &str = "a-secret-with-a-line-break\n";
