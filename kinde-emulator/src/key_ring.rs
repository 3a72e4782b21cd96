//! The keys of one environment: which one signs and which ones are published.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    development_keys,
    signing_key::{Jwk, SigningKey},
};

/// Every key an environment ever had, oldest first.
#[derive(Clone)]
pub(crate) struct KeyRing {
    entries: Vec<Entry>,
    signing_kid: String,
}

impl KeyRing {
    /// Starts with the first embedded key, published and signing.
    pub(crate) fn new() -> Self {
        let first = next_key(0);
        let signing_kid = first.as_ref().map(|key| key.kid().to_owned()).unwrap_or_default();
        let entries = first.into_iter().map(|key| Entry { key, published: true }).collect();
        Self { entries, signing_kid }
    }

    /// Adds a key, published, and signs with it from now on; older keys stay published.
    pub(crate) fn rotate(&mut self) -> String {
        self.signing_kid = self.add(true);
        self.signing_kid.clone()
    }

    /// Adds a key, published, signs with it from now on, and publishes no other.
    pub(crate) fn replace(&mut self) -> String {
        self.entries.iter_mut().for_each(|entry| entry.published = false);
        self.rotate()
    }

    /// Adds a key that signs nothing and is not published.
    pub(crate) fn add_unpublished(&mut self) -> String {
        self.add(false)
    }

    /// Publishes or withdraws a key; `false` when there is no such key.
    pub(crate) fn set_published(&mut self, kid: &str, published: bool) -> bool {
        let entry = self.entries.iter_mut().find(|entry| entry.key.kid() == kid);
        entry.map(|entry| entry.published = published).is_some()
    }

    pub(crate) fn signing_kid(&self) -> &str {
        &self.signing_kid
    }

    /// Returns the key with this ID, published or not.
    pub(crate) fn find(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.entries.iter().find(|entry| entry.key.kid() == kid).map(|entry| Arc::clone(&entry.key))
    }

    /// Returns the JWKS document.
    pub(crate) fn jwks(&self) -> String {
        let keys = self.entries.iter().filter(|entry| entry.published).map(|entry| entry.key.jwk()).collect();
        // Serializing strings to a string has no way to fail.
        serde_json::to_string(&Jwks { keys }).unwrap_or_default()
    }

    fn add(&mut self, published: bool) -> String {
        let Some(key) = next_key(self.entries.len()) else { return self.signing_kid.clone() };
        let kid = key.kid().to_owned();
        self.entries.push(Entry { key, published });
        kid
    }
}

#[derive(Clone)]
struct Entry {
    key: Arc<SigningKey>,
    published: bool,
}

#[derive(Serialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

/// Embedded keys first, because generation takes a fifth of a second.
fn next_key(position: usize) -> Option<Arc<SigningKey>> {
    development_keys::at(position).or_else(|| SigningKey::generate().map(Arc::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_signs_with_the_new_key_and_keeps_the_old_one_published() {
        let mut ring = KeyRing::new();
        let old = ring.signing_kid().to_owned();
        let new = ring.rotate();
        assert_eq!(ring.signing_kid(), new);
        assert!(ring.jwks().contains(&old) && ring.jwks().contains(&new));
    }

    #[test]
    fn withdrawn_key_leaves_the_document_but_can_still_sign() {
        let mut ring = KeyRing::new();
        let old = ring.signing_kid().to_owned();
        ring.rotate();
        assert!(ring.set_published(&old, false));
        assert!(!ring.jwks().contains(&old));
        assert!(ring.find(&old).is_some());
        assert!(!ring.set_published("no such key", false));
    }

    #[test]
    fn replaced_key_is_the_only_one_that_is_published() {
        let mut ring = KeyRing::new();
        ring.rotate();
        let new = ring.replace();
        assert_eq!(ring.jwks().matches("\"kid\"").count(), 1);
        assert!(ring.jwks().contains(&new));
    }

    #[test]
    fn rotation_past_the_embedded_keys_generates_one() {
        let mut ring = KeyRing::new();
        let kids: Vec<_> = (0..development_keys::COUNT).map(|_| ring.rotate()).collect();
        assert!(ring.find(kids.last().unwrap()).is_some());
        assert_eq!(ring.jwks().matches("\"kid\"").count(), development_keys::COUNT + 1);
    }
}
