//! The state behind one environment, shared by its server and by every builder that mints its tokens.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde_json::Value;

use crate::{
    access_token::{self, Envelope},
    claims::Claims,
    clock::Clock,
    directory::{Directory, Happening, PersonRecord},
    draft::{Draft, Org},
    faults::Faults,
    guarded::Guarded,
    id_token, identifiers,
    jws::{self, Untrusted},
    key_ring::KeyRing,
    lifetimes::Lifetimes,
    machine_token,
    on_demand::OnDemand,
    portal::PortalLinks,
    random::Random,
    requests::RequestLog,
    sessions::Sessions,
    signing_key::SigningKey,
    snapshot::Snapshot,
    webhooks::{self, Webhooks},
};

/// One environment's facts and state.
pub(crate) struct Provider {
    /// Where the server listens, without a trailing slash.
    pub(crate) url: String,
    /// What tokens and discovery say; the URL unless chosen otherwise.
    pub(crate) issuer: String,
    /// The application that `Environment::client_id` speaks of.
    pub(crate) client_id: String,
    pub(crate) lifetimes: Lifetimes,
    /// Whether verifying an API key takes a token.
    pub(crate) guards_api_key_verification: bool,
    /// Where this environment's random values come from.
    pub(crate) random: Random,
    pub(crate) clock: Clock,
    pub(crate) keys: Guarded<KeyRing>,
    pub(crate) jwks_headers: Guarded<JwksHeaders>,
    pub(crate) directory: Guarded<Directory>,
    pub(crate) sessions: Guarded<Sessions>,
    pub(crate) portal_links: Guarded<PortalLinks>,
    pub(crate) requests: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) on_demand: OnDemand,
    pub(crate) webhooks: Webhooks,
    /// What the control API was asked to take down, by name.
    pub(crate) snapshots: Guarded<BTreeMap<String, Arc<Snapshot>>>,
    /// The state at the start.
    pub(crate) start: OnceLock<Snapshot>,
}

impl Provider {
    /// Returns the key named, or the one that signs at present.
    pub(crate) fn signing_key(&self, kid: Option<&str>) -> Arc<SigningKey> {
        let ring = self.keys.lock();
        let named = kid.and_then(|kid| ring.find(kid));
        named.or_else(|| ring.find(ring.signing_kid())).unwrap_or_else(crate::development_keys::stranger)
    }

    /// Signs a claims set with the key the draft names.
    pub(crate) fn sign(&self, claims: &Claims, draft: &Draft) -> String {
        jws::sign(&self.signing_key(draft.kid.as_deref()), claims)
    }

    /// Writes the claims of an access token for a person.
    pub(crate) fn access_claims(&self, person: &PersonRecord, draft: &Draft) -> Claims {
        let client_id = self.client_of(draft);
        let envelope = self.envelope(&client_id, draft, self.lifetimes_of(&client_id).access_token);
        access_token::claims(&self.directory.lock(), person, draft, &envelope)
    }

    /// Writes the claims of the ID token that comes with `access_token`.
    pub(crate) fn id_claims(&self, person: &PersonRecord, draft: &Draft, access_token: &str) -> Claims {
        let client_id = self.client_of(draft);
        let envelope = self.envelope(&client_id, draft, self.lifetimes_of(&client_id).id_token);
        id_token::claims(&self.directory.lock(), person, draft, &envelope, access_token)
    }

    /// Writes the claims of an access token for the machine `client_id`.
    pub(crate) fn machine_claims(&self, client_id: &str, draft: &Draft) -> Claims {
        let mut draft = draft.clone();
        {
            let directory = self.directory.lock();
            let machine = directory.applications.get(client_id);
            if let (Org::Usual, Some(code)) = (&draft.org, machine.and_then(|known| known.org_code.clone())) {
                draft.org = Org::Code(code);
            }
            let stored = machine.into_iter().flat_map(|machine| &machine.properties);
            for (key, value) in stored.filter(|(key, _)| !directory.is_private_property(key)) {
                draft.user_properties.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        let lifetime = self.lifetimes_of(client_id).access_token;
        machine_token::claims(&draft, &self.envelope(client_id, &draft, lifetime))
    }

    /// Returns the claims of a token this environment signed and that has not expired; `None` for any other.
    pub(crate) fn verified_claims(&self, token: &str) -> Option<Value> {
        let untrusted = Untrusted::split(token)?;
        let key = self.keys.lock().find(&untrusted.kid)?;
        if !key.verifies(untrusted.message.as_bytes(), &untrusted.signature) {
            return None;
        }
        // Environments share their development keys: the issuer tells them apart.
        if untrusted.payload.get("iss")?.as_str()? != self.issuer {
            return None;
        }
        let expires_at = untrusted.payload.get("exp")?.as_u64()?;
        (expires_at > self.clock.now()).then_some(untrusted.payload)
    }

    /// Returns how long a token that was just signed stays good.
    pub(crate) fn seconds_left(&self, token: &str) -> u64 {
        let expires_at = Untrusted::split(token).and_then(|signed| signed.payload.get("exp")?.as_u64());
        expires_at.unwrap_or_default().saturating_sub(self.clock.now())
    }

    /// Returns the claims of a good token that nobody has revoked.
    pub(crate) fn live_claims(&self, token: &str) -> Option<Value> {
        let claims = self.verified_claims(token)?;
        let token_id = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
        let is_revoked = self.sessions.lock().is_revoked(token_id);
        (!is_revoked).then_some(claims)
    }

    /// Changes the world and tells webhooks what happened, in the order it did.
    pub(crate) fn change<R>(&self, source: &str, change: impl FnOnce(&mut Directory) -> R) -> R {
        let mut directory = self.directory.lock();
        let changed = change(&mut directory);
        let now = self.clock.since_epoch();
        for happening in directory.journal.drain(..) {
            if self.webhooks.is_wanted(happening.event_type) {
                self.announce(source, happening, now);
            }
        }
        changed
    }

    fn announce(&self, source: &str, happening: Happening, now: Duration) {
        let happened_at = self.webhooks.moment(now);
        let event_id = self.random.during(|| identifiers::event_id(happened_at));
        let Happening { event_type, data, ip_address } = happening;
        let style = self.webhooks.style;
        let envelope =
            webhooks::Envelope { event_type, event_id: &event_id, source, happened_at, ip_address, style };
        let claims = envelope.claims(data);
        let event = webhooks::Event {
            event_type: event_type.to_owned(),
            payload: claims.to_json(),
            token: jws::sign(&self.signing_key(None), &claims),
            id: event_id,
        };
        self.webhooks.announce(event, now);
    }

    /// Returns how long what is issued to an application stays good.
    pub(crate) fn lifetimes_of(&self, client_id: &str) -> Lifetimes {
        let directory = self.directory.lock();
        let application = directory.applications.get(client_id);
        application.map_or(self.lifetimes, |application| self.lifetimes.changed_by(application.lifetimes))
    }

    fn client_of(&self, draft: &Draft) -> String {
        draft.client_id.clone().unwrap_or_else(|| self.client_id.clone())
    }

    fn envelope(&self, client_id: &str, draft: &Draft, lifetime: Duration) -> Envelope {
        let (issued_at, expires_at) = draft.times.resolve(self.clock.now_of_tokens(), lifetime);
        Envelope {
            issuer: self.issuer.clone(),
            client_id: client_id.to_owned(),
            token_id: self.random.during(identifiers::token_id),
            issued_at,
            expires_at,
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("url", &self.url)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Caching headers on the key set; Kinde documents none, so there are none until a test sets them.
#[derive(Clone, Debug, Default)]
pub(crate) struct JwksHeaders {
    pub(crate) cache_control: Option<String>,
    pub(crate) has_etag: bool,
}

/// The `source` of what a person does.
pub(crate) const USER: &str = "user";

/// The `source` of what a test does, as if by the management API.
pub(crate) const API: &str = "api";
