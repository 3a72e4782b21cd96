//! Accept now, work later: an endpoint stores each webhook in a queue and answers at once, a worker handles it. Kill
//! the worker at any time: no event is lost, and none is handled twice.
//!
//! ```text
//! createdb webhooks
//! DATABASE_URL=postgres:///webhooks cargo run -p example-webhook-worker
//! ```
//!
//! Without an account it starts an emulator of Kinde, which sends a hundred events, some of them twice. In production
//! the two halves are processes of their own, as many of each as you like, and `KINDE_ISSUER_URL` names your environment:
//!
//! ```text
//! cargo run -p example-webhook-worker accept
//! cargo run -p example-webhook-worker work
//! ```
//!
//! | Kill | What happens |
//! |---|---|
//! | the endpoint | Kinde gets no answer and tries again, for 36 hours |
//! | the worker | its jobs go back into the queue five seconds after its last heartbeat; what the handler had begun to write is rolled back with its transaction |
//! | PostgreSQL | the endpoint answers 503 and Kinde tries again; the worker begins anew when it is back |
//!
//! The queue is [apalis](https://docs.rs/apalis), with its tables in the schema `apalis`. `queue.rs` stores, `work.rs`
//! takes out, verifies again and sets when a job comes back, `handler.rs` is what one writes oneself.
//!
//! To look after: jobs that can never be done, or were tried for half a day, are kept with their reason (`select * from
//! apalis.jobs where status in ('Killed', 'Failed')`; setting `status = 'Pending', attempts = 0` tries one again), and
//! what the handler gave up is in [`PostgresInbox::parked`](kinde_webhook::inbox::PostgresInbox::parked). Jobs that are
//! done keep their JWT until you delete them; the inbox remembers the event.

mod handler;
mod queue;
mod work;

use std::{env, error::Error, io, time::Duration};

use axum::Router;
use example_environment::ctrl_c;
use kinde_core::Kinde;
use kinde_webhook::{Forward, WebhookService, WebhookVerifier};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| LOGGED.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let pool = queue::connect(&database_url()?).await?;
    match env::args().nth(1).as_deref() {
        Some("accept") => accept(pool, &Kinde::from_env()?, listen().await?).await,
        Some("work") => work(pool, &Kinde::from_env()?).await,
        Some(other) => Err(format!("{other:?} is no role: write accept, work, or nothing for both").into()),
        None => both(pool).await,
    }
}

/// The half that Kinde talks to.
async fn accept(pool: PgPool, kinde: &Kinde, listener: TcpListener) -> Result<(), Box<dyn Error>> {
    println!("http://{}/webhooks/kinde accepts webhooks of {}", listener.local_addr()?, kinde.issuer());
    let push = Forward::new(move |event| queue::push(pool.clone(), event));
    let webhooks = WebhookService::processing(WebhookVerifier::new(kinde), push);
    let app = Router::new().route_service("/webhooks/kinde", webhooks);
    axum::serve(listener, app).with_graceful_shutdown(ctrl_c()).await?;
    Ok(())
}

/// The half that takes its time.
async fn work(pool: PgPool, kinde: &Kinde) -> Result<(), Box<dyn Error>> {
    let verifier = WebhookVerifier::from(kinde.event_verifier().with_max_age(MAX_AGE));
    println!("working on {} of {}", queue::QUEUE, kinde.issuer());
    Ok(work::run(pool, verifier).await?)
}

async fn both(pool: PgPool) -> Result<(), Box<dyn Error>> {
    let (kinde, emulator) = example_environment::kinde().await?;
    let listener = listen().await?;
    if let Some(emulator) = &emulator {
        emulator.add_webhook(format!("http://{}/webhooks/kinde", listener.local_addr()?))?;
        for number in 0..100 {
            let event = emulator.trigger("user.created");
            if number % 10 == 0 {
                emulator.resend(&event);
            }
        }
    }
    tokio::select! {
        outcome = accept(pool.clone(), &kinde, listener) => outcome,
        outcome = work(pool.clone(), &kinde) => outcome,
        outcome = tell(pool) => Ok(outcome?),
    }
}

/// Tells how far it is, whenever something has changed.
async fn tell(pool: PgPool) -> Result<(), sqlx::Error> {
    let mut told = String::new();
    loop {
        let now = handler::progress(&pool).await?;
        if now != told {
            println!("{now}");
            told = now;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn listen() -> io::Result<TcpListener> {
    example_environment::listen(3007).await
}

#[expect(clippy::disallowed_methods, reason = "no setting of Kinde, so kinde-core does not read it")]
fn database_url() -> Result<String, Box<dyn Error>> {
    env::var("DATABASE_URL").map_err(|_| NO_DATABASE.into())
}

/// For how long after it was made an event is still handled: longer than any outage of the worker that you want to
/// survive. The endpoint's own window stays at 48 hours. A job whose key Kinde has withdrawn meanwhile cannot be verified
/// any more: a backlog must be shorter than the time that a rotated key stays in the key set.
const MAX_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// apalis warns of `concurrency` inside `retry`, which is what `work.rs` wants.
const LOGGED: &str = "warn,apalis_core::worker::context=error";

const NO_DATABASE: &str = "DATABASE_URL is not set: name a PostgreSQL database, such as postgres:///webhooks. \
    On Debian and Ubuntu `apt install postgresql` starts a server; \
    `sudo -u postgres createuser --createdb $USER && createdb webhooks` makes the database, and no container is needed";
