//! What a webhook costs: verifying and reading one, and accepting many into PostgreSQL beside the guide's way.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, header::CONTENT_TYPE};
use http_body_util::Full;
use kinde_benches::{
    apps::hand_written,
    environment,
    limit::Limit,
    measure::{median, thread_time},
    report::{Bars, option},
};
use kinde_core::{EventVerifier, Issuer, Jwks};
use kinde_emulator::Environment;
use kinde_webhook::{Event, Forward, HandlerError, WebhookService, WebhookVerifier};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::task::JoinSet;
use tower::ServiceExt;

#[tokio::main]
async fn main() -> ExitCode {
    hand_written::install_crypto();
    let environment = environment::start();
    let jwks =
        Jwks::builder(Issuer::new(environment.issuer()).expect("an issuer")).build().expect("a client");
    jwks.warm_up().await.expect("the environment answers");
    let mut bars = Bars::new();
    let ratio = verification(&environment, &jwks, option("--rounds", 60));
    bars.at_most("verify and read a first-seen event", ratio, 1.5, "R");
    match std::env::var("DATABASE_URL") {
        Ok(url) => {
            let pool = PgPool::connect(&url).await.expect("PostgreSQL answers at DATABASE_URL");
            let rounds = option("--rounds", 60) / 4;
            let pooled = Some(reqwest::Client::builder().no_proxy().build().expect("a client"));
            let ratio = accepts(&environment, jwks.clone(), &pool, pooled, rounds).await;
            println!(
                "{:<58} {ratio:>9.2} x         (no bar)",
                "accepts/s, to keys fetched over a kept connection"
            );
            let ratio = accepts(&environment, jwks, &pool, None, rounds).await;
            bars.at_least("accepts/s, to keys fetched by reqwest::get", ratio, 5.0, "x");
        }
        Err(_) => println!("accepts/s: NOT RUN, set DATABASE_URL to a PostgreSQL database"),
    }
    bars.exit_code()
}

/// Gives the median over rounds of one event's cost, in signature checks of the same round.
fn verification(environment: &Environment, jwks: &Jwks, rounds: usize) -> f64 {
    let verifier = WebhookVerifier::from(EventVerifier::new(jwks.clone()));
    let limit = Limit::of(environment);
    let now = Duration::from_secs(environment.now());
    let mut ratios = Vec::new();
    let mut costs = Vec::new();
    for _ in 0..rounds {
        let tokens = tokens(environment, BATCH);
        let physical = limit.nanos_per_verification(BATCH);
        let start = thread_time();
        for token in &tokens {
            let event = verifier.verify_with(token, jwks, now).expect("a good event");
            event.payload().expect("a good payload");
        }
        let cost = (thread_time() - start).as_nanos() as f64 / BATCH as f64;
        ratios.push(cost / physical);
        costs.push(cost);
    }
    println!("one event of {} bytes: {:.0} ns", tokens(environment, 1)[0].len(), median(&costs));
    median(&ratios)
}

/// Gives the median over rounds of accepted events per second, in those of the guide's way.
async fn accepts(
    environment: &Environment,
    jwks: Jwks,
    pool: &PgPool,
    client: Option<reqwest::Client>,
    rounds: usize,
) -> f64 {
    sqlx::query("CREATE TABLE IF NOT EXISTS bench_events (event_id TEXT PRIMARY KEY, token TEXT NOT NULL)")
        .execute(pool)
        .await
        .expect("a table");
    let store = pool.clone();
    let verifier = WebhookVerifier::from(EventVerifier::new(jwks));
    let ours = WebhookService::processing(
        verifier,
        Forward::new(move |event: Event| {
            let store = store.clone();
            async move { Ok(insert(&store, event.id(), event.token().expose()).await?) }
        }),
    );
    let guide = Arc::new(Guide {
        client,
        jwks_url: format!("{}/.well-known/jwks.json", environment.issuer()),
        pool: pool.clone(),
    });
    let (mut ratios, mut ours_rates, mut guide_rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let fast = rate(tokens(environment, EVENTS), |token| {
            let service = ours.clone();
            async move {
                let body = Full::new(Bytes::from(token));
                let request =
                    Request::post("/").header(CONTENT_TYPE, "application/jwt").body(body).expect("a request");
                let response = service.oneshot(request).await.expect("an answer");
                assert_eq!(response.status(), 200);
            }
        })
        .await;
        let slow = rate(tokens(environment, EVENTS), |token| {
            let guide = Arc::clone(&guide);
            async move { guide.receive(&token).await.expect("a good event") }
        })
        .await;
        ratios.push(fast / slow);
        ours_rates.push(fast);
        guide_rates.push(slow);
    }
    println!("accepts/s: {:.0}, the guide's way {:.0}", median(&ours_rates), median(&guide_rates));
    median(&ratios)
}

/// What one writes from the guide: the key set fetched for each request, then the same row.
struct Guide {
    /// Without one each request makes its own, as `reqwest::get` does.
    client: Option<reqwest::Client>,
    jwks_url: String,
    pool: PgPool,
}

impl Guide {
    async fn receive(&self, token: &str) -> Result<(), HandlerError> {
        let answer = match &self.client {
            Some(client) => client.get(&self.jwks_url).send().await?,
            None => reqwest::get(&self.jwks_url).await?,
        };
        let keys: jsonwebtoken::jwk::JwkSet = answer.json().await?;
        let kid = jsonwebtoken::decode_header(token)?.kid.ok_or("no kid")?;
        let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&kid).ok_or("no key")?)?;
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let event = jsonwebtoken::decode::<Value>(token, &key, &validation)?.claims;
        let event_id = event["event_id"].as_str().ok_or("no event_id")?;
        insert(&self.pool, event_id, token).await?;
        Ok(())
    }
}

/// One statement, so one round trip.
async fn insert(pool: &PgPool, event_id: &str, token: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO bench_events (event_id, token) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING",
    )
    .bind(event_id)
    .bind(token)
    .execute(pool)
    .await
    .map(drop)
}

/// Gives events per second with so many under way at a time.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    tokens: Vec<String>,
    accept: impl Fn(String) -> F,
) -> f64 {
    let count = tokens.len();
    let mut waiting = tokens.into_iter();
    let mut under_way = JoinSet::new();
    let start = Instant::now();
    for token in waiting.by_ref().take(AT_A_TIME) {
        under_way.spawn(accept(token));
    }
    while let Some(done) = under_way.join_next().await {
        done.expect("an accepted event");
        if let Some(token) = waiting.next() {
            under_way.spawn(accept(token));
        }
    }
    count as f64 / start.elapsed().as_secs_f64()
}

/// Signs events as Kinde sends them when a person changes.
fn tokens(environment: &Environment, count: usize) -> Vec<String> {
    let grant = |key: &str| json!({"id": "019240aa-51c7-7d0e-8e33-0c2f7b9a1d64", "key": key});
    let data = json!({"user": {
        "id": "kp_0f4b7c2d9e8a4d13b6a5c7e1f2903846", "email": "mira.voss@larkspur.example",
        "first_name": "Mira", "last_name": "Voss", "username": "mvoss", "phone": null,
        "is_suspended": false, "is_password_reset_requested": false,
        "organizations": [
            {"code": "org_7d21c9e04b6", "roles": [grant("dispatcher")], "permissions": [grant("read:tickets")]},
            {"code": "org_31f0a8d57e2", "roles": null, "permissions": null},
        ],
    }});
    (0..count).map(|_| environment.event("user.updated").with_data(data.clone()).token()).collect()
}

const BATCH: usize = 40;
const EVENTS: usize = 400;
const AT_A_TIME: usize = 20;
