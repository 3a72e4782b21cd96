//! Webhooks: who wants which events, what is on its way, and the task that sends it.

mod attempt;
mod delivery;
mod dispatcher;
mod endpoint;
mod envelope;
mod environment;
mod event;
mod handle;
mod outbox;
mod payload;
mod post;
mod schedule;

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use crate::{clock::Clock, error::EndpointError, guarded::Guarded};

pub use attempt::{WebhookAttempt, WebhookOutcome};
pub use delivery::WebhookDelivery;
pub use endpoint::WebhookEndpoint;
pub use envelope::WebhookStyle;
pub use event::WebhookEvent;
pub use handle::Webhook;
pub use payload::EVENT_TYPES;

pub(crate) use dispatcher::Dispatcher;
pub(crate) use envelope::Envelope;
pub(crate) use outbox::{Event, Outbox};

use outbox::Delivery;

/// The webhooks of one environment, shared with the task that sends them.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    pub(crate) style: WebhookStyle,
    outbox: Guarded<Outbox>,
    moments: Guarded<Moments>,
    /// Wakes the task that sends.
    wake: Notify,
    /// Wakes those who wait until everything is sent.
    changed: Notify,
}

impl Webhooks {
    pub(crate) fn new(style: WebhookStyle, settings: WebhookDelivery) -> Self {
        let webhooks = Self { style, ..Self::default() };
        webhooks.outbox.lock().settings = settings;
        webhooks
    }

    /// Adds an endpoint and returns its id.
    pub(crate) fn add(&self, endpoint: WebhookEndpoint, now: u64) -> Result<String, EndpointError> {
        let target = endpoint::Target::read(&endpoint.endpoint)?;
        Ok(self.change(|outbox| outbox.add_endpoint(endpoint, target, now)))
    }

    /// Returns when an event that happens now happened: no two are told at the same instant of a clock that stands.
    pub(crate) fn moment(&self, now: Duration) -> Duration {
        self.moments.lock().next(now, self.style.resolution())
    }

    /// Tells whether anybody would receive an event of this type.
    pub(crate) fn is_wanted(&self, event_type: &str) -> bool {
        self.outbox.lock().is_wanted(event_type)
    }

    pub(crate) fn announce(&self, event: Event, now: Duration) {
        let event = Arc::new(event);
        self.change(|outbox| outbox.announce(&event, now));
    }

    fn take_due(&self, now: Duration) -> Option<Delivery> {
        self.outbox.lock().take_due(now)
    }

    /// Looks again at what is due: the clock was moved.
    pub(crate) fn look_again(&self) {
        self.wake.notify_one();
        self.changed.notify_waiters();
    }

    /// Waits until nothing is under way and nothing is due.
    pub(crate) async fn settled(&self, clock: &Clock) {
        loop {
            // Registered before the check, so that a change between the two is not missed.
            let changed = self.changed.notified();
            if self.outbox.lock().is_settled(clock.since_epoch()) {
                return;
            }
            changed.await;
        }
    }

    /// Returns everything but who waits.
    pub(crate) fn state(&self) -> WebhooksState {
        WebhooksState { outbox: self.outbox.lock().clone(), moments: self.moments.lock().clone() }
    }

    /// Goes back to an earlier state.
    pub(crate) fn restore(&self, earlier: &WebhooksState) {
        *self.moments.lock() = earlier.moments.clone();
        self.change(|outbox| outbox.restore(&earlier.outbox));
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&Outbox) -> R) -> R {
        read(&self.outbox.lock())
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Outbox) -> R) -> R {
        let changed = change(&mut self.outbox.lock());
        self.look_again();
        changed
    }
}

/// What a snapshot keeps.
#[derive(Clone, Debug)]
pub(crate) struct WebhooksState {
    outbox: Outbox,
    moments: Moments,
}

/// Keeps events apart that happen while the clock stands, as any two are at Kinde: receivers may order by time.
#[derive(Clone, Debug, Default)]
struct Moments {
    last: Option<Duration>,
    ties: u32,
}

impl Moments {
    fn next(&mut self, now: Duration, resolution: Duration) -> Duration {
        self.ties = if self.last == Some(now) { self.ties.saturating_add(1) } else { 0 };
        self.last = Some(now);
        now.saturating_add(resolution.saturating_mul(self.ties))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_at_a_standing_clock_follow_each_other_and_time_may_go_back() {
        let mut moments = Moments::default();
        let (now, step) = (Duration::from_secs(10), Duration::from_micros(1));
        assert_eq!(moments.next(now, step), now);
        assert_eq!(moments.next(now, step), now + step);
        assert_eq!(moments.next(now, step), now + step * 2);
        assert_eq!(moments.next(Duration::from_secs(9), step), Duration::from_secs(9));
        assert_eq!(moments.next(now, step), now);
    }
}
