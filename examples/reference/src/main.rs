//! The service by which the library is judged from outside: `cargo run -p example-reference`.
//!
//! It listens on `127.0.0.1:$PORT` and reads the `KINDE_*` variables. Four knobs of the key cache and one of the
//! verifier come from `REFERENCE_*` variables; each is a public builder setting, nothing is special-cased. With
//! `KINDE_SITE_URL` and `REFERENCE_COOKIE_SECRET` people sign in under `/api/auth` as well.

use std::{
    env,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, routing::get};
use kinde_axum::{
    AuthUser, Jwks, Kinde, KindeLayer, RequirePermission, Settings,
    kinde_login::{Login, kinde_core::Secret},
    kinde_webhook::{Event, HandlerError, WebhookService, WebhookVerifier, inbox::MemoryInbox},
    permissions,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, signal};

permissions! {
    /// May do everything.
    pub AdminAll = "admin:all";
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let kinde = kinde()?;
    let mut app = app(layer(&kinde)?).merge(webhooks(&kinde));
    if let Some(login) = login(&kinde)? {
        app = app.nest_service(kinde.settings().auth_api_path(), login.routes());
    }
    let port: u16 = variable("PORT")?.unwrap_or(3000);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

fn app(layer: KindeLayer) -> Router {
    Router::new()
        .route("/protected", get(protected))
        .route("/admin", get(admin))
        .layer(layer)
        .route("/healthz", get(async || "ok"))
}

async fn protected(user: AuthUser) -> Json<Value> {
    // A malformed claim names nothing: it is shown as absent here, and gates deny it.
    let permissions: Vec<_> = user.permissions().map(|keys| keys.iter().collect()).unwrap_or_default();
    Json(json!({
        "sub": user.id(),
        "org_code": user.org_code().ok().flatten(),
        "permissions": permissions,
    }))
}

async fn admin(user: AuthUser, _: RequirePermission<AdminAll>) -> Json<Value> {
    Json(json!({ "sub": user.id() }))
}

/// Counts the events that its handler was given: each once, however often it is delivered.
fn webhooks(kinde: &Kinde) -> Router {
    let processed = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&processed);
    let handler = move |_: Event| {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, HandlerError>(()) }
    };
    let service = WebhookService::from_fn(WebhookVerifier::new(kinde), MemoryInbox::new(), handler);
    let count = async move || Json(json!({ "count": processed.load(Ordering::Relaxed) }));
    Router::new().route_service("/webhook", service).route("/webhook/processed", get(count))
}

/// Signs people in where the site and a secret are named: `login`, `register`, `create_org`, `kinde_callback`, `me`,
/// `logout` and the other routes of kinde-login.
fn login(kinde: &Kinde) -> Result<Option<Login>, Box<dyn Error>> {
    let secret: Option<String> = variable("REFERENCE_COOKIE_SECRET")?;
    let Some(secret) = secret.filter(|_| kinde.settings().site_url().is_some()) else { return Ok(None) };
    Ok(Some(Login::builder(kinde).with_secrets([Secret::new(secret)]).build()?))
}

fn kinde() -> Result<Kinde, Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let mut jwks = Jwks::builder(settings.issuer().clone());
    if let Some(soft_age) = milliseconds("REFERENCE_JWKS_MAX_AGE_MS")? {
        jwks = jwks.with_soft_age(soft_age);
    }
    if let Some(cooldown) = milliseconds("REFERENCE_JWKS_COOLDOWN_MS")? {
        jwks = jwks.with_cooldown(cooldown);
    }
    if let Some(deadline) = milliseconds("REFERENCE_JWKS_TIMEOUT_MS")? {
        jwks = jwks.with_deadline(deadline);
    }
    if let Some(max_stale) = milliseconds("REFERENCE_JWKS_MAX_STALE_MS")? {
        jwks = jwks.with_max_stale(max_stale);
    }
    Ok(Kinde::with_jwks(settings, jwks.build()?)?)
}

fn layer(kinde: &Kinde) -> Result<KindeLayer, Box<dyn Error>> {
    let mut verifier = kinde.verifier();
    if let Some(seconds) = variable("REFERENCE_LEEWAY_SECONDS")? {
        verifier = verifier.with_leeway(Duration::from_secs(seconds));
    }
    Ok(KindeLayer::new(verifier.build()?))
}

fn milliseconds(name: &str) -> Result<Option<Duration>, Box<dyn Error>> {
    Ok(variable(name)?.map(Duration::from_millis))
}

/// Reads a variable of this program's own; the library's variables are read by `Settings`.
#[expect(clippy::disallowed_methods, reason = "the program's own variables are not the library's settings")]
fn variable<T: std::str::FromStr<Err: Error + 'static>>(name: &str) -> Result<Option<T>, Box<dyn Error>> {
    match env::var(name) {
        Ok(text) if !text.is_empty() => {
            text.parse().map(Some).map_err(|error| format!("{name}: {error}").into())
        }
        Ok(_) | Err(env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}

async fn stopped() {
    // Without a signal handler the program ends at once instead of gracefully.
    if signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
