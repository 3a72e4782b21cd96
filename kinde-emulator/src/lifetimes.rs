//! How long tokens live, and who chose that.

use std::time::Duration;

use crate::{builder::EnvironmentBuilder, refresh_tokens::RotationRules};

/// How long what the environment issues stays good; what a seed says comes after it.
impl EnvironmentBuilder {
    /// Makes access tokens of people and machines live this long.
    ///
    /// Default: 86,400 seconds, as at Kinde. With zero every one is expired when it is issued.
    pub fn with_access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetimes.access_token = Some(lifetime);
        self
    }

    /// Makes ID tokens live this long.
    ///
    /// Default: 3,600 seconds, as at Kinde. With zero every one is expired when it is issued.
    pub fn with_id_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetimes.id_token = Some(lifetime);
        self
    }

    /// Makes refresh tokens live this long.
    ///
    /// Default: 1,296,000 seconds (15 days), as at Kinde. With zero none can be used.
    pub fn with_refresh_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetimes.refresh_token = Some(lifetime);
        self
    }

    /// Keeps a rotated refresh token working this long.
    ///
    /// Default: ten seconds. Kinde documents a small overlap for requests at the same time, and does not say how long:
    /// a guess. With zero, rotated means dead, which shows a client that refreshes twice at once.
    pub fn with_refresh_overlap(mut self, overlap: Duration) -> Self {
        self.lifetimes.refresh_overlap = Some(overlap);
        self
    }

    /// Makes a refresh token that is used again after the overlap harm only itself.
    ///
    /// Default: it ends every refresh token of the same sign-in, since two programs hold it. That is what Ory Hydra
    /// does, which Kinde resembles; Kinde does not say.
    pub fn with_reused_refresh_tokens_forgiven(mut self) -> Self {
        self.lifetimes.ends_reused_families = Some(false);
        self
    }

    /// Makes a refresh return the same access token while that one is good, as Kinde may.
    ///
    /// Default: off, a new one each time.
    pub fn with_kept_access_tokens(mut self) -> Self {
        self.lifetimes.keeps_access_token = Some(true);
        self
    }
}

/// How long what the environment issues stays good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) access_token: Duration,
    pub(crate) id_token: Duration,
    pub(crate) refresh_token: Duration,
    /// How long a rotated refresh token still works.
    pub(crate) refresh_overlap: Duration,
    /// Whether refreshing returns the same access token while it lasts.
    pub(crate) keeps_access_token: bool,
    /// Whether a refresh token that is used again after the overlap ends all that came from the same sign-in.
    pub(crate) ends_reused_families: bool,
}

impl Default for Lifetimes {
    /// Kinde's defaults: a day, an hour, fifteen days. It documents that there is an overlap and not how long it is: ten
    /// seconds are a guess.
    fn default() -> Self {
        Self {
            access_token: Duration::from_secs(86_400),
            id_token: Duration::from_secs(3_600),
            refresh_token: Duration::from_secs(1_296_000),
            refresh_overlap: Duration::from_secs(10),
            keeps_access_token: false,
            ends_reused_families: true,
        }
    }
}

/// What somebody chose; the rest is as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChosenLifetimes {
    pub(crate) access_token: Option<Duration>,
    pub(crate) id_token: Option<Duration>,
    pub(crate) refresh_token: Option<Duration>,
    pub(crate) refresh_overlap: Option<Duration>,
    pub(crate) keeps_access_token: Option<bool>,
    pub(crate) ends_reused_families: Option<bool>,
}

impl Lifetimes {
    /// Returns these lifetimes with what was chosen in place of them.
    pub(crate) fn changed_by(self, chosen: ChosenLifetimes) -> Self {
        Self {
            access_token: chosen.access_token.unwrap_or(self.access_token),
            id_token: chosen.id_token.unwrap_or(self.id_token),
            refresh_token: chosen.refresh_token.unwrap_or(self.refresh_token),
            refresh_overlap: chosen.refresh_overlap.unwrap_or(self.refresh_overlap),
            keeps_access_token: chosen.keeps_access_token.unwrap_or(self.keeps_access_token),
            ends_reused_families: chosen.ends_reused_families.unwrap_or(self.ends_reused_families),
        }
    }

    /// Returns what happens to a refresh token that was used.
    pub(crate) fn rotation(&self) -> RotationRules {
        let overlap_seconds = self.refresh_overlap.as_secs();
        RotationRules { overlap_seconds, ends_reused_families: self.ends_reused_families }
    }
}
