//! Each event to the handler exactly once: its writes and the inbox's are one transaction.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use crate::{
    Disposition, Event, EventKey, HandlerError, Process, WebhookError, WebhookReason, handler,
    inbox::{Begun, InboxTransaction, PostgresInbox, Terms},
    process::to_the_end,
    report,
};

/// Runs a handler in the transaction that marks its event as handled (PostgreSQL).
///
/// What the handler writes with the connection it is given becomes durable together with the event, or not at all. What
/// it does elsewhere, such as sending a mail, is still at least once.
///
/// A handler that goes on after a failed statement, or ends the transaction itself, has lost it: the event is then not
/// acknowledged. A statement that may fail belongs into a savepoint (`connection.begin()`).
///
/// ```no_run
/// use kinde_webhook::{ExactlyOnce, WebhookService, WebhookVerifier, inbox::PostgresInbox, sync::PostgresSync};
///
/// # fn service(verifier: WebhookVerifier, pool: sqlx::PgPool) {
/// let sync = PostgresSync::new(pool.clone());
/// let process = ExactlyOnce::new(PostgresInbox::new(pool), &verifier, move |event, connection| {
///     let sync = sync.clone();
///     Box::pin(async move { sync.apply_in(connection, &event).await.map(drop) })
/// });
/// let webhooks = WebhookService::processing(verifier, process);
/// # let _: &dyn std::any::Any = &webhooks;
/// # }
/// ```
#[derive(Clone)]
pub struct ExactlyOnce<F> {
    inbox: PostgresInbox,
    handler: F,
    endpoint: Box<str>,
    time_limit: Duration,
    keep: Duration,
}

/// What a handler in a transaction gives.
pub type Joined<'c> = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send + 'c>>;

impl<F> ExactlyOnce<F>
where
    F: for<'c> Fn(Event, &'c mut sqlx::PgConnection) -> Joined<'c> + Clone + Send + Sync + 'static,
{
    /// Puts a handler behind an inbox that remembers events a day longer than `verifier` accepts them.
    pub fn new(inbox: PostgresInbox, verifier: &crate::WebhookVerifier, handler: F) -> Self {
        let keep = verifier.window().saturating_add(crate::once::KEEP_LONGER);
        Self {
            inbox,
            handler,
            endpoint: crate::once::DEFAULT_ENDPOINT.into(),
            time_limit: DEFAULT_TIME_LIMIT,
            keep,
        }
    }

    /// Names the endpoint, where several share an inbox. Default `default`.
    #[must_use]
    pub fn with_endpoint(mut self, name: &str) -> Self {
        self.endpoint = name.into();
        self
    }

    /// Sets for how long a handler may work. Default 10 s: it holds a connection and locks meanwhile.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    async fn handle_once(&self, event: Event) -> Result<Disposition, WebhookError> {
        let key = EventKey::new(&event, &self.endpoint);
        // The transaction is the lease.
        let terms = Terms { lease: self.time_limit, keep: self.keep };
        match self.inbox.begin(&key, terms).await? {
            Begun::New(transaction) => self.handle(&event, transaction).await,
            Begun::Handled => Ok(Disposition::Duplicate),
            Begun::InFlight => Err(WebhookReason::InFlight { waited: self.inbox.deadline() }.into()),
        }
    }

    async fn handle(
        &self,
        event: &Event,
        mut transaction: InboxTransaction,
    ) -> Result<Disposition, WebhookError> {
        // The closure itself may panic, too.
        let handling = async { (self.handler)(event.clone(), transaction.connection()).await };
        match handler::limited(handling, self.time_limit).await {
            Ok(()) => {
                transaction.commit().await?;
                Ok(Disposition::Handled)
            }
            Err(error) if error.is_permanent() => {
                transaction.park(event, &error.to_string()).await?;
                report::parked(event, &error);
                Ok(Disposition::Parked)
            }
            Err(error) => {
                report::handler_failed(event, &error);
                // Where it cannot be taken back now, the server does when it misses the connection.
                if let Err(error) = transaction.rollback().await {
                    report::not_released(event, &error);
                }
                Err(WebhookReason::Handler(error).into())
            }
        }
    }
}

impl<F> Process for ExactlyOnce<F>
where
    F: for<'c> Fn(Event, &'c mut sqlx::PgConnection) -> Joined<'c> + Clone + Send + Sync + 'static,
{
    async fn process(&self, event: Event) -> Result<Disposition, WebhookError> {
        let this = self.clone();
        to_the_end(async move { this.handle_once(event).await }).await
    }
}

impl<F> fmt::Debug for ExactlyOnce<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ExactlyOnce").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(10);
