//! A billing plan of the environment, and who subscribed to it.

use std::sync::Arc;

use crate::{
    changes::store,
    directory::Directory,
    entitlement::Entitlement,
    identifiers,
    organization::Organization,
    person::Person,
    provider::{API, Provider},
};

/// A billing plan of the environment, found or created by [`Environment::plan`](crate::Environment::plan).
///
/// Whoever is subscribed to it has its [entitlements](Entitlement).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// use kinde_emulator::Entitlement;
///
/// let fleet = kinde.plan("fleet");
/// fleet.add_entitlement(Entitlement::new("seats").with_unit_amount(900).with_maximum(25));
/// kinde.org("acme").subscribe("fleet");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    provider: Arc<Provider>,
    key: String,
}

/// What an administrator may change about a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanDetails {
    /// The name people see.
    pub name: String,
}

impl Plan {
    pub(crate) fn find_or_create(provider: &Arc<Provider>, key: &str) -> Self {
        provider.change(API, |directory| directory.know_plan(key));
        Self { provider: Arc::clone(provider), key: key.to_owned() }
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what the environment knows about the plan.
    #[must_use]
    pub fn details(&self) -> PlanDetails {
        let directory = self.provider.directory.lock();
        directory.plans.get(&self.key).map(|known| known.details.clone()).unwrap_or_default()
    }

    /// Changes the plan.
    pub fn update(&self, change: impl FnOnce(&mut PlanDetails)) {
        let before = self.details();
        let mut after = before.clone();
        change(&mut after);
        self.change(|plan| store(&mut plan.details.name, &before.name, after.name));
    }

    /// Entitles everybody who is subscribed, now or later; takes the place of an earlier entitlement to the same
    /// feature.
    pub fn add_entitlement(&self, entitlement: Entitlement) {
        self.change(|plan| plan.entitle(entitlement));
    }

    /// Takes the entitlement to a feature from everybody who is subscribed.
    pub fn remove_entitlement(&self, feature_key: &str) {
        self.change(|plan| plan.entitlements.retain(|held| held.feature_key != feature_key));
    }

    fn change(&self, change: impl FnOnce(&mut PlanRecord)) {
        self.provider.change(API, |directory| directory.plans.get_mut(&self.key).map(change));
    }
}

impl Organization {
    /// Subscribes the organization to a plan, found or created by key; does nothing when it is subscribed.
    ///
    /// No webhook is told: the data of Kinde's `customer.*` events is not documented.
    pub fn subscribe(&self, plan: &str) {
        let now = self.provider().clock.now();
        self.provider().change(API, |directory| directory.know_plan(plan));
        self.change(|organization| subscribe(&mut organization.subscriptions, plan, now));
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, plan: &str) {
        self.change(|organization| organization.subscriptions.retain(|held| held.plan != plan));
    }
}

impl Person {
    /// Subscribes the person to a plan, found or created by key; does nothing when they are subscribed.
    ///
    /// They are entitled to it in every organization. Webhooks are told `user.updated`.
    pub fn subscribe(&self, plan: &str) {
        let now = self.provider().clock.now();
        self.provider().change(API, |directory| directory.know_plan(plan));
        self.change_record(|person| subscribe(&mut person.subscriptions, plan, now));
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, plan: &str) {
        self.change_record(|person| person.subscriptions.retain(|held| held.plan != plan));
    }
}

/// A plan as the environment stores it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlanRecord {
    pub(crate) key: String,
    pub(crate) details: PlanDetails,
    pub(crate) entitlements: Vec<Entitlement>,
}

impl PlanRecord {
    /// Makes up a plan from its key.
    pub(crate) fn invent(key: &str) -> Self {
        let details = PlanDetails { name: identifiers::display_name(key) };
        Self { key: key.to_owned(), details, entitlements: Vec::new() }
    }

    /// Adds an entitlement in the place of an earlier one to the same feature.
    pub(crate) fn entitle(&mut self, entitlement: Entitlement) {
        self.entitlements.retain(|held| held.feature_key != entitlement.feature_key);
        self.entitlements.push(entitlement);
    }
}

/// That somebody subscribed to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// The plan's key.
    pub(crate) plan: String,
    /// In Unix seconds.
    pub(crate) subscribed_on: u64,
}

impl Directory {
    /// Makes up the plan if it is not there yet.
    pub(crate) fn know_plan(&mut self, key: &str) {
        self.plans.entry(key.to_owned()).or_insert_with(|| PlanRecord::invent(key));
    }
}

/// Adds a subscription if there is none.
pub(crate) fn subscribe(subscriptions: &mut Vec<Subscription>, plan: &str, now: u64) {
    if !subscriptions.iter().any(|held| held.plan == plan) {
        subscriptions.push(Subscription { plan: plan.to_owned(), subscribed_on: now });
    }
}
