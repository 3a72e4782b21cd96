//! What happened to some people and organizations, as verified events.

use std::time::Duration;

use kinde_core::{AccessToken, EventVerifier, Issuer, Jwks, Verifier};
use kinde_emulator::Environment;
use kinde_webhook::{Event, WebhookVerifier};
use serde_json::{Value, json};

/// An environment whose events are verified where they are made.
pub(crate) struct Source {
    pub(crate) kinde: Environment,
    keys: Jwks,
}

impl Source {
    pub(crate) async fn start() -> Self {
        let kinde = Environment::start().await;
        let keys = Jwks::builder(Issuer::new(kinde.issuer()).unwrap()).build().unwrap();
        keys.warm_up().await.unwrap();
        Self { kinde, keys }
    }

    /// Makes an event that happened `second` seconds after a fixed hour.
    pub(crate) fn event(&self, event_type: &str, second: u64, data: Value) -> Event {
        let at = START + second;
        let token = self.kinde.event(event_type).with_data(data).happened_at(at).token();
        let verifier = WebhookVerifier::from(EventVerifier::new(self.keys.clone()));
        verifier.verify_with(token, &self.keys, Duration::from_secs(at)).unwrap()
    }

    /// Makes a verified token of this person, issued at that second, with an address or without.
    pub(crate) async fn token(
        &self,
        id: &str,
        second: u64,
        email: Option<&str>,
    ) -> std::sync::Arc<AccessToken> {
        let person = self.kinde.person("mira").with_claim("sub", id).issued_at(START + second);
        let token = match email {
            Some(email) => person.with_claim("email", email).access_token(),
            None => person.access_token(),
        };
        let verifier = Verifier::builder(self.keys.clone())
            .with_application(self.kinde.client_id())
            .with_clock(kinde_core::ManualClock::at_unix_seconds(START + second));
        verifier.build().unwrap().verify_user(&token).await.unwrap()
    }

    /// Everything that can happen, with two changes of one person in the same second.
    pub(crate) fn history(&self) -> Vec<Event> {
        let org = |code: &str, roles: &[&str]| {
            let grants: Vec<_> =
                roles.iter().map(|key| json!({"id": format!("id_{key}"), "key": key})).collect();
            json!({"code": code, "roles": grants, "permissions": null})
        };
        vec![
            self.event("user.created", 1, user("kp_1", "a@x.example", "Mira", json!([]))),
            self.event("organization.created", 2, json!({"organization": {"code": "org_1", "name": "One"}})),
            self.event(
                "user.updated",
                3,
                user("kp_1", "b@x.example", "Mira", json!([org("org_1", &["admin"])])),
            ),
            self.event(
                "user.updated",
                4,
                user("kp_1", "b@x.example", "Mira V", json!([org("org_1", &[]), org("org_2", &["x"])])),
            ),
            self.event(
                "user.updated",
                4,
                user("kp_1", "c@x.example", "Mira Voss", json!([org("org_2", &["x", "y"])])),
            ),
            self.event(
                "user.created",
                5,
                user("kp_2", "d@x.example", "Tom", json!([org("org_1", &["admin"])])),
            ),
            self.event("organization.updated", 6, json!({"organization": {"code": "org_1", "name": "Uno"}})),
            self.event("user.deleted", 7, json!({"user": {"id": "kp_2"}})),
            self.event("organization.created", 8, json!({"organization": {"code": "org_2", "name": "Two"}})),
            self.event("organization.deleted", 9, json!({"organization": {"code": "org_2"}})),
            self.event("user.created", 10, user("kp_3", "", "", Value::Null)),
            // Silent on a part: what others say of it stands.
            self.event(
                "user.updated",
                12,
                json!({"user": {"id": "kp_1", "first_name": "Mira V.", "phone": "+49"}}),
            ),
            self.event("user.updated", 6, json!({"user": {"id": "kp_1", "is_suspended": true}})),
            self.event("user.deleted", 13, json!({"user": {"id": "kp_2"}})),
            self.event("role.created", 11, json!({"role": {"id": "r", "key": "k", "name": "n"}})),
        ]
    }
}

pub(crate) fn user(id: &str, email: &str, first_name: &str, organizations: Value) -> Value {
    json!({"user": {
        "id": id, "email": email, "first_name": first_name, "last_name": null, "is_suspended": false,
        "organizations": organizations,
    }})
}

/// Each event three times, in another order for each seed.
pub(crate) fn shuffled(history: &[Event], seed: u64) -> Vec<Event> {
    let mut events: Vec<_> = history.iter().cycle().take(history.len() * 3).cloned().collect();
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    for index in (1..events.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        events.swap(index, usize::try_from(state >> 33).unwrap() % (index + 1));
    }
    events
}

/// The history in the order in which it happened.
pub(crate) fn in_order(history: &[Event]) -> Vec<Event> {
    let mut events = history.to_vec();
    events.sort_by(|left, right| (left.happened_at(), left.id()).cmp(&(right.happened_at(), right.id())));
    events
}

/// 2026-09-21T13:00:00Z.
const START: u64 = 1_789_995_600;

/// Everything in the three tables, as lines.
pub(crate) const DUMP: &str = "
    SELECT 'user ' || id || coalesce(email, '-') || coalesce(first_name, '-') || coalesce(last_name, '-') || coalesce(username, '-') || coalesce(phone, '-') || CAST(email_changed_at AS TEXT)
        || CAST(memberships_changed_at AS TEXT) || CAST(suspended_changed_at AS TEXT)
        || CASE WHEN is_suspended THEN '1' ELSE '0' END || CASE WHEN is_deleted THEN '1' ELSE '0' END || CAST(changed_at AS TEXT) || changed_by AS line
        FROM kinde_users
    UNION ALL
    SELECT 'org ' || code || coalesce(name, '-') || coalesce(handle, '-') || coalesce(external_id, '-') || CASE WHEN is_deleted THEN '1' ELSE '0' END || CAST(changed_at AS TEXT) || changed_by
        FROM kinde_organizations
    UNION ALL
    SELECT 'member ' || user_id || org_code || roles || permissions FROM kinde_memberships
    ORDER BY line";
