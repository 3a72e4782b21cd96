//! API keys: long-lived secrets for the environment's own APIs, of a person, an organization or the environment.

use std::fmt;

use aws_lc_rs::constant_time;

use crate::{environment::Environment, identifiers};

/// Every API key, in the order they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApiKeys {
    keys: Vec<ApiKeyRecord>,
    /// How many were ever made.
    made: usize,
}

/// An API key as the environment stores it.
#[derive(Clone)]
pub(crate) struct ApiKeyRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) owner: ApiKeyOwner,
    pub(crate) status: ApiKeyStatus,
    pub(crate) secret: String,
    pub(crate) api_id: String,
    /// The keys of its scopes.
    pub(crate) scopes: Vec<String>,
    pub(crate) created_at: u64,
    /// The name of the application that made it.
    pub(crate) created_by: Option<String>,
    pub(crate) last_verified_at: Option<u64>,
    pub(crate) verification_count: u64,
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiKeyOwner {
    /// A person, by id.
    Person(String),
    /// An organization, by code.
    Organization(String),
    Environment,
}

/// Whether it can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiKeyStatus {
    Active,
    Revoked,
}

impl ApiKeys {
    /// Adds a key of which everything but id and secret is said; returns both.
    pub(crate) fn add(&mut self, mut key: ApiKeyRecord) -> (String, String) {
        key.id = identifiers::api_key_id(self.made);
        key.secret = fresh_secret();
        self.made = self.made.saturating_add(1);
        let made = (key.id.clone(), key.secret.clone());
        self.keys.push(key);
        made
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ApiKeyRecord> {
        self.keys.iter()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&ApiKeyRecord> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Gives a key another secret and returns it. That the id stays is a guess.
    pub(crate) fn rotate(&mut self, id: &str) -> Option<String> {
        let key = self.keys.iter_mut().find(|key| key.id == id)?;
        key.secret = fresh_secret();
        Some(key.secret.clone())
    }

    /// Makes a key one that is known and good for nothing.
    pub(crate) fn revoke(&mut self, id: &str) -> bool {
        let key = self.keys.iter_mut().find(|key| key.id == id);
        key.map(|key| key.status = ApiKeyStatus::Revoked).is_some()
    }

    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.id != id);
        self.keys.len() < before
    }

    /// Counts that somebody asked about a secret, and returns the key it is of.
    pub(crate) fn verify(&mut self, secret: &str, now: u64) -> Option<ApiKeyRecord> {
        let key = self.keys.iter_mut().find(|key| {
            constant_time::verify_slices_are_equal(key.secret.as_bytes(), secret.as_bytes()).is_ok()
        })?;
        if key.status == ApiKeyStatus::Active {
            key.verification_count = key.verification_count.saturating_add(1);
            key.last_verified_at = Some(now);
        }
        Some(key.clone())
    }
}

impl ApiKeyRecord {
    /// Starts a key without scopes that nobody has used.
    pub(crate) fn new(name: &str, owner: ApiKeyOwner, api_id: &str, created_at: u64) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            owner,
            status: ApiKeyStatus::Active,
            secret: String::new(),
            api_id: api_id.to_owned(),
            scopes: Vec::new(),
            created_at,
            created_by: None,
            last_verified_at: None,
            verification_count: 0,
        }
    }
}

impl ApiKeyOwner {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "user",
            Self::Organization(_) => "organization",
            Self::Environment => "environment",
        }
    }

    pub(crate) fn user_id(&self) -> Option<&str> {
        if let Self::Person(id) = self { Some(id) } else { None }
    }

    pub(crate) fn org_code(&self) -> Option<&str> {
        if let Self::Organization(code) = self { Some(code) } else { None }
    }
}

impl ApiKeyStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

impl Environment {
    /// Revokes an API key made by the Management API: it stays in lists, and verifying it says `is_valid: false`.
    /// Returns `false` when there is no key with this id.
    ///
    /// At Kinde an administrator does this; the Management API can only delete a key.
    pub fn revoke_api_key(&self, id: &str) -> bool {
        self.provider.directory.lock().api_keys.revoke(id)
    }
}

impl fmt::Debug for ApiKeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyRecord")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The prefix is the one of Kinde's documentation; an example of its specification has another.
fn fresh_secret() -> String {
    format!("{API_KEY_PREFIX}{}", identifiers::random_hex(16))
}

pub(crate) const API_KEY_PREFIX: &str = "k_live_";

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKeyRecord {
        ApiKeyRecord::new("billing", ApiKeyOwner::Environment, "api", 0)
    }

    #[test]
    fn rotated_key_keeps_its_id_and_loses_its_secret() {
        let mut keys = ApiKeys::default();
        let (id, first) = keys.add(key());
        let second = keys.rotate(&id).unwrap();
        assert!(keys.verify(&first, 1).is_none());
        assert_eq!(keys.verify(&second, 2).map(|key| key.verification_count), Some(1));
        assert_eq!(keys.get(&id).and_then(|key| key.last_verified_at), Some(2));
    }

    #[test]
    fn secret_of_a_key_is_never_printed() {
        let mut keys = ApiKeys::default();
        let (_, secret) = keys.add(key());
        assert!(secret.starts_with("k_live_") && !format!("{keys:?}").contains(&secret));
    }
}
