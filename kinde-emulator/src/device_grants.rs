//! Decides what a device that waits for its person is told (RFC 8628).

use std::collections::BTreeMap;

use crate::{identifiers, sessions::Grant};

/// The devices that wait, by device code.
#[derive(Clone, Default)]
pub(crate) struct DeviceGrants(BTreeMap<String, DeviceGrant>);

/// A device that waits, or may fetch its tokens.
#[derive(Clone)]
pub(crate) struct DeviceGrant {
    pub(crate) user_code: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) requested_at: u64,
    expires_at: u64,
    interval_seconds: u64,
    polled_at: Option<u64>,
    decision: Decision,
}

#[derive(Clone)]
enum Decision {
    Pending,
    Denied,
    Allowed(Box<Grant>),
}

/// What an application on a device asks for.
pub(crate) struct Asked {
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
}

/// Why a device gets no tokens yet, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Pending,
    TooFast,
    Denied,
    Expired,
    /// Nobody knows the code, it is another application's, or its tokens were fetched before.
    Unknown,
}

impl DeviceGrants {
    /// Begins to wait; returns the device code and the code that the person types.
    pub(crate) fn begin(&mut self, asked: Asked, now: u64) -> (String, String) {
        self.0.retain(|_, known| now < known.expires_at.saturating_add(REMEMBERED_SECONDS));
        let device_code = format!("kinde_dc_{}", identifiers::random_hex(16));
        let user_code = identifiers::user_code();
        let Asked { client_id, scopes, audiences } = asked;
        let grant = DeviceGrant {
            user_code: user_code.clone(),
            client_id,
            scopes,
            audiences,
            requested_at: now,
            expires_at: now.saturating_add(LIFETIME_SECONDS),
            interval_seconds: INTERVAL_SECONDS,
            polled_at: None,
            decision: Decision::Pending,
        };
        self.0.insert(device_code.clone(), grant);
        (device_code, user_code)
    }

    /// Finds the device that shows this code and still waits for an answer; case, spaces and hyphens do not matter.
    pub(crate) fn waiting(&self, user_code: &str, now: u64) -> Option<&DeviceGrant> {
        let user_code = canonical(user_code);
        self.0.values().find(|known| {
            known.user_code == user_code
                && now < known.expires_at
                && matches!(known.decision, Decision::Pending)
        })
    }

    /// Stores the answer: tokens may be fetched for this grant, or nothing may. `false` when nothing waits.
    pub(crate) fn decide(&mut self, user_code: &str, grant: Option<Grant>, now: u64) -> bool {
        let user_code = canonical(user_code);
        let waiting = self.0.values_mut().find(|known| {
            known.user_code == user_code
                && now < known.expires_at
                && matches!(known.decision, Decision::Pending)
        });
        let Some(waiting) = waiting else { return false };
        waiting.decision = grant.map_or(Decision::Denied, |grant| Decision::Allowed(Box::new(grant)));
        true
    }

    /// Answers a device that asks for its tokens; they are fetched once.
    pub(crate) fn poll(&mut self, device_code: &str, client_id: &str, now: u64) -> Result<Grant, Wait> {
        let known = self.0.get_mut(device_code).filter(|known| known.client_id == client_id);
        let known = known.ok_or(Wait::Unknown)?;
        if now >= known.expires_at {
            return Err(Wait::Expired);
        }
        let earliest = known.polled_at.map(|polled_at| polled_at.saturating_add(known.interval_seconds));
        known.polled_at = Some(now);
        if earliest.is_some_and(|earliest| now < earliest) {
            // RFC 8628 §3.5: five seconds more for this and every later request.
            known.interval_seconds = known.interval_seconds.saturating_add(5);
            return Err(Wait::TooFast);
        }
        let grant = match &known.decision {
            Decision::Pending => return Err(Wait::Pending),
            Decision::Denied => return Err(Wait::Denied),
            Decision::Allowed(grant) => grant.as_ref().clone(),
        };
        self.0.remove(device_code);
        Ok(grant)
    }
}

fn canonical(user_code: &str) -> String {
    user_code.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase()).collect()
}

/// Kinde's example says 600 seconds, its text "typically 30 minutes"; clients obey the number they get.
pub(crate) const LIFETIME_SECONDS: u64 = 600;
pub(crate) const INTERVAL_SECONDS: u64 = 5;

/// How long an expired code is still told from an unknown one.
const REMEMBERED_SECONDS: u64 = 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(devices: &mut DeviceGrants) -> (String, String) {
        let asked = Asked { client_id: "web".to_owned(), scopes: Vec::new(), audiences: Vec::new() };
        devices.begin(asked, 0)
    }

    #[test]
    fn codes_have_the_shapes_kinde_shows() {
        let (device_code, user_code) = begun(&mut DeviceGrants::default());
        assert!(device_code.starts_with("kinde_dc_"));
        assert!(
            user_code.len() == 8 && user_code.bytes().all(|byte| byte.is_ascii_uppercase()),
            "{user_code}"
        );
    }

    #[test]
    fn device_that_asks_too_often_has_to_wait_five_seconds_more_each_time() {
        let mut devices = DeviceGrants::default();
        let (device_code, _) = begun(&mut devices);
        let rows = [
            (0, Wait::Pending),
            (5, Wait::Pending),
            (9, Wait::TooFast),
            (18, Wait::TooFast),
            (33, Wait::Pending),
            (599, Wait::Pending),
            (600, Wait::Expired),
        ];
        for (now, expected) in rows {
            assert_eq!(devices.poll(&device_code, "web", now).err(), Some(expected), "at {now}");
        }
    }

    #[test]
    fn allowed_device_fetches_its_tokens_once() {
        let mut devices = DeviceGrants::default();
        let (device_code, user_code) = begun(&mut devices);
        let (start, end) = user_code.split_at(4);
        let typed = format!(" {}-{end} ", start.to_lowercase());
        assert!(devices.waiting(&typed, 0).is_some());
        assert!(devices.decide(&typed, Some(Grant::for_tests("f")), 0));
        assert!(devices.waiting(&typed, 0).is_none());
        assert_eq!(devices.poll(&device_code, "another", 10).err(), Some(Wait::Unknown));
        assert!(devices.poll(&device_code, "web", 10).is_ok());
        assert_eq!(devices.poll(&device_code, "web", 20).err(), Some(Wait::Unknown));
    }

    #[test]
    fn denied_device_is_told_so_and_nothing_is_decided_twice() {
        let mut devices = DeviceGrants::default();
        let (device_code, user_code) = begun(&mut devices);
        assert!(devices.decide(&user_code, None, 0));
        assert!(!devices.decide(&user_code, Some(Grant::for_tests("f")), 0));
        assert_eq!(devices.poll(&device_code, "web", 0).err(), Some(Wait::Denied));
    }
}
