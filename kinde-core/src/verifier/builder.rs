//! What a verifier demands: bindings, times, policies and bounds.

use std::{sync::Arc, time::Duration};

use super::{Inner, Verifier};
use crate::{
    Clock, ConfigError, ConfigProblem, Jwks, SystemClock,
    checks::{AccessRules, Audience, DEFAULT_LEEWAY, check_leeway},
    config_error::Problems,
    memory::Memory,
    signature_gate::{DEFAULT_TOKEN_LIMIT_BYTES, SignatureGate},
};

/// Builds a [`Verifier`].
#[derive(Clone, Debug)]
#[must_use = "call `build`"]
pub struct VerifierBuilder {
    jwks: Jwks,
    audience: Option<Audience>,
    applications: Vec<Box<str>>,
    fallback: Fallback,
    is_unbound: bool,
    leeway: Duration,
    max_age: Option<Duration>,
    org_code: Option<Box<str>>,
    scopes: Vec<Box<str>>,
    token_limit_bytes: usize,
    memory_limit_bytes: u64,
    clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    pub(super) fn new(jwks: Jwks) -> Self {
        Self {
            jwks,
            audience: None,
            applications: Vec::new(),
            fallback: Fallback::default(),
            is_unbound: false,
            leeway: DEFAULT_LEEWAY,
            max_age: None,
            org_code: None,
            scopes: Vec::new(),
            token_limit_bytes: DEFAULT_TOKEN_LIMIT_BYTES,
            memory_limit_bytes: DEFAULT_MEMORY_LIMIT_BYTES,
            clock: Arc::new(SystemClock),
        }
    }

    /// Binds by audience: the token's `aud` must hold `audience`, the API's identifier in Kinde.
    pub fn with_audience(self, audience: impl Into<String>) -> Self {
        self.with_any_audience([audience.into()])
    }

    /// Binds by audience: the token's `aud` must hold at least one of `audiences`. The last call counts.
    pub fn with_any_audience(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.audience = Some(Audience::AnyOf(boxed(audiences)));
        self
    }

    /// Binds by audience: the token's `aud` must hold all of `audiences`. The last call counts.
    pub fn with_all_audiences(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.audience = Some(Audience::AllOf(boxed(audiences)));
        self
    }

    /// Binds by application: the token's `azp` must be `client_id`, or another one so named.
    ///
    /// Beside an audience it narrows further, for machines as well.
    pub fn with_application(mut self, client_id: impl Into<String>) -> Self {
        self.applications.push(client_id.into().into());
        self
    }

    /// Accepts tokens of every application of the environment, for whatever audience.
    ///
    /// # Security
    ///
    /// Whoever signs in to any application of the environment can call this service. Something else must
    /// tell callers apart, for example a gateway that has checked the audience already.
    pub fn insecure_unbound(mut self) -> Self {
        self.is_unbound = true;
        self
    }

    /// Sets how far clocks may differ: added to `exp`, granted to `nbf` and `iat`.
    ///
    /// Default 60 s, which covers machines that keep time; zero compares exactly; more than 300 s is
    /// refused, because it lets expired tokens live.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Refuses tokens that were issued longer ago, whatever their `exp`. Default none; needs `iat`.
    ///
    /// Kinde's access tokens live one day unless the application says otherwise. Zero refuses every
    /// token older than the leeway.
    pub fn with_max_token_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Accepts tokens of one organization only. Default any, and none.
    pub fn with_org_code(mut self, org_code: impl Into<String>) -> Self {
        self.org_code = Some(org_code.into().into());
        self
    }

    /// Demands a scope in `scp` or `scope`; may be called again for more. Default none.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into().into());
        self
    }

    /// Sets the length beyond which a token is refused unread, in bytes. Default 16 KiB: Kinde's tokens have
    /// one or two, and servers bound a header line at 8 to 16. Zero refuses every token.
    pub fn with_token_limit_bytes(mut self, limit: usize) -> Self {
        self.token_limit_bytes = limit;
        self
    }

    /// Sets how many bytes of verified tokens are remembered. Default 32 MiB, some 8,000 tokens; zero
    /// remembers none.
    ///
    /// It is an estimate of their heap; the busiest 256 tokens may take 2 MiB beyond it.
    ///
    /// A remembered token is still compared with the clock and the key set at every use, so it is refused
    /// exactly when it would be refused otherwise.
    pub fn with_memory_limit_bytes(mut self, limit: u64) -> Self {
        self.memory_limit_bytes = limit;
        self
    }

    /// Sets the clock that claims are compared with. Default the system's.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the verifier. It needs no network; the first token fetches the keys.
    ///
    /// # Errors
    ///
    /// All problems together: `verifier_unbound` without audience and application, `audience_empty`,
    /// `audience_is_issuer`, `application_empty`, `org_code_empty`, `scope_empty`, `leeway_too_long`.
    pub fn build(mut self) -> Result<Verifier, ConfigError> {
        let mut problems = Problems::default();
        self.bind_by_fallback();
        self.check(&mut problems);
        let rules = AccessRules {
            issuer: self.jwks.issuer().clone(),
            audience: self.audience,
            applications: (!self.applications.is_empty()).then(|| self.applications.into()),
            leeway: self.leeway,
            max_age: self.max_age,
            org_code: self.org_code,
            scopes: self.scopes.into(),
        };
        let inner = Inner {
            gate: SignatureGate::new([self.jwks], self.token_limit_bytes),
            rules: [rules].into(),
            memory: (self.memory_limit_bytes > 0).then(|| Memory::bounded(self.memory_limit_bytes)),
            memory_limit_bytes: self.memory_limit_bytes,
            clock: self.clock,
        };
        problems.into_result(Some(Verifier { inner: Arc::new(inner) }))
    }

    /// Keeps what the settings say, for a builder that is bound by nothing else.
    pub(crate) fn with_fallback(mut self, audiences: &[String], application: Option<&str>) -> Self {
        self.fallback = Fallback {
            audiences: boxed(audiences.iter().map(String::as_str)),
            application: application.map(Box::from),
        };
        self
    }

    fn bind_by_fallback(&mut self) {
        if self.is_unbound {
            return;
        }
        let Fallback { audiences, application } = std::mem::take(&mut self.fallback);
        // An application named in code narrows the audience of the environment; it does not replace it.
        if self.audience.is_none() && !audiences.is_empty() {
            self.audience = Some(Audience::AnyOf(audiences));
        }
        if self.audience.is_none() && self.applications.is_empty() {
            self.applications.extend(application);
        }
    }

    fn check(&self, problems: &mut Problems) {
        if self.audience.is_none() && self.applications.is_empty() && !self.is_unbound {
            problems.add(ConfigProblem::new(
                "verifier_unbound",
                "KINDE_AUDIENCE or KINDE_CLIENT_ID",
                "set KINDE_AUDIENCE to the identifier of the API registered in Kinde (with_audience), or, without a \
                 registered API, KINDE_CLIENT_ID to the application whose users call this service (with_application)",
            ));
        }
        if let Some(Audience::AnyOf(list) | Audience::AllOf(list)) = &self.audience
            && (list.is_empty() || list.iter().any(|audience| audience.is_empty()))
        {
            problems.add(ConfigProblem::new(
                "audience_empty",
                "audience",
                "name an API; an empty audience binds nothing",
            ));
        }
        if let Some(Audience::AnyOf(list) | Audience::AllOf(list)) = &self.audience
            && list.iter().any(|audience| audience.as_ref() == self.jwks.issuer().as_str())
        {
            let fix = "name the API's identifier; the issuer is the audience of ID tokens";
            problems.add(ConfigProblem::new("audience_is_issuer", "audience", fix));
        }
        if self.org_code.as_deref() == Some("") {
            let fix = "name an organization, or leave the demand out";
            problems.add(ConfigProblem::new("org_code_empty", "org_code", fix));
        }
        if self.scopes.iter().any(|scope| scope.is_empty()) {
            problems.add(ConfigProblem::new("scope_empty", "scope", "name a scope, or leave the demand out"));
        }
        if self.applications.iter().any(|client_id| client_id.is_empty()) {
            problems.add(ConfigProblem::new("application_empty", "application", "name a client ID"));
        }
        check_leeway(self.leeway).into_iter().for_each(|problem| problems.add(problem));
    }
}

/// The binding that the settings give.
#[derive(Clone, Debug, Default)]
struct Fallback {
    audiences: Box<[Box<str>]>,
    application: Option<Box<str>>,
}

fn boxed(texts: impl IntoIterator<Item = impl Into<String>>) -> Box<[Box<str>]> {
    texts.into_iter().map(|text| text.into().into_boxed_str()).collect()
}

const DEFAULT_MEMORY_LIMIT_BYTES: u64 = 32 * 1024 * 1024;
