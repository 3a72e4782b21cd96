//! Builds a [`Jwks`]: what may be set, what each default is for, and everything that is wrong at once.

use std::{fmt, sync::Arc, time::Duration};

use http::Uri;

use super::{
    Jwks,
    cache::{Cache, Settings},
    fetch::Source,
    key::KeyRules,
};
use crate::{
    Clock, ConfigError, ConfigProblem, Endpoints, HttpFetch, Issuer, Random, SystemClock, SystemRandom,
    config_error::Problems,
    endpoints::{Origins, UrlProblem, endpoint_url},
};

/// Builds a [`Jwks`]. Every setting has a safe default.
#[derive(Clone)]
#[must_use]
pub struct JwksBuilder {
    issuer: Issuer,
    url: Option<(String, Origins)>,
    soft_age: Option<Duration>,
    max_stale: Duration,
    cooldown: Duration,
    deadline: Duration,
    body_limit_bytes: usize,
    accepts_kidless_tokens: bool,
    client: Option<Arc<dyn HttpFetch>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl JwksBuilder {
    pub(super) fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            url: None,
            soft_age: None,
            max_stale: MAX_STALE_DEFAULT,
            cooldown: COOLDOWN_DEFAULT,
            deadline: DEADLINE_DEFAULT,
            body_limit_bytes: BODY_LIMIT_BYTES_DEFAULT,
            accepts_kidless_tokens: true,
            client: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }

    /// Sets the URL of the JWKS, on the issuer's origin. Default: the issuer and `/.well-known/jwks`,
    /// where Kinde serves it.
    pub fn with_url(self, url: impl Into<String>) -> Self {
        Self { url: Some((url.into(), Origins::Same)), ..self }
    }

    /// Sets the URL of the JWKS on an origin that is not the issuer's.
    ///
    /// # Security
    ///
    /// Whoever controls that origin can sign tokens of this issuer. `https` stays required, but for a
    /// loopback host of a loopback issuer.
    pub fn with_url_on_another_origin(self, url: impl Into<String>) -> Self {
        Self { url: Some((url.into(), Origins::Any)), ..self }
    }

    /// Sets the age at which the key set is refreshed in the background; it beats `Cache-Control`.
    ///
    /// Default: the provider's `max-age` between 1 minute and 24 hours, else 5 minutes, because a withdrawn
    /// key is accepted until then. Zero, or less than a millisecond, is a configuration error: it would ask
    /// the provider without pause. Without requests it refreshes at most every 100 ms.
    pub fn with_soft_age(self, soft_age: Duration) -> Self {
        Self { soft_age: Some(soft_age), ..self }
    }

    /// Sets how long beyond the soft age the held keys are used while the provider does not answer.
    ///
    /// Default: 24 hours, so that an outage of the provider does not become one of yours overnight. At zero
    /// requests fail with *keys unavailable* as soon as a refresh fails past the soft age.
    pub fn with_max_stale(self, max_stale: Duration) -> Self {
        Self { max_stale, ..self }
    }

    /// Sets the pause after a failed fetch, and between two fetches for key IDs that the set lacks.
    ///
    /// Default: 30 seconds; a new key is accepted at most that long after it appears, and forged key IDs
    /// cost the provider no more than one request in that time. At zero each unknown key ID may cost one,
    /// and while the provider fails every request may ask it again.
    pub fn with_cooldown(self, cooldown: Duration) -> Self {
        Self { cooldown, ..self }
    }

    /// Sets the time for a whole fetch, from the name lookup to the last byte.
    ///
    /// Default: 5 seconds, many times what the provider needs. Zero is a configuration error.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Sets the largest accepted body in bytes.
    ///
    /// Default: 256 KiB, room for hundreds of keys; Kinde's set takes one. Zero is a configuration error.
    pub fn with_body_limit_bytes(self, body_limit_bytes: usize) -> Self {
        Self { body_limit_bytes, ..self }
    }

    /// Refuses tokens without `kid`. Default: they are verified if the set has exactly one usable key.
    pub fn without_kidless_tokens(self) -> Self {
        Self { accepts_kidless_tokens: false, ..self }
    }

    /// Uses a client of your own. Default: `DefaultClient`, with the feature `reqwest`.
    pub fn with_http_client(self, client: impl HttpFetch) -> Self {
        Self { client: Some(Arc::new(client)), ..self }
    }

    /// Uses a clock of your own, for tests. Default: [`SystemClock`].
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Uses a source of randomness of your own, for tests. Default: [`SystemRandom`].
    pub fn with_random(self, random: impl Random) -> Self {
        Self { random: Arc::new(random), ..self }
    }

    /// Builds the key set, empty. The provider is not asked before the first token, or `warm_up`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with all problems: `jwks_url_malformed`, `jwks_url_plain_http`,
    /// `jwks_url_other_origin`, `jwks_soft_age_too_short`, `jwks_deadline_zero`, `jwks_body_limit_zero`,
    /// `http_client_missing` (without the feature `reqwest`), `http_client_unusable` (TLS cannot be set up).
    pub fn build(self) -> Result<Jwks, ConfigError> {
        let mut problems = Problems::default();
        let url = self.url(&mut problems);
        self.check_bounds(&mut problems);
        let client = self.client.clone().or_else(|| default_client(&mut problems));
        let source = url.zip(client).map(|(url, client)| Source {
            client,
            url,
            deadline: self.deadline,
            body_limit_bytes: self.body_limit_bytes,
        });
        let source = problems.into_result(source)?;
        let settings = Settings {
            rules: KeyRules {
                accepts_development_keys: self.issuer.is_loopback(),
                accepts_kidless_tokens: self.accepts_kidless_tokens,
            },
            soft_age: self.soft_age,
            max_stale: self.max_stale,
            cooldown: self.cooldown,
        };
        Ok(Jwks { cache: Cache::new(self.issuer, settings, Some(source), self.clock, self.random) })
    }

    fn url(&self, problems: &mut Problems) -> Option<Uri> {
        let derived = || (Endpoints::new(&self.issuer).jwks_uri().to_owned(), Origins::Same);
        let (url, origins) = self.url.clone().unwrap_or_else(derived);
        let (code, fix) = match endpoint_url(&url, &self.issuer, origins) {
            Ok(uri) => return Some(uri),
            Err(UrlProblem::Malformed) => ("jwks_url_malformed", "write a whole URL without a fragment"),
            Err(UrlProblem::PlainHttp) => {
                ("jwks_url_plain_http", "use https; plain http is accepted for a loopback issuer only")
            }
            Err(UrlProblem::OtherOrigin) => (
                "jwks_url_other_origin",
                "write a URL that starts with the issuer, or accept it by with_url_on_another_origin",
            ),
        };
        problems.add(ConfigProblem::new(code, "JwksBuilder::with_url", fix).with_found(&url));
        None
    }

    fn check_bounds(&self, problems: &mut Problems) {
        if let Some(soft_age) = self.soft_age.filter(|soft_age| *soft_age < SOFT_AGE_MIN) {
            let problem = ConfigProblem::new(
                "jwks_soft_age_too_short",
                "JwksBuilder::with_soft_age",
                "set at least 1 millisecond; 5 minutes are usual",
            );
            problems.add(problem.with_found(&format!("{soft_age:?}")));
        }
        if self.deadline.is_zero() {
            problems.add(ConfigProblem::new(
                "jwks_deadline_zero",
                "JwksBuilder::with_deadline",
                "set more than zero; 5 seconds are usual",
            ));
        }
        if self.body_limit_bytes == 0 {
            problems.add(ConfigProblem::new(
                "jwks_body_limit_zero",
                "JwksBuilder::with_body_limit_bytes",
                "set more than zero; 262144 is usual",
            ));
        }
    }
}

/// Prints the issuer only; a URL may hold what nobody should print.
impl fmt::Debug for JwksBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JwksBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(feature = "reqwest")]
fn default_client(problems: &mut Problems) -> Option<Arc<dyn HttpFetch>> {
    match crate::DefaultClient::new() {
        Ok(client) => Some(Arc::new(client)),
        Err(_) => {
            problems.add(ConfigProblem::new(
                "http_client_unusable",
                "JwksBuilder::with_http_client",
                "install root certificates on this machine, or pass a client of your own",
            ));
            None
        }
    }
}

#[cfg(not(feature = "reqwest"))]
fn default_client(problems: &mut Problems) -> Option<Arc<dyn HttpFetch>> {
    problems.add(ConfigProblem::new(
        "http_client_missing",
        "JwksBuilder::with_http_client",
        "pass a client, or turn on the feature `reqwest`",
    ));
    None
}

const MAX_STALE_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);
const COOLDOWN_DEFAULT: Duration = Duration::from_secs(30);
const DEADLINE_DEFAULT: Duration = Duration::from_secs(5);
const BODY_LIMIT_BYTES_DEFAULT: usize = 256 * 1024;
const SOFT_AGE_MIN: Duration = Duration::from_millis(1);
