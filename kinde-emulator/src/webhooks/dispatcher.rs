//! The task that sends what is due.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::{JoinHandle, JoinSet},
    time,
};

use crate::{
    claims::Claims,
    jws,
    provider::Provider,
    webhooks::{
        attempt::WebhookOutcome,
        outbox::Delivery,
        post::{self, NoAnswer},
    },
};

/// Sends webhooks until it is stopped or dropped.
pub(crate) struct Dispatcher {
    provider: Arc<Provider>,
    is_stopped: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Dispatcher {
    /// Starts on the current Tokio runtime.
    pub(crate) fn start(provider: &Arc<Provider>) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(run(Arc::clone(provider), Arc::clone(&is_stopped)));
        Self { provider: Arc::clone(provider), is_stopped, task }
    }

    /// Cuts off what is under way and waits until every task is gone.
    pub(crate) async fn stop(mut self) {
        self.is_stopped.store(true, Ordering::Release);
        self.provider.webhooks.look_again();
        // The task ends by itself and is never cancelled before it did.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        // Its set of requests goes with it.
        self.task.abort();
    }
}

async fn run(provider: Arc<Provider>, is_stopped: Arc<AtomicBool>) {
    let mut requests = JoinSet::new();
    while !is_stopped.load(Ordering::Acquire) {
        while requests.try_join_next().is_some() {}
        let now = provider.clock.since_epoch();
        while let Some(delivery) = provider.webhooks.take_due(now) {
            requests.spawn(attempt(Arc::clone(&provider), delivery));
        }
        let woken = provider.webhooks.wake.notified();
        match sleep(&provider, now) {
            // Whether time or somebody woke it makes no difference.
            Some(duration) => drop(time::timeout(duration, woken).await),
            None => woken.await,
        }
    }
    requests.shutdown().await;
}

/// Returns how long nothing will be due; `None` when only a change can make something due.
fn sleep(provider: &Provider, now: Duration) -> Option<Duration> {
    let due = provider.webhooks.read(|outbox| outbox.next_due())?;
    (provider.clock.is_running() || due <= now).then(|| due.saturating_sub(now))
}

async fn attempt(provider: Arc<Provider>, delivery: Delivery) {
    let begun = provider.clock.since_epoch();
    let settings = provider.webhooks.read(|outbox| outbox.settings.clone());
    let signed_anew =
        (settings.is_signed_anew && delivery.number > 1).then(|| sign_anew(&provider, &delivery, begun));
    let token = signed_anew.as_deref().unwrap_or(&delivery.event.token);
    let outcome = match post::post(&delivery.target, &delivery.webhook_id, token, settings.timeout).await {
        Ok(status) => WebhookOutcome::Status(status),
        Err(NoAnswer::InTime) => WebhookOutcome::TimedOut,
        Err(NoAnswer::Because(error)) => WebhookOutcome::NoAnswer(error.to_string()),
    };
    let now = provider.clock.since_epoch();
    provider.webhooks.change(|outbox| outbox.finish(delivery, begun, outcome, now));
}

/// Signs the same event again: a new `timestamp`, as the documentation of 2026 tells when the message was made from
/// when the event happened.
fn sign_anew(provider: &Provider, delivery: &Delivery, now: Duration) -> String {
    let Some(mut claims) = Claims::from_json(&delivery.event.payload) else {
        return delivery.event.token.clone();
    };
    claims.set("timestamp", provider.webhooks.style.write(now));
    jws::sign(&provider.signing_key(None), &claims)
}
