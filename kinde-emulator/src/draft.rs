//! What one token should say beyond what the environment knows about its subject.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::claims::Claims;

/// Choices for one token; the default is what Kinde issues to an ordinary sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) org: Org,
    pub(crate) permissions: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) flags: BTreeMap<String, Value>,
    pub(crate) user_properties: BTreeMap<String, Value>,
    pub(crate) organization_properties: BTreeMap<String, Value>,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) auth_time: Option<u64>,
    pub(crate) requested_at: Option<u64>,
    pub(crate) hasura: bool,
    pub(crate) kid: Option<String>,
    pub(crate) times: Times,
    pub(crate) overrides: BTreeMap<String, Option<Value>>,
}

impl Draft {
    /// Starts from these scopes and nothing else.
    pub(crate) fn with_scopes(scopes: &[&str]) -> Self {
        Self {
            org: Org::Usual,
            permissions: Vec::new(),
            roles: Vec::new(),
            flags: BTreeMap::new(),
            user_properties: BTreeMap::new(),
            organization_properties: BTreeMap::new(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            audiences: Vec::new(),
            client_id: None,
            nonce: None,
            auth_time: None,
            requested_at: None,
            hasura: false,
            kid: None,
            times: Times::default(),
            overrides: BTreeMap::new(),
        }
    }

    /// Tells whether a claim that applications opt into was asked for, for this one token.
    pub(crate) fn asks_for(&self, claim: &str) -> bool {
        match claim {
            "roles" => !self.roles.is_empty(),
            "user_properties" => !self.user_properties.is_empty(),
            "organization_properties" => !self.organization_properties.is_empty(),
            _ => false,
        }
    }

    /// Applies what was asked for by name, after everything else.
    pub(crate) fn finish(&self, claims: &mut Claims) {
        if self.hasura {
            claims.map_to_hasura();
        }
        for (name, value) in &self.overrides {
            match value {
                Some(value) => claims.set(name, value.clone()),
                None => drop(claims.remove(name)),
            }
        }
    }
}

/// The organization a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Org {
    /// The first one the subject is a member of, if any.
    Usual,
    /// None, whatever the memberships.
    Without,
    /// This one, by code.
    Code(String),
}

/// When a token begins and ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) issued_at: Option<u64>,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) is_expired: bool,
}

impl Times {
    /// Returns `(iat, exp)` in Unix seconds.
    pub(crate) fn resolve(&self, now: u64, usual_lifetime: Duration) -> (u64, u64) {
        let lifetime = self.lifetime.unwrap_or(usual_lifetime).as_secs();
        let issued_at = self.issued_at.unwrap_or_else(|| {
            if self.is_expired { now.saturating_sub(lifetime.saturating_add(EXPIRED_FOR)) } else { now }
        });
        let expires_at = if self.is_expired {
            issued_at.saturating_add(lifetime).min(now.saturating_sub(EXPIRED_FOR))
        } else {
            issued_at.saturating_add(lifetime)
        };
        (issued_at, expires_at)
    }
}

/// An expired token is an hour past its end: further than any leeway reaches.
const EXPIRED_FOR: u64 = 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_the_clock_the_lifetime_and_the_wish_to_be_expired() {
        let day = Duration::from_secs(86_400);
        let now = 1_790_000_000;
        let usual = Times::default();
        assert_eq!(usual.resolve(now, day), (now, now + 86_400));
        let short = Times { lifetime: Some(Duration::from_secs(5)), ..usual };
        assert_eq!(short.resolve(now, day), (now, now + 5));
        let dated = Times { issued_at: Some(100), ..usual };
        assert_eq!(dated.resolve(now, day), (100, 86_500));
        let expired = Times { is_expired: true, ..usual };
        assert_eq!(expired.resolve(now, day), (now - 90_000, now - 3_600));
    }
}
