//! The service from outside: each route, each knob, and what it says when it cannot start.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use kinde_emulator::{Environment, Fault};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A running program and a client of its own; ends with the test.
struct Reference {
    process: Child,
    url: String,
    client: Client,
}

impl Reference {
    /// Starts the program with nothing but these variables and the environment's.
    fn start(kinde: &Environment, knobs: &[(&str, &str)]) -> Self {
        let mut process = command(kinde, knobs).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("it says {line:?}"))
            .to_owned();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { process, url, client }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Response {
        let request = self.client.get(format!("{}{path}", self.url));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
        .send()
        .await
        .unwrap()
    }

    async fn post_webhook(&self, body: String) -> Response {
        let request = self.client.post(format!("{}/webhook", self.url)).body(body);
        request.header("content-type", "application/jwt").send().await.unwrap()
    }

    async fn processed(&self) -> Value {
        self.get("/webhook/processed", None).await.json().await.unwrap()
    }

    async fn status(&self, path: &str, token: &str) -> u16 {
        self.get(path, Some(token)).await.status().as_u16()
    }

    /// Asks again and again until the status is this one.
    async fn until(&self, status: u16, token: &str) {
        let started = Instant::now();
        while self.status("/protected", token).await != status {
            assert!(started.elapsed() < Duration::from_secs(20), "status {status} never came");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn command(kinde: &Environment, knobs: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-reference"));
    command.env_clear().env("PORT", "0").envs(kinde.variables()).envs(knobs.iter().copied());
    command.stdout(Stdio::piped());
    command
}

/// Runs the program to its end, which it must come to by itself.
fn run(kinde: &Environment, knobs: &[(&str, &str)]) -> Output {
    let mut process = command(kinde, knobs).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..500 {
        if process.try_wait().unwrap().is_some() {
            return process.wait_with_output().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    panic!("it started with {knobs:?}");
}

fn token(kinde: &Environment) -> String {
    kinde.person("alice").access_token()
}

#[tokio::test]
async fn protected_route_tells_who_calls_in_which_organization_with_what() {
    let kinde = Environment::start().await;
    let reference = Reference::start(&kinde, &[]);
    let alice = kinde.person("alice").in_org("acme").with("create:todos").with("read \"+/%\" ü");
    let acme = kinde.org("acme");
    let bob = kinde.person("bob").without_org().without_claim("permissions");
    for (name, person, org_code, permissions) in [
        ("member", &alice, json!(acme.code()), json!(["create:todos", "read \"+/%\" ü"])),
        ("without an organization", &bob, Value::Null, json!([])),
        ("null claims", &bob.with_claim("permissions", Value::Null), Value::Null, json!([])),
        (
            "malformed permissions",
            &alice.with_claim("permissions", "admin:all"),
            json!(acme.code()),
            json!([]),
        ),
        ("malformed organization", &bob.with_claim("org_code", 7), Value::Null, json!([])),
    ] {
        let response = reference.get("/protected", Some(&person.access_token())).await;
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        assert_eq!(response.headers()["content-type"], "application/json", "{name}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            body,
            json!({"sub": person.id(), "org_code": org_code, "permissions": permissions}),
            "{name}"
        );
    }
}

/// covers: D1
#[tokio::test]
async fn refusals_have_their_status_and_challenge() {
    let kinde = Environment::start().await;
    let reference = Reference::start(&kinde, &[]);
    let alice = kinde.person("alice");
    let invalid = r#"Bearer realm="api", error="invalid_token""#;
    for (name, token, status, challenge) in [
        ("no credential", None, 401, r#"Bearer realm="api""#),
        ("expired", Some(alice.expired().access_token()), 401, invalid),
        ("ID token", Some(alice.id_token()), 401, invalid),
        ("unknown key", Some(alice.wrong().unknown_kid()), 401, invalid),
        ("other application", Some(alice.wrong().foreign_application()), 401, invalid),
        ("garbage", Some("a.b.c".to_owned()), 401, invalid),
        ("no token68", Some("a b".to_owned()), 400, r#"Bearer realm="api", error="invalid_request""#),
    ] {
        for path in ["/protected", "/admin"] {
            let response = reference.get(path, token.as_deref()).await;
            assert_eq!(response.status().as_u16(), status, "{name} at {path}");
            assert_eq!(response.headers()["www-authenticate"], challenge, "{name} at {path}");
        }
    }
}

#[tokio::test]
async fn admin_route_needs_the_permission_itself() {
    let kinde = Environment::start().await;
    let reference = Reference::start(&kinde, &[]);
    let alice = kinde.person("alice").in_org("acme");
    assert_eq!(reference.status("/admin", &alice.with("admin:all").access_token()).await, 200);
    for permission in ["admin", "admin:all ", "Admin:All", "admin:*", "admin:all:read"] {
        let response = reference.get("/admin", Some(&alice.with(permission).access_token())).await;
        assert_eq!(response.status().as_u16(), 403, "{permission:?}");
        let challenge = &response.headers()["www-authenticate"];
        assert_eq!(challenge, r#"Bearer realm="api", error="insufficient_scope""#, "{permission:?}");
    }
    let malformed = alice.with_claim("permissions", json!({"admin:all": true}));
    assert_eq!(reference.status("/admin", &malformed.access_token()).await, 403);
}

/// covers: B16 B17
#[tokio::test]
async fn service_starts_and_is_healthy_without_its_provider_and_works_once_that_is_there() {
    let kinde = Environment::start().await;
    kinde.pause().await;
    let reference = Reference::start(&kinde, &[("REFERENCE_JWKS_COOLDOWN_MS", "100")]);
    assert_eq!(reference.get("/healthz", None).await.status(), StatusCode::OK);
    let response = reference.get("/protected", Some(&token(&kinde))).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert!(!response.headers().contains_key("www-authenticate"));
    assert_eq!(reference.get("/protected", None).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(reference.get("/healthz", Some("garbage")).await.status(), StatusCode::OK);
    kinde.resume().await.unwrap();
    reference.until(200, &token(&kinde)).await;
    assert_eq!(reference.get("/healthz", None).await.status(), StatusCode::OK);
}

/// covers: C1
#[tokio::test]
async fn leeway_is_the_configured_one() {
    let kinde = Environment::start().await;
    let expired = |seconds: u64| {
        let alice = kinde.person("alice").issued_at(kinde.now() - 1_000);
        alice.expires_in(Duration::from_secs(1_000 - seconds)).access_token()
    };
    for (name, knobs, inside, outside) in [
        ("default", [].as_slice(), 40, 60),
        ("none", &[("REFERENCE_LEEWAY_SECONDS", "0")], 0, 1),
        ("most", &[("REFERENCE_LEEWAY_SECONDS", "300")], 280, 300),
        ("empty is unset", &[("REFERENCE_LEEWAY_SECONDS", "")], 40, 60),
    ] {
        let reference = Reference::start(&kinde, knobs);
        // With no leeway a token that expires now is expired; one that expires in a while is the one inside.
        let good = if inside == 0 { token(&kinde) } else { expired(inside) };
        assert_eq!(reference.status("/protected", &good).await, 200, "{name}");
        assert_eq!(reference.status("/protected", &expired(outside)).await, 401, "{name}");
    }
}

/// covers: B7 B13
#[tokio::test]
async fn withdrawn_key_dies_after_the_configured_soft_age() {
    let kinde = Environment::start().await;
    let reference = Reference::start(&kinde, &[("REFERENCE_JWKS_MAX_AGE_MS", "300")]);
    let (old, kid) = (token(&kinde), kinde.signing_kid());
    assert_eq!(reference.status("/protected", &old).await, 200);
    kinde.rotate_keys();
    kinde.withdraw_key(&kid);
    reference.until(401, &old).await;
    assert_eq!(reference.status("/protected", &token(&kinde)).await, 200);
}

/// covers: B12
#[tokio::test]
async fn unknown_keys_cost_one_fetch_per_configured_cooldown() {
    let kinde = Environment::start().await;
    let patient = Reference::start(&kinde, &[("REFERENCE_JWKS_COOLDOWN_MS", "600000")]);
    assert_eq!(patient.status("/protected", &token(&kinde)).await, 200);
    for _ in 0..20 {
        assert_eq!(patient.status("/protected", &kinde.person("mallory").wrong().random_kid()).await, 401);
    }
    assert_eq!(kinde.jwks_fetches(), 2);
    let eager = Reference::start(&kinde, &[("REFERENCE_JWKS_COOLDOWN_MS", "0")]);
    kinde.reset_requests();
    for _ in 0..5 {
        assert_eq!(eager.status("/protected", &kinde.person("mallory").wrong().random_kid()).await, 401);
    }
    assert_eq!(kinde.jwks_fetches(), 5);
}

/// covers: B8 D1
#[tokio::test]
async fn provider_that_hangs_is_given_up_after_the_configured_timeout() {
    let kinde = Environment::start().await;
    kinde.fault("/.well-known/jwks", Fault::Hang);
    let reference = Reference::start(&kinde, &[("REFERENCE_JWKS_TIMEOUT_MS", "300")]);
    let started = Instant::now();
    let response = reference.get("/protected", Some(&token(&kinde))).await;
    let took = started.elapsed();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    // The default cooldown, less what has passed of it.
    let retry_after: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((25..=30).contains(&retry_after), "{retry_after}");
    // Below the default of 5 s, and not at once.
    assert!((Duration::from_millis(300)..Duration::from_secs(4)).contains(&took), "{took:?}");
    assert_eq!(reference.get("/healthz", None).await.status(), StatusCode::OK);
}

/// covers: B13
#[tokio::test]
async fn known_keys_answer_at_once_while_the_refresh_hangs() {
    let kinde = Environment::start().await;
    let reference = Reference::start(&kinde, &[("REFERENCE_JWKS_MAX_AGE_MS", "100")]);
    assert_eq!(reference.status("/protected", &token(&kinde)).await, 200);
    kinde.reset_requests();
    kinde.fault("/.well-known/jwks", Fault::Hang);
    while kinde.jwks_fetches() == 0 {
        assert_eq!(reference.status("/protected", &token(&kinde)).await, 200);
    }
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(reference.status("/protected", &token(&kinde)).await, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// covers: B14 B16 D1
#[tokio::test]
async fn known_keys_serve_until_soft_age_and_max_stale_have_passed_and_again_after_recovery() {
    let kinde = Environment::start().await;
    let knobs = [
        ("REFERENCE_JWKS_MAX_AGE_MS", "300"),
        ("REFERENCE_JWKS_MAX_STALE_MS", "900"),
        ("REFERENCE_JWKS_COOLDOWN_MS", "100"),
    ];
    let reference = Reference::start(&kinde, &knobs);
    let good = token(&kinde);
    let before_the_load = Instant::now();
    assert_eq!(reference.status("/protected", &good).await, 200);
    kinde.fault("/.well-known/jwks", Fault::Status(500));
    reference.until(503, &good).await;
    assert!(before_the_load.elapsed() >= Duration::from_millis(1_200), "{:?}", before_the_load.elapsed());
    let response = reference.get("/protected", Some(&good)).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    assert_eq!(reference.get("/healthz", None).await.status(), StatusCode::OK);
    kinde.clear_faults();
    reference.until(200, &good).await;
}

/// covers: B14
#[tokio::test]
async fn max_stale_of_zero_ends_with_the_soft_age() {
    let kinde = Environment::start().await;
    let knobs = [
        ("REFERENCE_JWKS_MAX_AGE_MS", "300"),
        ("REFERENCE_JWKS_MAX_STALE_MS", "0"),
        ("REFERENCE_JWKS_COOLDOWN_MS", "60000"),
    ];
    let reference = Reference::start(&kinde, &knobs);
    let good = token(&kinde);
    assert_eq!(reference.status("/protected", &good).await, 200);
    kinde.pause().await;
    // The default is a day.
    reference.until(503, &good).await;
}

#[tokio::test]
async fn audience_binds_where_one_is_configured() {
    let api = "https://api.acme.example";
    let kinde = Environment::builder().with_audience(api).start().await;
    let reference = Reference::start(&kinde, &[]);
    let alice = kinde.person("alice");
    assert_eq!(reference.status("/protected", &alice.with_audience(api).access_token()).await, 200);
    assert_eq!(reference.status("/protected", &alice.access_token()).await, 401);
    let machine = kinde.machine("billing").with_audience(api).access_token();
    assert_eq!(reference.status("/protected", &machine).await, 401, "machines are not accepted here");
}

#[tokio::test]
async fn wrong_configuration_ends_the_program_with_the_name_of_the_variable() {
    let kinde = Environment::start().await;
    for (name, value) in [
        ("PORT", "many"),
        ("REFERENCE_LEEWAY_SECONDS", "1.5"),
        ("REFERENCE_LEEWAY_SECONDS", "-1"),
        ("REFERENCE_JWKS_MAX_AGE_MS", "5m"),
        ("REFERENCE_JWKS_COOLDOWN_MS", "-1"),
        ("REFERENCE_JWKS_TIMEOUT_MS", "soon"),
        ("REFERENCE_JWKS_MAX_STALE_MS", "99999999999999999999"),
        ("KINDE_ISSUER_URL", "acme"),
        ("KINDE_ISSUER_URL", "http://acme.kinde.com"),
        ("KINDE_ISSUER_URL", ""),
        ("KINDE_DOMAIN", "https://another.kinde.com"),
        ("KINDE_AUDIENCE", " , "),
        ("KINDE_COOKIE_DOMAIN", "acme.example"),
        ("KINDE_CLIENT_SECRETT", "x"),
    ] {
        let output = run(&kinde, &[(name, value)]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name}={value}");
        assert!(said.contains(name), "{name}={value}: {said}");
        assert!(!said.contains("panicked"), "{name}={value}: {said}");
    }
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let kinde = Environment::start().await;
    let wrong = [("KINDE_ISSUER_URL", "acme"), ("KINDE_TOKEN_ENDPOINT", "x"), ("KINDE_SCOPE", "email")];
    let output = run(&kinde, &wrong);
    let said = String::from_utf8_lossy(&output.stderr);
    for (name, _) in wrong {
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[tokio::test]
async fn knobs_out_of_bounds_end_the_program() {
    let kinde = Environment::start().await;
    for (name, value, code) in [
        ("REFERENCE_LEEWAY_SECONDS", "301", "leeway_too_long"),
        ("REFERENCE_JWKS_MAX_AGE_MS", "0", "jwks_soft_age_too_short"),
        ("REFERENCE_JWKS_TIMEOUT_MS", "0", "jwks_deadline_zero"),
    ] {
        let output = run(&kinde, &[(name, value)]);
        assert!(!output.status.success(), "{name}={value}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(code), "{name}={value}: {said}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn machine_without_root_certificates_is_told_what_to_install() {
    let kinde = Environment::start().await;
    let nowhere = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];
    let output = run(&kinde, &nowhere);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("root certificates") && said.contains("[http_client_unusable]"), "{said}");
}

/// covers: I2
#[tokio::test]
async fn no_token_is_in_the_log_at_trace() {
    let kinde = Environment::start().await;
    let good = kinde.person("alice").access_token();
    let bad = kinde.person("alice").expired().access_token();
    let mut process = command(&kinde, &[("RUST_LOG", "kinde=trace,kinde_core=trace,kinde_tower=trace")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/protected", line.trim().trim_start_matches("listening on "));
    for token in [&good, &bad] {
        client.get(&url).bearer_auth(token).send().await.unwrap();
    }
    process.kill().unwrap();
    let mut log = String::new();
    process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    process.wait().unwrap();
    assert!(log.contains("token_expired") && log.contains("key set fetched"), "{log}");
    for segment in [&good, &bad].into_iter().flat_map(|token| token.split('.').skip(1)) {
        assert!(!log.contains(segment), "{log}");
    }
}

/// covers: H7 H8
#[tokio::test]
async fn webhook_is_answered_and_counted_once() {
    let kinde = Environment::start().await;
    let service = Reference::start(&kinde, &[]);
    let event = kinde.event("user.created");
    for _ in 0..3 {
        let answer = service.post_webhook(event.token()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["type"], &body["event_id"]), (&json!("user.created"), &json!(event.id())));
    }
    assert_eq!(service.processed().await, json!({"count": 1}));
    let access_token = kinde.person("alice").access_token();
    assert_eq!(service.post_webhook(access_token).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(service.post_webhook(event.wrong().other_key()).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(service.get("/protected", Some(&event.token())).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(service.processed().await, json!({"count": 1}));
}

/// covers: H8
#[tokio::test]
async fn webhook_that_cannot_be_checked_now_is_503() {
    let kinde = Environment::start().await;
    kinde.fault("/.well-known/jwks", Fault::Status(500));
    kinde.fault("/.well-known/jwks.json", Fault::Status(500));
    let service = Reference::start(&kinde, &[]);
    let answer = service.post_webhook(kinde.event("user.created").token()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(service.processed().await, json!({"count": 0}));
}
