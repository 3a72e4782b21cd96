//! What the environment variables say about one Kinde environment: read once, checked together.

mod auth_routes;
mod parse;
mod spelling;
mod table;
mod variables;

use std::{fmt, time::Duration};

pub use self::auth_routes::{AuthRoute, AuthRoutes};
use self::{
    table::*,
    variables::{Value, Variables},
};
use crate::{
    Secret,
    config_error::{ConfigError, ConfigProblem, Problems},
    issuer::Issuer,
};

/// Everything the environment variables say about one Kinde environment.
///
/// The names are those of Kinde's own SDKs. Every name that one of them reads is honoured here or refused with
/// what to write instead; `docs/configuration.md` lists them all. An empty value counts as unset, and two
/// spellings of one setting must agree. A fault is never repaired silently: all of them are reported together.
///
/// ```
/// use kinde_core::Settings;
///
/// let settings = Settings::from_variables([
///     ("KINDE_ISSUER_URL", "https://acme.kinde.com"),
///     ("KINDE_AUDIENCE", "https://api.acme.example"),
/// ])?;
/// assert_eq!(settings.issuer().as_str(), "https://acme.kinde.com");
/// assert_eq!(settings.audiences(), ["https://api.acme.example"]);
/// # Ok::<(), kinde_core::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Settings {
    prefix: String,
    issuer: Issuer,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    audiences: Vec<String>,
    site_url: Option<String>,
    scopes: Vec<String>,
    post_login_redirect_url: Option<String>,
    post_logout_redirect_url: Option<String>,
    auth_api_path: String,
    auth_routes: AuthRoutes,
    redirect_uri: Option<String>,
    session_secret: Option<Secret>,
    cookie_max_age: Option<Duration>,
    lang: Option<String>,
    org_code: Option<String>,
    unrecognised: Vec<String>,
}

impl Settings {
    /// Reads the environment variables of this process.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every problem found: `env_missing` (no issuer), `env_conflict` (two spellings that
    /// differ), `env_refused` (a setting of another SDK that has no safe meaning here), `env_invalid` (a value
    /// of the wrong shape or not UTF-8) and `env_unknown` (a name that looks like a slip of the pen).
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_with_prefix("")
    }

    /// Reads the environment variables of this process whose names begin with `prefix`.
    ///
    /// For two Kinde environments in one process: `from_env_with_prefix("DEV_")` reads `DEV_KINDE_ISSUER_URL`,
    /// `DEV_KINDE_CLIENT_ID` and so on. The prefix stands before the whole name, `NEXT_PUBLIC_` included, and a
    /// name without it is never a fallback: one environment cannot borrow the client secret of the other.
    ///
    /// # Errors
    ///
    /// As [`Settings::from_env`]; the problems name the variables with their prefix.
    pub fn from_env_with_prefix(prefix: &str) -> Result<Self, ConfigError> {
        // The operating system allows names and values that are not UTF-8: `vars` would panic on them.
        #[expect(clippy::disallowed_methods, reason = "the settings own the reading of the environment")]
        let variables = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.into_string().ok()));
        Self::read(prefix, variables)
    }

    /// Reads variables from anywhere else: a test, a file, the settings of one of many tenants.
    ///
    /// # Errors
    ///
    /// As [`Settings::from_env`].
    pub fn from_variables(
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Self, ConfigError> {
        Self::read("", variables.into_iter().map(|(name, value)| (name.into(), Some(value.into()))))
    }

    /// Gives the issuer (`KINDE_ISSUER_URL`).
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Gives the application's client ID (`KINDE_CLIENT_ID`).
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Gives the application's client secret (`KINDE_CLIENT_SECRET`).
    pub fn client_secret(&self) -> Option<&Secret> {
        self.client_secret.as_ref()
    }

    /// Gives the audiences (`KINDE_AUDIENCE`): a token must hold one of them, and sign-in requests them.
    ///
    /// Empty when unset. Split at white space and commas, without repetitions.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Gives the site's own origin, without a trailing slash (`KINDE_SITE_URL`). Used by browser sign-in.
    pub fn site_url(&self) -> Option<&str> {
        self.site_url.as_deref()
    }

    /// Gives the requested scopes (`KINDE_SCOPE`). Used by browser sign-in.
    ///
    /// Default `openid profile email offline`, as in Kinde's SDKs: `offline` is Kinde's word for a refresh token.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Gives where a browser goes after sign-in if it did not ask for a page
    /// (`KINDE_POST_LOGIN_REDIRECT_URL`); when unset, the site URL is meant. Used by browser sign-in, which refuses one that
    /// is not written as browsers write it, or is plain http elsewhere than on loopback.
    pub fn post_login_redirect_url(&self) -> Option<&str> {
        self.post_login_redirect_url.as_deref()
    }

    /// Gives where Kinde sends the browser after sign-out (`KINDE_POST_LOGOUT_REDIRECT_URL`). Used by browser
    /// sign-in.
    pub fn post_logout_redirect_url(&self) -> Option<&str> {
        self.post_logout_redirect_url.as_deref()
    }

    /// Gives the path below which the sign-in routes are, without a trailing slash (`KINDE_AUTH_API_PATH`).
    /// Default `/api/auth`. Used by browser sign-in.
    pub fn auth_api_path(&self) -> &str {
        &self.auth_api_path
    }

    /// Gives the names of the sign-in routes (`KINDE_AUTH_LOGIN_ROUTE` and the like). Used by browser sign-in.
    pub fn auth_routes(&self) -> &AuthRoutes {
        &self.auth_routes
    }

    /// Gives the redirect URI that must be registered in Kinde: site URL, path and `kinde_callback`. Used by
    /// browser sign-in.
    pub fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    /// Gives the secret that seals session cookies (`SESSION_SECRET`). Used by browser sign-in.
    ///
    /// Its strength is judged there and not here, because the name may belong to another part of the program.
    pub fn session_secret(&self) -> Option<&Secret> {
        self.session_secret.as_ref()
    }

    /// Gives the longest life of a session cookie (`KINDE_COOKIE_MAX_AGE`, in seconds). Used by browser sign-in.
    pub fn cookie_max_age(&self) -> Option<Duration> {
        self.cookie_max_age
    }

    /// Gives the language that sign-in pages are asked for (`KINDE_LANG`). Used by browser sign-in.
    pub fn lang(&self) -> Option<&str> {
        self.lang.as_deref()
    }

    /// Gives the org code that sign-in asks for by default (`KINDE_ORG_CODE`). Used by browser sign-in.
    ///
    /// # Security
    ///
    /// It is a wish that the browser carries and can change, never a gate: what a handler may show is decided
    /// by the org code of the verified token.
    pub fn org_code(&self) -> Option<&str> {
        self.org_code.as_deref()
    }

    /// Gives the prefix that stands before each name; empty for the usual names.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Gives the names of variables that look like Kinde's and were not used: worth one line in a log.
    ///
    /// They are the application's own, or meant for another program (`KINDE_MANAGEMENT_CLIENT_ID`). Never values.
    pub fn unrecognised(&self) -> &[String] {
        &self.unrecognised
    }

    /// Reads variables; a value that is not UTF-8 is `None`.
    fn read(
        prefix: &str,
        variables: impl IntoIterator<Item = (String, Option<String>)>,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let variables = Variables::read(prefix, variables, &mut problems);
        let mut reader = Reader { variables: &variables, problems: &mut problems };

        let issuer = reader.required(ISSUER, "https://acme.kinde.com", parse::issuer);
        let client_id = reader.optional(CLIENT_ID, parse::client_id);
        let client_secret = reader.optional(CLIENT_SECRET, parse::client_secret);
        let audiences = reader.optional(AUDIENCE, parse::audiences);
        let site_url = reader.optional(SITE_URL, parse::site_url);
        let scopes = reader.optional(SCOPE, parse::scopes);
        let post_login_redirect_url = reader.optional(POST_LOGIN_REDIRECT_URL, parse::absolute_url);
        let post_logout_redirect_url = reader.optional(POST_LOGOUT_REDIRECT_URL, parse::absolute_url);
        let auth_api_path = reader.optional(AUTH_API_PATH, parse::path);
        let auth_routes = AuthRoutes::read(reader.variables, reader.problems);
        let session_secret = reader.optional(SESSION_SECRET, parse::session_secret);
        let cookie_max_age = reader.optional(COOKIE_MAX_AGE, parse::cookie_max_age);
        let lang = reader.optional(LANG, parse::name);
        let org_code = reader.optional(ORG_CODE, parse::name);

        let auth_api_path = auth_api_path.unwrap_or_else(|| DEFAULT_AUTH_API_PATH.to_owned());
        let redirect_uri = site_url
            .as_ref()
            .map(|site| format!("{site}{auth_api_path}/{}", AuthRoute::Callback.default_name()));
        reader.check_redirect_uri(redirect_uri.as_deref());

        let settings = issuer.map(|issuer| Self {
            prefix: prefix.to_owned(),
            issuer,
            client_id,
            client_secret,
            audiences: audiences.unwrap_or_default(),
            site_url,
            scopes: scopes.unwrap_or_else(|| DEFAULT_SCOPES.map(str::to_owned).to_vec()),
            post_login_redirect_url,
            post_logout_redirect_url,
            auth_api_path,
            auth_routes,
            redirect_uri,
            session_secret,
            cookie_max_age,
            lang,
            org_code,
            unrecognised: variables.unrecognised,
        });
        problems.into_result(settings)
    }
}

/// Names every field; the secrets print `[redacted]`.
impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("prefix", &self.prefix)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret)
            .field("audiences", &self.audiences)
            .field("site_url", &self.site_url)
            .field("scopes", &self.scopes)
            .field("post_login_redirect_url", &self.post_login_redirect_url)
            .field("post_logout_redirect_url", &self.post_logout_redirect_url)
            .field("auth_api_path", &self.auth_api_path)
            .field("auth_routes", &self.auth_routes)
            .field("redirect_uri", &self.redirect_uri)
            .field("session_secret", &self.session_secret)
            .field("cookie_max_age", &self.cookie_max_age)
            .field("lang", &self.lang)
            .field("org_code", &self.org_code)
            .field("unrecognised", &self.unrecognised)
            .finish()
    }
}

/// Takes one setting after the other and notes what is wrong with each.
struct Reader<'a> {
    variables: &'a Variables,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn optional<T>(&mut self, name: &str, parse: fn(&Value) -> Result<T, ConfigProblem>) -> Option<T> {
        match parse(self.variables.value(name)?) {
            Ok(parsed) => Some(parsed),
            Err(problem) => {
                self.problems.add(problem);
                None
            }
        }
    }

    fn required<T>(
        &mut self,
        name: &str,
        example: &str,
        parse: fn(&Value) -> Result<T, ConfigProblem>,
    ) -> Option<T> {
        if self.variables.is_unset(name) {
            let name = self.variables.prefixed(name);
            let fix =
                format!("is not set: write {name}={example}, with the domain of your Kinde environment");
            self.problems.add(ConfigProblem::new("env_missing", name, fix));
        }
        self.optional(name, parse)
    }

    /// Other SDKs are told the redirect URI; here it follows from the site URL, and a second truth is refused.
    fn check_redirect_uri(&mut self, derived: Option<&str>) {
        let Some(value) = self.variables.value(REDIRECT_URI) else { return };
        let [site_url, path] = [SITE_URL, AUTH_API_PATH].map(|name| self.variables.prefixed(name));
        match derived {
            Some(derived) if derived == value.text() => {}
            Some(derived) => self.problems.add(value.conflict(format!(
                "the redirect URI is {derived}, made of {site_url} and {path}: register that one in Kinde and \
                 remove this variable, or set those two so that both agree"
            ))),
            // A bad site URL is reported as such.
            None if !self.variables.is_unset(SITE_URL) => {}
            None => self.problems.add(value.refused(format!(
                "set {site_url} (and {path}, default {DEFAULT_AUTH_API_PATH}) instead: the redirect URI is made \
                 of them and ends with /kinde_callback"
            ))),
        }
    }
}

const DEFAULT_AUTH_API_PATH: &str = "/api/auth";
const DEFAULT_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline"];

#[cfg(test)]
mod tests;
