//! A marker in every secret of a sign-in, a refresh and a sign-out: none is logged at any level, nor in an answer's address.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::Request;
use kinde_core::{DefaultClient, FetchFuture, HttpFetch, Kinde, Settings};
use kinde_emulator::{Environment, Fault};
use kinde_login::{Login, MemoryStore};
use kinde_tests::{
    Answer, answer,
    site::{app, clock_of, variables_of},
};
use tower::ServiceExt;

use crate::capture::Capture;

const URL: &str = "http://127.0.0.1:3999";
const DAY: Duration = Duration::from_secs(86_400);
const CLIENT_SECRET: &str = "canaryOfTheClientSecret0123456789abcdefghijklmnop";
const SESSION_SECRET: &str = "canary-of-the-session-secret-0123456789abcdef";
/// Short enough to find a secret that was cut.
const PART_BYTES: usize = 20;

/// The line to Kinde, and what was said there that nobody else may hear.
#[derive(Clone, Debug)]
struct Line {
    client: DefaultClient,
    heard: Arc<Mutex<BTreeSet<(String, String)>>>,
}

impl Line {
    fn hear(&self, member: &str, value: &str) {
        match member {
            "code_verifier" | "refresh_token" | "token" => {
                self.heard.lock().unwrap().insert((member.to_owned(), value.to_owned()));
            }
            // The header is the same for all tokens of a key.
            "id_token" | "access_token" => value.split('.').skip(1).for_each(|segment| {
                self.heard.lock().unwrap().insert((member.to_owned(), segment.to_owned()));
            }),
            _ => {}
        }
    }
}

impl HttpFetch for Line {
    fn fetch(&self, request: Request<Bytes>, body_limit_bytes: usize) -> FetchFuture<'_> {
        let form = String::from_utf8_lossy(request.body());
        let fields = form.split('&').filter_map(|field| field.split_once('='));
        fields.for_each(|(name, value)| self.hear(name, value));
        Box::pin(async move {
            let answer = self.client.fetch(request, body_limit_bytes).await?;
            if let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(answer.body()) {
                let texts = members.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
                texts.for_each(|(name, value)| self.hear(name, value));
            }
            Ok(answer)
        })
    }
}

/// A browser without a network: what it logs itself would be found.
struct Quiet {
    app: Router,
    cookies: Vec<(String, String)>,
    /// Every secret that this browser or the site has seen.
    secrets: Vec<(String, String)>,
    /// Every address and page that this browser was led to or shown, but for the page that shows the token.
    shown: Vec<String>,
}

impl Quiet {
    async fn go(&mut self, path: &str) -> Answer {
        let mut request = Request::get(path).header("accept", "text/html");
        if !self.cookies.is_empty() {
            let all: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", all.join("; "));
        }
        let answer = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let answer = self::answer(answer).await;
        if path != "/call" {
            self.shown.push(format!("{:?} {}", answer.headers.get("location"), answer.body));
        }
        for cookie in answer.headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
                if !name.starts_with("kinde_starts") {
                    self.hide(&format!("cookie {name}"), value);
                }
            }
        }
        answer
    }

    fn hide(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= PART_BYTES, "{name} is too short to be told from other text");
        self.secrets.push((name.to_owned(), secret.to_owned()));
    }

    /// Hides payload and signature; the header is the same for all tokens of a key.
    fn hide_token(&mut self, name: &str, token: &str) {
        for segment in token.split('.').skip(1) {
            self.hide(name, segment);
        }
    }

    /// Gives what of the secrets stands in a text, whole or in part; but for those that are called so.
    fn found_in(&self, text: &str, but_for: &[&str]) -> Option<&str> {
        let parts = |secret: &'_ str| {
            secret
                .as_bytes()
                .chunks_exact(PART_BYTES)
                .any(|part| text.as_bytes().windows(PART_BYTES).any(|window| window == part))
        };
        let mut secrets = self.secrets.iter().filter(|(name, _)| !but_for.contains(&name.as_str()));
        secrets.find(|(_, secret)| parts(secret)).map(|(name, _)| name.as_str())
    }
}

/// covers: F15 I1 I2 I4
#[tokio::test]
async fn sign_in_refresh_and_sign_out_log_no_secret_at_any_level() {
    for has_store in [false, true] {
        let (capture, _listening) = Capture::begin();
        let kinde = Environment::builder().with_client_secret(CLIENT_SECRET).start().await;
        let kinde = Arc::new(kinde);
        let clock = clock_of(&kinde);
        kinde.allow_callback(format!("{URL}/api/auth/kinde_callback"));
        kinde.allow_logout_url(URL);
        let mut variables = variables_of(&kinde, URL);
        variables.insert("SESSION_SECRET", SESSION_SECRET.to_owned());
        let handle = Kinde::from_settings(Settings::from_variables(variables).unwrap()).unwrap();
        let line = Line { client: DefaultClient::new().unwrap(), heard: Arc::default() };
        let builder = Login::builder(&handle).with_clock(clock.clone()).with_http_client(line.clone());
        let store = MemoryStore::with_clock(10, clock.clone());
        let builder = if has_store { builder.with_store(store.clone()) } else { builder };
        let login = builder.build().unwrap();
        let verifier = handle.verifier().with_clock(clock.clone()).build().unwrap();
        let mut browser =
            Quiet { app: app(verifier, &login), cookies: Vec::new(), secrets: Vec::new(), shown: Vec::new() };
        browser.hide("client secret", CLIENT_SECRET);
        browser.hide("session secret", SESSION_SECRET);
        let alice = kinde.person("canary");
        let pass = || {
            clock.advance(DAY);
            kinde.set_time(kinde.now() + DAY.as_secs());
        };
        let mut printed = vec![format!("{login:?} {:?} {store:?}", login.session_layer())];

        // Good and bad: a fault, a foreign state and a replay tell their reasons, too.
        for round in ["fault", "foreign", "good", "replayed"] {
            let started = browser.go("/api/auth/login").await;
            let location = started.headers["location"].to_str().unwrap().to_owned();
            for name in ["state=", "nonce="] {
                let value =
                    location.split(['?', '&']).find_map(|part| part.strip_prefix(name)).unwrap().to_owned();
                browser.hide(name, &value);
            }
            let callback = kinde.sign_in(&location, &alice).unwrap().replace(URL, "");
            let code =
                callback.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).unwrap().to_owned();
            browser.hide("code", &code);
            let flow = browser.cookies.clone();
            match round {
                "fault" => kinde.fault("/oauth2/token", Fault::Status(500)),
                "foreign" => browser.cookies.clear(),
                _ => {}
            }
            let seen = browser.go(&callback).await;
            kinde.clear_faults();
            printed.push(format!("{:?} {}", seen.headers.get("location"), seen.body));
            if round == "replayed" {
                browser.cookies = flow;
                printed.push(browser.go(&callback).await.body);
            }
        }
        let started = browser.go("/api/auth/login").await;
        let callback = kinde.sign_in(started.headers["location"].to_str().unwrap(), &alice).unwrap();
        assert_eq!(browser.go(&callback.replace(URL, "")).await.status, 303);
        for _ in 0..2 {
            let token = browser.go("/call").await.body;
            browser.hide_token("access token", &token);
            assert_eq!(browser.go("/").await.body, alice.id());
            pass();
        }
        kinde.fault("/oauth2/token", Fault::Status(503));
        let waiting = browser.go("/").await;
        assert_eq!(waiting.status, 503);
        printed.push(waiting.body);
        kinde.clear_faults();
        printed.push(format!("{:?}", browser.go("/api/auth/logout").await.headers.get("location")));

        let told = capture.records();
        for code in ["flow_unknown", "answer_status", "refresh put off", "grant_refused"] {
            assert!(told.iter().any(|told| told.text.contains(code)), "the capture heard {code}");
        }
        let to_register = format!("callback_url={URL}/api/auth/kinde_callback logout_url={URL}");
        let hints: Vec<_> = told.iter().filter(|told| told.text.contains("register these URLs")).collect();
        assert_eq!(hints.len(), 1, "at the start, and not with each sign-in");
        assert!(hints[0].text.ends_with(&to_register), "{}", hints[0].text);
        printed.extend(told.into_iter().map(|told| format!("{}: {}", told.target, told.text)));
        for (name, secret) in line.heard.lock().unwrap().iter() {
            browser.hide(name, secret);
        }
        let kinds: BTreeSet<_> = browser.secrets.iter().map(|(name, _)| name.clone()).collect();
        for kind in ["code_verifier", "refresh_token", "token", "id_token", "access_token", "code"] {
            assert!(kinds.contains(kind), "{kind} was heard: {kinds:?}");
        }
        println!("store {has_store}: {} texts searched for {kinds:?}", printed.len());
        for text in &printed {
            assert_eq!(browser.found_in(text, &[]), None, "store {has_store}: {text}");
        }
        for shown in &browser.shown {
            // What the browser carries to Kinde.
            assert_eq!(browser.found_in(shown, &["state=", "nonce="]), None, "store {has_store}: {shown}");
        }
        assert!(
            browser.found_in(&format!("x{}", &SESSION_SECRET[..40]), &[]).is_some(),
            "the search finds what is there"
        );
    }
}
