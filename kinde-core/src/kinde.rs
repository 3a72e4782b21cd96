//! One handle for one Kinde environment.

use std::sync::Arc;

use crate::{
    ConfigError, ConfigProblem, EventVerifier, IdTokenVerifier, Issuer, Jwks, Settings, Verifier,
    VerifierBuilder,
};

/// One Kinde environment: its settings and one key cache, shared by everything made from this handle.
///
/// API verification, webhooks and browser sign-in of one environment use one handle, so that one fetch of
/// the key set serves them all. Several environments in one process are several handles; they share nothing.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Kinde {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    jwks: Jwks,
}

impl Kinde {
    /// Reads the environment variables of Kinde's SDKs; `KINDE_ISSUER_URL` is required.
    ///
    /// A `.env` file is the application's choice: load it before this call.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the variables, at once.
    #[cfg(feature = "reqwest")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_settings(Settings::from_env()?)
    }

    /// Reads the same variables under a prefix, such as `DEV_KINDE_ISSUER_URL` for `DEV_`: several environments
    /// in one process.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Kinde::from_env).
    #[cfg(feature = "reqwest")]
    pub fn from_env_with_prefix(prefix: &str) -> Result<Self, ConfigError> {
        Self::from_settings(Settings::from_env_with_prefix(prefix)?)
    }

    /// Uses settings that were read or written elsewhere.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be built.
    #[cfg(feature = "reqwest")]
    pub fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        let jwks = Jwks::builder(settings.issuer().clone()).build()?;
        Self::with_jwks(settings, jwks)
    }

    /// Uses a key set with settings of its own: another client, other ages, or static keys.
    ///
    /// # Errors
    ///
    /// `jwks_issuer_mismatch` when the key set belongs to another issuer than the settings name.
    pub fn with_jwks(settings: Settings, jwks: Jwks) -> Result<Self, ConfigError> {
        if jwks.issuer() != settings.issuer() {
            let fix = format!("build the key set for {}", settings.issuer());
            let problem = ConfigProblem::new("jwks_issuer_mismatch", "jwks", fix);
            return Err(problem.with_found(jwks.issuer().as_str()).into());
        }
        if !settings.unrecognised().is_empty() {
            tracing::warn!(
                names = settings.unrecognised().join(" "),
                "environment variables that look like Kinde's are not read"
            );
        }
        Ok(Self { inner: Arc::new(Inner { settings, jwks }) })
    }

    /// Gives the issuer.
    pub fn issuer(&self) -> &Issuer {
        self.inner.settings.issuer()
    }

    /// Gives the settings.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Gives the key set, for `warm_up()` before serving and `health()` in a readiness route.
    pub fn jwks(&self) -> &Jwks {
        &self.inner.jwks
    }

    /// Starts a verifier of access tokens, bound as the settings say: by any of `KINDE_AUDIENCE`; without that,
    /// by `azp` equal to `KINDE_CLIENT_ID`.
    ///
    /// An audience that is set in code takes the place of both; an application that is set in code narrows
    /// `KINDE_AUDIENCE`, and takes the place of `KINDE_CLIENT_ID`.
    pub fn verifier(&self) -> VerifierBuilder {
        let settings = &self.inner.settings;
        Verifier::builder(self.inner.jwks.clone()).with_fallback(settings.audiences(), settings.client_id())
    }

    /// Creates a verifier of this environment's webhooks.
    pub fn event_verifier(&self) -> EventVerifier {
        EventVerifier::new(self.inner.jwks.clone())
    }

    /// Creates a verifier of ID tokens issued to `KINDE_CLIENT_ID`.
    ///
    /// # Errors
    ///
    /// `env_missing` without a client ID.
    pub fn id_token_verifier(&self) -> Result<IdTokenVerifier, ConfigError> {
        match self.inner.settings.client_id() {
            Some(client_id) => IdTokenVerifier::new(self.inner.jwks.clone(), client_id),
            None => {
                let fix =
                    "set it to the client ID that Kinde shows for the application (Settings, Applications)";
                let variable = format!("{}KINDE_CLIENT_ID", self.inner.settings.prefix());
                Err(ConfigProblem::new("env_missing", variable, fix).into())
            }
        }
    }
}
