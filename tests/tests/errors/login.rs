//! Refused sign-ins: each code of `LoginError` is provoked at the routes, as a program sees it.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use kinde_core::{ConfigProblem, Secret};
use kinde_emulator::{Fault, WrongAnswer};
use kinde_login::{Lives, Login, SessionId, SessionStore, StoreError, StoreFuture, Stored};
use kinde_tests::site::{Browser, SCRIPT, Seen, Site, clock_of, handle_of};
use serde_json::Value;
use tower::ServiceExt;

use crate::{capture::Capture, document};

/// A site, a browser of its own, and the callback of a sign-in that is one step from done.
struct Stage {
    site: Site,
    browser: Browser,
    callback: String,
}

impl Stage {
    async fn set() -> Self {
        Self::of(Site::start().await).await
    }

    async fn of(site: Site) -> Self {
        let mut browser = Browser::default();
        let started = browser.go(&format!("{}/api/auth/login", site.url)).await.location.unwrap();
        let alice = site.kinde.person("alice").in_org("acme").remember();
        let callback = site.kinde.sign_in(&started, &alice).unwrap();
        Self { site, browser, callback }
    }

    async fn signed_in() -> Self {
        let mut stage = Self::set().await;
        let callback = stage.callback.clone();
        assert_eq!(stage.browser.go(&callback).await.status, 303);
        stage
    }

    /// Asks a path of the site as a program without a browser.
    async fn ask(mut self, path: &str) -> Seen {
        let url = format!("{}{path}", self.site.url);
        self.browser.ask(Method::GET, &url, &[]).await
    }

    /// Comes back from Kinde.
    async fn finish(self) -> Seen {
        let path = self.callback.strip_prefix(&self.site.url).unwrap().to_owned();
        self.ask(&path).await
    }

    /// Comes back with these parameters instead of the code.
    async fn come_back_with(self, parameters: &str) -> Seen {
        let state = self.callback.split(['?', '&']).find(|part| part.starts_with("state=")).unwrap();
        let path = format!("/api/auth/kinde_callback?{state}&{parameters}");
        self.ask(&path).await
    }

    /// Comes back while the token endpoint does this.
    async fn finish_during(self, fault: Fault) -> Seen {
        self.site.kinde.fault("/oauth2/token", fault);
        self.finish().await
    }
}

/// Provokes every code that the routes answer with, and the kind that docs/errors.md gives it.
async fn provoked() -> Vec<(&'static str, &'static str, Seen)> {
    let malformed = "400";
    let mut rows = of_requests().await;
    rows.extend([
        ("response_malformed", malformed, Stage::set().await.come_back_with("code=a&code=b").await),
        ("response_issuer_mismatch", malformed, Stage::set().await.come_back_with("code=a&iss=x").await),
        ("provider_error", "403", Stage::set().await.come_back_with("error=access_denied").await),
        ("org_mismatch", "403", other_organization().await),
        ("token_refused", "502", wrongly(WrongAnswer::WrongNonce).await),
        ("grant_refused", "502", wrongly(WrongAnswer::ForeignCode).await),
        ("client_refused", "500", Stage::set().await.finish_during(refused_client()).await),
        ("answer_malformed", "502", Stage::set().await.finish_during(html()).await),
        ("answer_status", "502", Stage::set().await.finish_during(Fault::Status(500)).await),
        ("subject_mismatch", "502", other_person().await),
        ("provider_unreachable", "503", while_nothing_answers().await),
        ("login_keys_unavailable", "503", without_keys().await),
        ("store_unavailable", "503", with_a_session_elsewhere(with_store_down().await).await),
        ("refresh_put_off", "503", while_refresh_fails().await),
        ("host_mismatch", "400", began_with(("host", "localhost:3000")).await),
        ("scheme_mismatch", "400", began_with(("x-forwarded-proto", "https")).await),
        ("response_posted", "400", posted().await),
        ("session_too_large", "500", Stage::of(with_small_cookies().await).await.finish().await),
    ]);
    rows
}

async fn of_requests() -> Vec<(&'static str, &'static str, Seen)> {
    let login = |site: &Site| format!("{}/api/auth/login", site.url);
    let mut stage = Stage::signed_in().await;
    let logout = format!("{}/api/auth/logout", stage.site.url);
    let other_site = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    let script = stage.browser.ask(Method::GET, &login(&stage.site), &SCRIPT).await;
    let cross_site = stage.browser.ask(Method::GET, &logout, &other_site).await;
    let mut eager = Stage::set().await;
    for _ in 0..20 {
        eager.browser.go(&login(&eager.site)).await;
    }
    let dashboard = format!("{}/dashboard", stage.site.url);
    vec![
        ("not_a_navigation", "400", script),
        ("cross_site", "403", cross_site),
        ("signed_out", "401", Browser::default().ask(Method::GET, &dashboard, &SCRIPT).await),
        ("too_many_starts", "400", eager.ask("/api/auth/login").await),
        ("parameter_invalid", "400", Stage::set().await.ask("/api/auth/login?prompt=consent").await),
        ("form_too_large", "413", post_form(FORM, Full::new(Bytes::from(vec![b'a'; 8_193]))).await),
        ("form_media_type", "415", post_form("application/json", Full::new(Bytes::from("{}"))).await),
        ("form_unreadable", "400", post_form(FORM, BrokenOff).await),
        ("flow_unknown", "400", Stage::set().await.ask("/api/auth/kinde_callback?code=a&state=b").await),
    ]
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Posts to the login route, without a connection that could break off.
async fn post_form(media_type: &str, body: impl Body + Send + 'static) -> Seen {
    let site = Site::start().await;
    let request = Request::post("/api/auth/login").header("content-type", media_type).body(body).unwrap();
    let answer = site.login.routes().oneshot(request).await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Seen { status, location: None, headers, body: String::from_utf8(body.into()).unwrap() }
}

/// A body whose connection is lost.
struct BrokenOff;

impl Body for BrokenOff {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}

async fn wrongly(answer: WrongAnswer) -> Seen {
    let site = Site::start().await;
    site.kinde.answer_wrongly(answer);
    Stage::of(site).await.finish().await
}

async fn other_organization() -> Seen {
    let mut stage = Stage::set().await;
    let globex = stage.site.kinde.org("globex").code().to_owned();
    let login = format!("{}/api/auth/login?org_code={globex}", stage.site.url);
    let started = stage.browser.go(&login).await.location.unwrap();
    let changed = started.replace(&format!("org_code={globex}"), "x=y");
    stage.callback = stage.site.kinde.sign_in(&changed, &stage.site.kinde.person("alice")).unwrap();
    stage.finish().await
}

async fn other_person() -> Seen {
    let stage = Stage::signed_in().await;
    let bytes = br#"{"sub":"kp_somebody_else"}"#.to_vec();
    let body = Fault::Body { status: 200, content_type: "application/json".to_owned(), bytes };
    stage.site.kinde.fault("/oauth2/v2/user_profile", body);
    stage.ask("/api/auth/me?fresh").await
}

async fn while_nothing_answers() -> Seen {
    let stage = Stage::signed_in().await;
    stage.site.kinde.fault("/oauth2/v2/user_profile", Fault::Reset);
    stage.ask("/api/auth/me?fresh").await
}

/// A process that has just started, and cannot fetch keys.
async fn without_keys() -> Seen {
    let before = Stage::signed_in().await;
    let site = Site::start_in(Arc::clone(&before.site.kinde), |builder| builder).await;
    for path in ["/.well-known/jwks", "/.well-known/jwks.json"] {
        site.kinde.fault(path, Fault::Status(503));
    }
    let mut browser = before.browser;
    browser.moves(&before.site, &site);
    browser.ask(Method::GET, &format!("{}/api/auth/me", site.url), &[]).await
}

async fn with_a_session_elsewhere(site: Site) -> Seen {
    let mut browser = Browser::default();
    browser.jar.insert((site.url.clone(), site.login.session_cookie_name().to_owned()), "A".repeat(22));
    browser.ask(Method::GET, &format!("{}/api/auth/me", site.url), &[]).await
}

/// Comes back from a sign-in that began elsewhere, where the cookie stayed.
async fn began_with(header: (&str, &str)) -> Seen {
    let mut stage = Stage::set().await;
    let login = format!("{}/api/auth/login", stage.site.url);
    let started = Browser::default().ask(Method::GET, &login, &[header]).await.location.unwrap();
    stage.callback = stage.site.kinde.sign_in(&started, &stage.site.kinde.person("alice")).unwrap();
    stage.finish().await
}

async fn posted() -> Seen {
    let mut stage = Stage::set().await;
    stage.browser.ask(Method::POST, &stage.callback, &[]).await
}

async fn while_refresh_fails() -> Seen {
    let kinde = Arc::new(kinde_emulator::Environment::start().await);
    let clock = clock_of(&kinde);
    let site = Site::start_in(kinde, |builder| builder.with_clock(clock.clone())).await;
    let mut browser = site.signed_in(&site.kinde.person("alice")).await;
    clock.advance(Duration::from_secs(86_400));
    site.kinde.fault("/oauth2/token", Fault::Status(500));
    browser.ask(Method::GET, &format!("{}/", site.url), &[]).await
}

async fn with_store_down() -> Site {
    Site::start_with(|builder| builder.with_store(Down)).await
}

async fn with_small_cookies() -> Site {
    Site::start_with(|builder| builder.with_cookie_budget_bytes(1_000)).await
}

fn refused_client() -> Fault {
    Fault::json(401, r#"{"error":"invalid_client"}"#)
}

fn html() -> Fault {
    Fault::Body { status: 200, content_type: "text/html".to_owned(), bytes: b"<p>".to_vec() }
}

/// A store that nobody reaches.
#[derive(Debug)]
struct Down;

impl SessionStore for Down {
    fn create<'a>(&'a self, _: SessionId, _: &'a [u8], _: Lives) -> StoreFuture<'a, ()> {
        Box::pin(async { Err(StoreError::new("connection refused")) })
    }

    fn load(&self, _: SessionId, _: Duration) -> StoreFuture<'_, Option<Stored>> {
        Box::pin(async { Err(StoreError::new("connection refused")) })
    }

    fn replace_if_version<'a>(
        &'a self,
        _: SessionId,
        _: u64,
        _: &'a [u8],
        _: Duration,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async { Err(StoreError::new("connection refused")) })
    }

    fn delete(&self, _: SessionId) -> StoreFuture<'_, ()> {
        Box::pin(async { Err(StoreError::new("connection refused")) })
    }
}

/// covers: I4
#[tokio::test]
async fn every_code_of_a_refused_sign_in_is_provoked_and_documented_with_its_status() {
    let (log, _guard) = Capture::begin();
    let answers = document::answers();
    let mut provoked_codes = BTreeSet::new();
    for (code, status, seen) in provoked().await {
        assert_eq!(seen.status.to_string(), status, "{code}: {seen:?}");
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_else(|_| panic!("{code}: {seen:?}"));
        assert_eq!((&body["code"], &body["status"]), (&code.into(), &seen.status.into()), "{body}");
        assert_eq!(seen.headers["content-type"], "application/problem+json", "{code}");
        assert_eq!(seen.headers["cache-control"], "private, no-store", "{code}");
        assert_eq!(seen.headers.contains_key("retry-after"), status == "503", "{code}");
        let written = if status == "503" { "503 with `Retry-After`" } else { status };
        assert!(answers[code].starts_with(written), "{code}: {}", answers[code]);
        provoked_codes.insert(code.to_owned());
    }
    assert_eq!(provoked_codes, document::codes_of_logins());
    let told: Vec<_> = log.records().into_iter().filter(|told| told.target == "kinde_login").collect();
    for code in &provoked_codes {
        let told = told.iter().find(|told| told.text.contains(&format!(" code={code} ")));
        let text = &told.unwrap_or_else(|| panic!("{code} is not logged")).text;
        assert!(!text.contains(char::is_control) && !text.contains("failed to"), "{text:?}");
        assert!(text.contains(" reason="), "{text}");
    }
}

/// Provokes the configuration problems that only sign-in has.
pub(crate) async fn problems() -> Vec<(&'static str, Vec<ConfigProblem>)> {
    let kinde = kinde_emulator::Environment::start().await;
    let build = |more: &[(&str, &str)], secrets: &[&'static str]| {
        let handle = handle_of(&kinde, "http://localhost:3000", more);
        let secrets = secrets.iter().map(|secret| Secret::new(*secret));
        let built = Login::builder(&handle).with_secrets(secrets).build();
        built.err().map(|error| error.problems().to_vec()).unwrap_or_default()
    };
    vec![
        ("session_secret_short", build(&[], &["thirty-one characters, no more."])),
        ("env_missing", build(&[("SESSION_SECRET", "")], &[])),
    ]
}
