//! Each event to the handler once: reserve, run, then confirm, release or park.

use std::{future::Future, time::Duration};

use tokio::time::Instant;
use tower_service::Service;

use crate::{
    Disposition, Event, EventKey, HandlerError, Inbox, InboxError, Process, Reservation, WebhookError,
    WebhookReason, WebhookVerifier, handler,
    inbox::{Lease, Terms},
    process::to_the_end,
    report,
};

/// Runs a handler for each event once, as the inbox remembers.
///
/// Once begun, a handler runs to its end or its time limit even if the sender hangs up meanwhile. It is at least
/// once: a process that dies between the handler's last write and the confirmation leaves an event that is handled
/// again when its reservation has ended.
#[derive(Clone, Debug)]
pub struct Once<I, S> {
    inbox: I,
    handler: S,
    endpoint: Box<str>,
    time_limit: Duration,
    patience: Duration,
    keep: Duration,
}

impl<I, S> Once<I, S> {
    /// Puts a handler behind an inbox that remembers events a day longer than `verifier` accepts them.
    pub fn new(inbox: I, verifier: &WebhookVerifier, handler: S) -> Self {
        Self {
            inbox,
            handler,
            endpoint: DEFAULT_ENDPOINT.into(),
            time_limit: DEFAULT_TIME_LIMIT,
            patience: DEFAULT_PATIENCE,
            keep: verifier.window().saturating_add(KEEP_LONGER),
        }
    }

    /// Names the endpoint, where several share an inbox. Default `default`.
    ///
    /// Kinde sends one event to every endpoint that asked for its type; two endpoints of one name would each take
    /// the other's for a duplicate.
    #[must_use]
    pub fn with_endpoint(mut self, name: &str) -> Self {
        self.endpoint = name.into();
        self
    }

    /// Sets for how long a handler may work. Default 60 s: a process that died then loses its event before Kinde's
    /// fourth attempt, two minutes later.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets for how long a second delivery waits for the outcome of the first. Default and maximum 5 s, for Kinde
    /// seems to hang up then; zero answers at once that the event is in flight.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(DEFAULT_PATIENCE);
        self
    }

    fn terms(&self) -> Terms {
        let longer = self.time_limit.checked_div(4).unwrap_or_default().max(LEASE_LONGER_MIN);
        Terms { lease: self.time_limit.saturating_add(longer), keep: self.keep }
    }
}

impl<I, S> Process for Once<I, S>
where
    I: Inbox,
    S: Service<Event> + Clone + Send + Sync + 'static,
    S::Error: Into<HandlerError> + Send,
    S::Future: Send,
{
    async fn process(&self, event: Event) -> Result<Disposition, WebhookError> {
        let this = self.clone();
        to_the_end(async move { this.handle_once(event).await }).await
    }
}

impl<I, S> Once<I, S>
where
    I: Inbox,
    S: Service<Event> + Clone + Send + Sync + 'static,
    S::Error: Into<HandlerError> + Send,
    S::Future: Send,
{
    async fn handle_once(&self, event: Event) -> Result<Disposition, WebhookError> {
        let key = EventKey::new(&event, &self.endpoint);
        match self.inbox.reserve(&key, self.terms()).await? {
            Reservation::Yours(lease) => self.handle(&event, lease).await,
            Reservation::Handled => Ok(Disposition::Duplicate),
            Reservation::InFlight => self.wait_for_other(&key).await,
        }
    }

    async fn handle(&self, event: &Event, lease: Lease) -> Result<Disposition, WebhookError> {
        match handler::run(self.handler.clone(), event.clone(), self.time_limit).await {
            Ok(()) => {
                persistently(|| self.inbox.confirm(&lease)).await?;
                Ok(Disposition::Handled)
            }
            Err(error) if error.is_permanent() => {
                let reason = error.to_string();
                persistently(|| self.inbox.park(&lease, event, &reason)).await?;
                report::parked(event, &error);
                Ok(Disposition::Parked)
            }
            Err(error) => {
                report::handler_failed(event, &error);
                // Where it cannot be given back, its reservation ends by itself.
                if let Err(error) = self.inbox.release(&lease).await {
                    report::not_released(event, &error);
                }
                Err(WebhookReason::Handler(error).into())
            }
        }
    }

    /// Waits for the outcome of another delivery and answers the same (requirement H7).
    async fn wait_for_other(&self, key: &EventKey) -> Result<Disposition, WebhookError> {
        // What the store takes for its answers counts, too.
        let asked_first = Instant::now();
        let mut pause = FIRST_PAUSE;
        while let Some(left) = self.patience.checked_sub(asked_first.elapsed()).filter(|left| !left.is_zero())
        {
            tokio::time::sleep(pause.min(left)).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            match self.inbox.reserve(key, self.terms()).await? {
                Reservation::InFlight => {}
                Reservation::Handled => return Ok(Disposition::Duplicate),
                // It failed, or died. The next attempt handles it.
                Reservation::Yours(lease) => {
                    self.inbox.release(&lease).await?;
                    return Err(WebhookReason::OtherFailed.into());
                }
            }
        }
        Err(WebhookReason::InFlight { waited: asked_first.elapsed() }.into())
    }
}

/// Asks a store again that does not answer: what a handler did must not be done again for a moment's outage.
async fn persistently<R>(mut ask: impl FnMut() -> R) -> Result<(), InboxError>
where
    R: Future<Output = Result<(), InboxError>>,
{
    let mut pause = FIRST_PAUSE;
    while pause <= LONGEST_PAUSE {
        match ask().await {
            Err(InboxError::Unavailable(_)) => tokio::time::sleep(pause).await,
            settled => return settled,
        }
        pause = pause.saturating_mul(2);
    }
    ask().await
}

pub(crate) const DEFAULT_ENDPOINT: &str = "default";
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(60);
const DEFAULT_PATIENCE: Duration = Duration::from_secs(5);
/// A reservation lasts a quarter longer than its handler may work, and at least this: it began when the store took it,
/// which may have been some seconds before its answer was here; and then it must be confirmed.
const LEASE_LONGER_MIN: Duration = Duration::from_secs(5);
/// The stores count from the reservation by a clock of their own.
pub(crate) const KEEP_LONGER: Duration = Duration::from_secs(24 * 60 * 60);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
