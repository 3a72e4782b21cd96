//! What a seed says about tokens and time.

use std::time::Duration;

use serde::Deserialize;

use crate::lifetimes::ChosenLifetimes;

/// How long what is issued stays good.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SeedTokens {
    access_token_seconds: Option<u64>,
    id_token_seconds: Option<u64>,
    refresh_token_seconds: Option<u64>,
    refresh_overlap_seconds: Option<u64>,
    keeps_access_token: Option<bool>,
    ends_reused_families: Option<bool>,
}

impl SeedTokens {
    pub(super) fn lifetimes(&self) -> ChosenLifetimes {
        ChosenLifetimes {
            access_token: self.access_token_seconds.map(Duration::from_secs),
            id_token: self.id_token_seconds.map(Duration::from_secs),
            refresh_token: self.refresh_token_seconds.map(Duration::from_secs),
            refresh_overlap: self.refresh_overlap_seconds.map(Duration::from_secs),
            keeps_access_token: self.keeps_access_token,
            ends_reused_families: self.ends_reused_families,
        }
    }
}

/// Where the clock stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedTime {
    pub(super) unix_seconds: u64,
}
