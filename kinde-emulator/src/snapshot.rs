//! The state of an environment, to go back to between tests.

use std::fmt;

use crate::{
    clock::ClockState,
    directory::Directory,
    environment::Environment,
    faults::FaultsInForce,
    guarded::Guarded,
    key_ring::KeyRing,
    on_demand::Demanded,
    portal::PortalLinks,
    provider::{JwksHeaders, Provider},
    requests::Requests,
    sessions::Sessions,
    webhooks::WebhooksState,
};

/// The state of an environment at one moment: people, organizations and all else that was arranged, sessions, codes
/// and refresh tokens, keys, the clock, faults, webhook endpoints and deliveries, and the requests counted.
///
/// Taken by [`Environment::snapshot`]. It belongs to the environment it was taken from.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let alice = kinde.person("alice").in_org("acme").remember();
/// let arranged = kinde.snapshot();
/// alice.delete();
/// kinde.rotate_keys();
/// kinde.restore(&arranged);
/// assert_eq!(kinde.person("alice").details(), alice.details());
/// # }
/// ```
#[derive(Clone)]
pub struct Snapshot {
    random: u64,
    clock: ClockState,
    keys: KeyRing,
    jwks_headers: JwksHeaders,
    directory: Directory,
    sessions: Sessions,
    portal_links: PortalLinks,
    requests: Requests,
    faults: FaultsInForce,
    on_demand: Demanded,
    webhooks: WebhooksState,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Snapshots.
impl Environment {
    /// Takes down the state of the environment, for [`restore`](Self::restore).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.provider.snapshot()
    }

    /// Goes back to an earlier state. Nobody is told: webhooks under way end and are not written down.
    ///
    /// Tokens that were issued meanwhile stay as good as their keys; a clock that ran runs on from now.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.provider.restore(snapshot);
    }

    /// Goes back to the state in which the environment started.
    pub fn reset(&self) {
        self.provider.reset();
    }
}

impl Provider {
    pub(crate) fn snapshot(&self) -> Snapshot {
        // Every part is named, so that whoever adds one decides whether a snapshot keeps it.
        let Self {
            url: _,
            issuer: _,
            client_id: _,
            lifetimes: _,
            guards_api_key_verification: _,
            snapshots: _,
            start: _,
            random,
            clock,
            keys,
            jwks_headers,
            directory,
            sessions,
            portal_links,
            requests,
            faults,
            on_demand,
            webhooks,
        } = self;
        Snapshot {
            random: random.position(),
            clock: clock.state(),
            keys: copy(keys),
            jwks_headers: copy(jwks_headers),
            directory: copy(directory),
            sessions: copy(sessions),
            portal_links: copy(portal_links),
            requests: requests.state(),
            faults: faults.state(),
            on_demand: on_demand.state(),
            webhooks: webhooks.state(),
        }
    }

    pub(crate) fn restore(&self, snapshot: &Snapshot) {
        let Snapshot {
            random,
            clock,
            keys,
            jwks_headers,
            directory,
            sessions,
            portal_links,
            requests,
            faults,
            on_demand,
            webhooks,
        } = snapshot;
        self.random.restore(*random);
        self.clock.restore(*clock);
        self.keys.lock().clone_from(keys);
        self.jwks_headers.lock().clone_from(jwks_headers);
        self.directory.lock().clone_from(directory);
        self.sessions.lock().clone_from(sessions);
        self.portal_links.lock().clone_from(portal_links);
        self.requests.restore(requests);
        self.faults.restore(faults);
        self.on_demand.restore(on_demand);
        self.webhooks.restore(webhooks);
    }

    /// Goes back to the state in which the environment started.
    pub(crate) fn reset(&self) {
        if let Some(start) = self.start.get() {
            self.restore(start);
        }
    }
}

fn copy<T: Clone>(guarded: &Guarded<T>) -> T {
    guarded.lock().clone()
}
