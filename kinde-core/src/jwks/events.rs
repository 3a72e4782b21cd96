//! The events of a key set, under the target `kinde_core::jwks`.
//!
//! | Event | Level | Fields |
//! |---|---|---|
//! | `key set fetched` | debug | `issuer`, `key_count`, `skipped_count`, `duration_ms`, `is_modified` |
//! | `key set changed` | info | `issuer`, `key_count`, `added`, `removed` (at most 8 key IDs each, escaped) |
//! | `key skipped` | debug | `issuer`, `kid` (escaped), `reason` (a fixed word); at most 8 a fetch |
//! | `key set fetch failed` | warn | `issuer`, `kind` (a fixed word), `status`, `cause`, `duration_ms` |
//! | `key set without a usable key` | error | as for a failed fetch |
//!
//! Bodies, headers and URLs are in no event.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::{
    fetch::Failure,
    health::JwksErrorKind,
    key::VerifyingKey,
    key_set::{KeySet, Skipped},
};
use crate::{Issuer, UntrustedText};

pub(super) fn fetched(
    issuer: &Issuer,
    keys: &KeySet,
    skipped: &[Skipped],
    took: Duration,
    is_modified: bool,
) {
    debug!(
        target: TARGET,
        issuer = issuer.as_str(),
        key_count = keys.len(),
        skipped_count = skipped.len(),
        duration_ms = milliseconds(took),
        is_modified,
        "key set fetched"
    );
    for Skipped { kid, reason } in skipped.iter().take(LISTED_MAX) {
        let kid = kid.as_ref().map(UntrustedText::as_str);
        debug!(target: TARGET, issuer = issuer.as_str(), kid, %reason, "key skipped");
    }
}

pub(super) fn changed(issuer: &Issuer, keys: &KeySet, former: Option<&KeySet>) {
    let added = keys.keys_missing_in(former);
    let removed = former.map(|former| former.keys_missing_in(Some(keys))).unwrap_or_default();
    if added.is_empty() && removed.is_empty() {
        return;
    }
    info!(
        target: TARGET,
        issuer = issuer.as_str(),
        key_count = keys.len(),
        added = key_ids(&added),
        removed = key_ids(&removed),
        "key set changed"
    );
}

pub(super) fn failed(issuer: &Issuer, failure: &Failure, took: Duration) {
    let issuer = issuer.as_str();
    let kind = failure.kind.as_str();
    let status = failure.status.map(|status| status.as_u16());
    let cause = failure.cause.as_ref().map(UntrustedText::as_str);
    let duration_ms = milliseconds(took);
    if failure.kind == JwksErrorKind::NoUsableKey {
        error!(target: TARGET, issuer, kind, status, cause, duration_ms, "key set without a usable key");
    } else {
        warn!(target: TARGET, issuer, kind, status, cause, duration_ms, "key set fetch failed");
    }
}

fn key_ids(keys: &[&VerifyingKey]) -> String {
    let mut text = String::new();
    for key in keys.iter().take(LISTED_MAX) {
        let separator = if text.is_empty() { "" } else { ", " };
        text.push_str(separator);
        text.push_str(key.kid().map(UntrustedText::new).as_ref().map_or("(no kid)", UntrustedText::as_str));
    }
    text
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const TARGET: &str = "kinde_core::jwks";
/// A hostile set of 400 keys writes no 400 lines.
const LISTED_MAX: usize = 8;
