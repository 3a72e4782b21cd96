//! Stories of the key cache; what is pure is tested beside itself.
#![expect(clippy::arithmetic_side_effects, reason = "tests may overflow: they fail then")]

mod configuration;
mod events;
mod exchange;
mod first_load;
mod refresh;
mod unknown_kid;

use std::{
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::IF_NONE_MATCH};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Jwks, JwksBuilder, KeyRefusal};
use crate::{FetchError, FetchErrorKind, FetchFuture, HttpFetch, Issuer, ManualClock, Random};

/// Makes an odd modulus of exactly `8 * bytes` bits; nobody knows its factors.
pub(in crate::jwks) fn modulus(seed: u32, bytes: usize) -> Vec<u8> {
    let block = |number: u32| {
        let input = [seed.to_be_bytes(), number.to_be_bytes()].concat();
        digest::digest(&digest::SHA256, &input).as_ref().to_vec()
    };
    let mut modulus: Vec<u8> = (0_u32..).flat_map(block).take(bytes).collect();
    *modulus.first_mut().unwrap() |= 0x80;
    *modulus.last_mut().unwrap() |= 1;
    modulus
}

pub(in crate::jwks) fn exponent(value: u64) -> String {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Makes a key that verifies nothing, like Kinde's in every member.
pub(in crate::jwks) fn jwk_of(kid: &str, seed: u32) -> Value {
    let n = URL_SAFE_NO_PAD.encode(modulus(seed, 256));
    json!({"e": "AQAB", "n": n, "alg": "RS256", "kid": kid, "kty": "RSA", "use": "sig"})
}

/// Makes the key that belongs to `kid`.
pub(in crate::jwks) fn jwk(kid: &str) -> Value {
    let seed = kid.bytes().fold(7_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(byte)));
    jwk_of(kid, seed)
}

pub(in crate::jwks) fn jwks_of(entries: Vec<Value>) -> Vec<u8> {
    json!({ "keys": entries }).to_string().into_bytes()
}

/// A provider on a script; clones are the same provider.
#[derive(Clone, Debug)]
struct Provider {
    script: Arc<Script>,
}

#[derive(Debug)]
struct Script {
    mood: Mutex<Mood>,
    headers: Mutex<HeaderMap>,
    requests: Mutex<Vec<HeaderMap>>,
    cancelled: AtomicUsize,
    is_open: watch::Sender<bool>,
}

#[derive(Clone, Debug)]
enum Mood {
    Serves(StatusCode, Bytes),
    Fails(FetchErrorKind),
    Hangs,
    Panics,
}

impl Provider {
    fn serving(kids: &[&str]) -> Self {
        let script = Script {
            mood: Mutex::new(Mood::Hangs),
            headers: Mutex::default(),
            requests: Mutex::default(),
            cancelled: AtomicUsize::new(0),
            is_open: watch::Sender::new(true),
        };
        let provider = Self { script: Arc::new(script) };
        provider.serves(kids);
        provider
    }

    fn serves(&self, kids: &[&str]) {
        self.answers(200, jwks_of(kids.iter().map(|kid| jwk(kid)).collect()));
    }

    fn answers(&self, status: u16, body: impl Into<Bytes>) {
        self.is(Mood::Serves(StatusCode::from_u16(status).unwrap(), body.into()));
    }

    fn fails(&self) {
        self.is(Mood::Fails(FetchErrorKind::Connection));
    }

    fn is(&self, mood: Mood) {
        *self.script.mood.lock().unwrap() = mood;
    }

    fn sends(&self, name: &'static str, value: &str) {
        self.script.headers.lock().unwrap().insert(name, value.parse().unwrap());
    }

    /// From now on answers are held back until [`opens`](Provider::opens).
    fn closes(&self) {
        self.script.is_open.send_replace(false);
    }

    fn opens(&self) {
        self.script.is_open.send_replace(true);
    }

    fn request_count(&self) -> usize {
        self.script.requests.lock().unwrap().len()
    }

    fn last_request(&self) -> HeaderMap {
        self.script.requests.lock().unwrap().last().cloned().unwrap()
    }

    fn cancelled_count(&self) -> usize {
        self.script.cancelled.load(Ordering::SeqCst)
    }
}

impl HttpFetch for Provider {
    fn fetch(&self, request: http::Request<Bytes>, _: usize) -> FetchFuture<'_> {
        self.script.requests.lock().unwrap().push(request.headers().clone());
        Box::pin(async move {
            let mut cancellation = Cancellation(Some(&self.script.cancelled));
            let mut is_open = self.script.is_open.subscribe();
            is_open.wait_for(|is_open| *is_open).await.unwrap();
            let mood = self.script.mood.lock().unwrap().clone();
            let answer = match mood {
                Mood::Hangs => future::pending().await,
                Mood::Panics => panic!("the client panics"),
                Mood::Fails(kind) => Err(FetchError::new(kind)),
                Mood::Serves(status, body) => {
                    let mut answer = http::Response::new(body);
                    *answer.headers_mut() = self.script.headers.lock().unwrap().clone();
                    let etag = answer.headers().get("etag");
                    let is_current = etag.is_some() && etag == request.headers().get(IF_NONE_MATCH);
                    *answer.status_mut() = if is_current { StatusCode::NOT_MODIFIED } else { status };
                    Ok(answer)
                }
            };
            cancellation.0 = None;
            answer
        })
    }
}

struct Cancellation<'a>(Option<&'a AtomicUsize>);

impl Drop for Cancellation<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Draws the same number each time: at 0.0 refreshes are due after nine tenths of the soft age.
#[derive(Debug)]
struct Draws(f64);

impl Random for Draws {
    fn unit(&self) -> f64 {
        self.0
    }
}

fn issuer() -> Issuer {
    Issuer::new("https://acme.kinde.com").unwrap()
}

/// A builder with the provider, a clock set by hand and refreshes due after 270 s.
fn builder(provider: &Provider) -> (JwksBuilder, ManualClock) {
    let clock = ManualClock::at_unix_seconds(1_790_000_000);
    let builder = Jwks::builder(issuer())
        .with_http_client(provider.clone())
        .with_clock(clock.clone())
        .with_random(Draws(0.0));
    (builder, clock)
}

fn cache(provider: &Provider) -> (Jwks, ManualClock) {
    let (builder, clock) = builder(provider);
    (builder.build().unwrap(), clock)
}

/// A cache that has loaded the provider's keys.
async fn warm_cache(provider: &Provider) -> (Jwks, ManualClock) {
    let (jwks, clock) = cache(provider);
    jwks.warm_up().await.unwrap();
    (jwks, clock)
}

/// Lets every task run that does not wait for time or network; for a current-thread runtime.
async fn let_tasks_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn finds(jwks: &Jwks, kid: &str) -> bool {
    jwks.key(Some(kid)).await.is_ok()
}

/// Asks for many kids at once, each in a task of its own.
async fn ask_all(jwks: &Jwks, kids: impl Iterator<Item = String>) -> Vec<Result<(), KeyRefusal>> {
    let tasks: Vec<_> = kids
        .map(|kid| {
            let jwks = jwks.clone();
            tokio::spawn(async move { jwks.key(Some(&kid)).await.map(|_| ()) })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
