//! How long tokens live, and who chose that.

use std::time::Duration;

use crate::builder::EnvironmentBuilder;

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
    /// Default: zero, rotated means dead, which shows a client that refreshes twice at once. Kinde has a short
    /// overlap and does not say how long.
    pub fn with_refresh_overlap(mut self, overlap: Duration) -> Self {
        self.lifetimes.refresh_overlap = Some(overlap);
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
}

impl Default for Lifetimes {
    /// Kinde's defaults: a day, an hour, fifteen days; the overlap is undocumented there and zero here.
    fn default() -> Self {
        Self {
            access_token: Duration::from_secs(86_400),
            id_token: Duration::from_secs(3_600),
            refresh_token: Duration::from_secs(1_296_000),
            refresh_overlap: Duration::ZERO,
            keeps_access_token: false,
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
        }
    }
}
