//! What is to be delivered, where and when; a plain record that knows no network.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    forgetful_map::ForgetfulMap,
    identifiers,
    random::split_mix,
    webhooks::{
        attempt::{WebhookAttempt, WebhookOutcome},
        delivery::WebhookDelivery,
        endpoint::{Target, WebhookEndpoint},
        schedule,
    },
};

/// An event as it goes out.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) event_type: String,
    /// The claims set as JSON.
    pub(crate) payload: String,
    /// Signed when the event was made.
    pub(crate) token: String,
}

/// An endpoint as the environment stores it.
#[derive(Clone, Debug)]
pub(crate) struct EndpointRecord {
    pub(crate) id: String,
    pub(crate) endpoint: WebhookEndpoint,
    pub(crate) target: Target,
    pub(crate) is_enabled: bool,
    /// In Unix seconds.
    pub(crate) created_at: u64,
    /// Since when there were only failures.
    pub(crate) failing_since: Option<Duration>,
}

/// An event on its way to one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) event: Arc<Event>,
    pub(crate) endpoint_id: String,
    pub(crate) webhook_id: String,
    pub(crate) target: Target,
    pub(crate) copy: usize,
    /// The number of the attempt to come, from 1.
    pub(crate) number: usize,
    /// When the first attempt began.
    pub(crate) begun_at: Option<Duration>,
    /// Which of the outbox's lives it belongs to.
    life: usize,
}

/// Endpoints, deliveries to come and deliveries made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) endpoints: Vec<EndpointRecord>,
    pub(crate) settings: WebhookDelivery,
    pub(crate) is_held: bool,
    /// The last ones, in the order they were made.
    pub(crate) attempts: Vec<WebhookAttempt>,
    /// By when they are due, and then in the order they came.
    waiting: BTreeMap<(Duration, usize), Delivery>,
    under_way: usize,
    /// The last events announced, by id: those that can be sent again.
    events: ForgetfulMap<Sent>,
    /// How many places in line were given out.
    places: usize,
    /// How many endpoints were ever added.
    added: usize,
    /// How often the outbox was put back to an earlier state; what is under way then comes back to nobody.
    life: usize,
}

/// An event and how often it went to any endpoint.
#[derive(Clone, Debug)]
struct Sent {
    event: Arc<Event>,
    copies: usize,
}

/// Endpoints.
impl Outbox {
    pub(crate) fn add_endpoint(
        &mut self,
        endpoint: WebhookEndpoint,
        target: Target,
        created_at: u64,
    ) -> String {
        let id = identifiers::webhook_id(&endpoint.endpoint, self.added);
        self.added = self.added.saturating_add(1);
        let record = EndpointRecord {
            id: id.clone(),
            endpoint,
            target,
            is_enabled: true,
            created_at,
            failing_since: None,
        };
        self.endpoints.push(record);
        id
    }

    pub(crate) fn endpoint(&self, id: &str) -> Option<&EndpointRecord> {
        self.endpoints.iter().find(|known| known.id == id)
    }

    pub(crate) fn endpoint_mut(&mut self, id: &str) -> Option<&mut EndpointRecord> {
        self.endpoints.iter_mut().find(|known| known.id == id)
    }

    /// Forgets an endpoint and what was to be delivered there; `false` when there is no such endpoint.
    pub(crate) fn remove_endpoint(&mut self, id: &str) -> bool {
        let before = self.endpoints.len();
        self.endpoints.retain(|known| known.id != id);
        self.drop_waiting(id);
        self.endpoints.len() < before
    }

    /// Sends nothing to an endpoint any more, and gives up what was still to be delivered there.
    pub(crate) fn disable(&mut self, id: &str) {
        if let Some(endpoint) = self.endpoint_mut(id) {
            endpoint.is_enabled = false;
        }
        self.drop_waiting(id);
    }

    /// Starts afresh with an endpoint, whose failures so far are forgotten.
    pub(crate) fn enable(&mut self, id: &str) {
        if let Some(endpoint) = self.endpoint_mut(id) {
            endpoint.is_enabled = true;
            endpoint.failing_since = None;
        }
    }

    fn drop_waiting(&mut self, endpoint_id: &str) {
        self.waiting.retain(|_, delivery| delivery.endpoint_id != endpoint_id);
    }
}

/// Events.
impl Outbox {
    /// Tells whether anybody would receive an event of this type.
    pub(crate) fn is_wanted(&self, event_type: &str) -> bool {
        self.endpoints.iter().any(|known| known.is_enabled && known.endpoint.wants(event_type))
    }

    /// Queues an event for every endpoint that wants it, with as many duplicates as are set.
    pub(crate) fn announce(&mut self, event: &Arc<Event>, now: Duration) {
        for _ in 0..=self.settings.duplicates {
            self.queue(event, now);
        }
    }

    /// Returns an event that was announced.
    pub(crate) fn event(&self, id: &str) -> Option<&Event> {
        self.events.get(id).map(|sent| &*sent.event)
    }

    /// Queues an event once more; `false` when no event with this id was announced.
    pub(crate) fn resend(&mut self, event_id: &str, now: Duration) -> bool {
        let Some(event) = self.events.get(event_id).map(|sent| Arc::clone(&sent.event)) else { return false };
        self.queue(&event, now);
        true
    }

    fn queue(&mut self, event: &Arc<Event>, now: Duration) {
        let copy = self.events.get(&event.id).map_or(0, |sent| sent.copies);
        match self.events.get_mut(&event.id) {
            Some(sent) => sent.copies = copy.saturating_add(1),
            None => drop(self.events.insert(event.id.clone(), Sent { event: Arc::clone(event), copies: 1 })),
        }
        let wanting = self.endpoints.iter().filter(|known| known.is_enabled);
        let deliveries: Vec<_> = wanting
            .filter(|known| known.endpoint.wants(&event.event_type))
            .map(|known| Delivery {
                event: Arc::clone(event),
                endpoint_id: known.id.clone(),
                webhook_id: identifiers::delivery_id(&known.id, &event.id),
                target: known.target.clone(),
                copy,
                number: 1,
                begun_at: None,
                life: self.life,
            })
            .collect();
        for delivery in deliveries {
            self.wait(now, delivery);
        }
    }

    /// Goes back to an earlier state. What is under way cannot be called back and is not written down.
    pub(crate) fn restore(&mut self, earlier: &Self) {
        let (life, under_way) = (self.life.saturating_add(1), self.under_way);
        *self = Self { life, under_way, ..earlier.clone() };
        self.waiting.values_mut().for_each(|delivery| delivery.life = life);
    }

    /// Forgets the log, and the events that could be sent again.
    pub(crate) fn forget(&mut self) {
        self.attempts.clear();
        self.events = ForgetfulMap::default();
    }
}

/// Deliveries.
impl Outbox {
    /// Takes the next delivery that is due, unless as many as may be are under way.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Delivery> {
        if self.is_held || self.under_way >= self.settings.at_most {
            return None;
        }
        let next = self.waiting.first_entry().filter(|next| next.key().0 <= now)?;
        self.under_way = self.under_way.saturating_add(1);
        Some(next.remove())
    }

    /// Writes an attempt down; after a failure the delivery waits for the next one, if there is one.
    pub(crate) fn finish(
        &mut self,
        mut delivery: Delivery,
        begun: Duration,
        outcome: WebhookOutcome,
        now: Duration,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        if delivery.life != self.life {
            return;
        }
        let is_success = outcome.is_success();
        if self.attempts.len() >= MOST_ATTEMPTS {
            self.attempts.drain(..MOST_ATTEMPTS / 10);
        }
        self.attempts.push(WebhookAttempt {
            event_id: delivery.event.id.clone(),
            event_type: delivery.event.event_type.clone(),
            webhook_id: delivery.webhook_id.clone(),
            endpoint_id: delivery.endpoint_id.clone(),
            copy: delivery.copy,
            number: delivery.number,
            at: begun.as_secs(),
            outcome,
        });
        let Some(endpoint) = self.endpoint_mut(&delivery.endpoint_id) else { return };
        if is_success {
            endpoint.failing_since = None;
            return;
        }
        let failing_since = *endpoint.failing_since.get_or_insert(begun);
        if schedule::has_failed_too_long(failing_since, now) {
            self.disable(&delivery.endpoint_id);
            return;
        }
        if !endpoint.is_enabled {
            return;
        }
        let first = *delivery.begun_at.get_or_insert(begun);
        delivery.number = delivery.number.saturating_add(1);
        if let Some(offset) = schedule::offset(delivery.number) {
            self.wait(first.saturating_add(offset), delivery);
        }
    }

    /// Returns when the next delivery is due; `None` when none is waiting or none may go.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let may_go = !self.is_held && self.under_way < self.settings.at_most;
        self.waiting.keys().next().filter(|_| may_go).map(|(due, _)| *due)
    }

    /// Tells whether nothing is under way and nothing is about to be.
    pub(crate) fn is_settled(&self, now: Duration) -> bool {
        self.under_way == 0 && self.next_due().is_none_or(|due| due > now)
    }

    /// Returns how many deliveries wait, for the first attempt or for another one.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Puts what is due by now in another order, the same for the same seed.
    pub(crate) fn shuffle(&mut self, seed: u64, now: Duration) {
        let later = self.waiting.split_off(&(now.saturating_add(Duration::from_nanos(1)), 0));
        let mut due: Vec<_> = std::mem::replace(&mut self.waiting, later).into_values().collect();
        let mut random = seed;
        // Fisher-Yates, from the back.
        for last in (1..due.len()).rev() {
            let bound = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
            due.swap(last, usize::try_from(split_mix(&mut random) % bound).unwrap_or(last));
        }
        for delivery in due {
            self.wait(now, delivery);
        }
    }

    fn wait(&mut self, due: Duration, delivery: Delivery) {
        self.places = self.places.saturating_add(1);
        self.waiting.insert((due, self.places), delivery);
    }
}

/// More than a test looks at; a few megabytes.
const MOST_ATTEMPTS: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_790_000_000);

    fn outbox_with(events: usize) -> Outbox {
        let mut outbox = Outbox::default();
        let endpoint = WebhookEndpoint::from("http://localhost");
        let target = Target::read("http://localhost").unwrap();
        outbox.add_endpoint(endpoint, target, 0);
        for number in 0..events {
            outbox.announce(&event(&number.to_string()), NOW);
        }
        outbox
    }

    fn event(id: &str) -> Arc<Event> {
        let event_type = "user.created".to_owned();
        Arc::new(Event { id: id.to_owned(), event_type, payload: String::new(), token: String::new() })
    }

    fn order(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.take_due(NOW)).map(|delivery| delivery.event.id.clone()).collect()
    }

    #[test]
    fn no_more_than_allowed_are_under_way() {
        let mut outbox = outbox_with(3);
        outbox.settings.at_most = 2;
        let first = outbox.take_due(NOW).unwrap();
        assert!(outbox.take_due(NOW).is_some() && outbox.take_due(NOW).is_none());
        outbox.finish(first, NOW, WebhookOutcome::Status(200), NOW);
        assert_eq!(order(&mut outbox), ["2"]);
    }

    #[test]
    fn limit_of_zero_sends_nothing_and_is_settled() {
        let mut outbox = outbox_with(1);
        outbox.settings.at_most = 0;
        assert!(outbox.take_due(NOW).is_none() && outbox.is_settled(NOW));
    }

    #[test]
    fn outbox_that_went_back_knows_nothing_of_what_was_under_way() {
        let mut outbox = outbox_with(1);
        let earlier = outbox.clone();
        let under_way = outbox.take_due(NOW).unwrap();
        outbox.announce(&event("later"), NOW);
        outbox.restore(&earlier);
        assert!(!outbox.is_settled(NOW));
        outbox.finish(under_way, NOW, WebhookOutcome::Status(500), NOW);
        assert_eq!((outbox.attempts.len(), outbox.waiting()), (0, 1));
        let again = outbox.take_due(NOW).unwrap();
        outbox.finish(again, NOW, WebhookOutcome::Status(200), NOW);
        assert_eq!((outbox.attempts.len(), outbox.waiting()), (1, 0));
    }

    #[test]
    fn shuffle_leaves_what_is_due_later_where_it_was() {
        let mut outbox = outbox_with(1);
        let failing = outbox.take_due(NOW).unwrap();
        outbox.finish(failing, NOW, WebhookOutcome::TimedOut, NOW);
        for number in 1..9 {
            outbox.announce(&event(&number.to_string()), NOW);
        }
        outbox.shuffle(7, NOW);
        let shuffled = order(&mut outbox);
        assert_eq!((shuffled.len(), outbox.waiting()), (8, 1));
        assert!(!shuffled.is_sorted());
        assert_eq!(outbox.next_due(), Some(NOW + Duration::from_secs(5)));
    }

    #[test]
    fn delivery_to_a_deleted_or_disabled_endpoint_is_not_tried_again() {
        for is_deleted in [true, false] {
            let mut outbox = outbox_with(2);
            let under_way = outbox.take_due(NOW).unwrap();
            let id = under_way.endpoint_id.clone();
            if is_deleted {
                assert!(outbox.remove_endpoint(&id));
            } else {
                outbox.disable(&id);
            }
            outbox.finish(under_way, NOW, WebhookOutcome::Status(500), NOW);
            assert_eq!((outbox.waiting(), outbox.attempts.len()), (0, 1));
            assert!(outbox.is_settled(NOW));
        }
    }
}
