//! The handle of sign-in: from settings to routes and the session layer.

use std::{sync::Arc, time::Duration};

use kinde_core::{
    AuthRoute, AuthRoutes, Clock, ConfigError, Endpoints, HttpFetch, Jwks, Kinde, Secret, SystemClock,
};

use crate::{
    authorize::Application,
    client::OAuthClient,
    cookies::Cookies,
    default_client::default_client,
    links::Links,
    page::{PlainPage, RenderPage},
    problems::Problems,
    random::SystemRandomness,
    required::LoginRequiredLayer,
    return_to::{ReturnTo, Targets},
    routes::LoginRoutes,
    session::{CrossSite, Keeper, Lifetimes, Place, SessionLayer, SessionStore, Sessions},
};

/// Browser sign-in for one application of one Kinde environment. Cheap to clone.
///
/// ```
/// # fn build(kinde: &kinde_core::Kinde) -> Result<(), kinde_core::ConfigError> {
/// use kinde_login::Login;
///
/// let login = Login::builder(kinde).build()?;
/// let (routes, layer) = (login.routes(), login.session_layer());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Login {
    inner: Arc<Inner>,
}

/// What the routes need.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) sessions: Sessions,
    pub(crate) application: Application,
    pub(crate) targets: Targets,
    pub(crate) page: Arc<dyn RenderPage>,
    pub(crate) jwks: Jwks,
    pub(crate) post_login: ReturnTo,
    /// Absolute, as Kinde wants it.
    pub(crate) post_logout: String,
    pub(crate) exposes_access_token: bool,
    pub(crate) site: String,
    base: String,
    names: AuthRoutes,
}

impl Inner {
    /// Finds the route of a path: `NAME` or `BASE/NAME`, and nothing that merely ends so.
    pub(crate) fn route(&self, path: &str) -> Option<AuthRoute> {
        let is_below = |rest: &&str| rest.is_empty() || rest.starts_with('/');
        let below = path.strip_prefix(self.base.as_str()).filter(is_below).unwrap_or(path);
        let name = below.strip_prefix('/').unwrap_or(below);
        self.names.find(name.strip_suffix('/').unwrap_or(name))
    }

    /// Gives the path of a route.
    pub(crate) fn path(&self, route: AuthRoute) -> String {
        format!("{}/{}", self.base, self.names.name(route))
    }

    /// Writes a target as a URL, for Kinde.
    pub(crate) fn absolute(&self, target: &ReturnTo) -> String {
        match target.as_str() {
            path if path.starts_with('/') => format!("{}{path}", self.site),
            url => url.to_owned(),
        }
    }
}

impl Login {
    /// Prepares sign-in with what the environment variables say.
    ///
    /// # Errors
    ///
    /// As [`LoginBuilder::build`].
    #[cfg(feature = "reqwest")]
    pub fn new(kinde: &Kinde) -> Result<Self, ConfigError> {
        Self::builder(kinde).build()
    }

    /// Starts with what the environment variables say.
    pub fn builder(kinde: &Kinde) -> LoginBuilder {
        LoginBuilder {
            kinde: kinde.clone(),
            secrets: None,
            store: None,
            http: None,
            clock: Arc::new(SystemClock),
            page: Arc::new(PlainPage),
            allowed_origins: Vec::new(),
            lifetimes: Lifetimes {
                idle: IDLE,
                absolute: kinde.settings().cookie_max_age().unwrap_or(ABSOLUTE),
                refresh_ahead: REFRESH_AHEAD,
            },
            cookie_budget_bytes: COOKIE_BUDGET_BYTES,
            cookie_domain: None,
            is_public: false,
            exposes_access_token: false,
        }
    }

    /// Gives the routes, to be nested under `KINDE_AUTH_API_PATH` (`/api/auth`) outside of every layer.
    pub fn routes(&self) -> LoginRoutes {
        LoginRoutes::new(Arc::clone(&self.inner))
    }

    /// Gives the layer that presents a browser's session to `KindeLayer`, which has to be inside of it.
    pub fn session_layer(&self) -> SessionLayer {
        SessionLayer::new(self.inner.sessions.clone())
    }

    /// Gives the gate for pages: whoever is not signed in is sent to sign in, with the way back.
    pub fn login_required(&self) -> LoginRequiredLayer {
        LoginRequiredLayer::new(Arc::clone(&self.inner))
    }

    /// Gives the addresses of the routes, for templates.
    pub fn links(&self) -> Links {
        Links::new(Arc::clone(&self.inner))
    }

    /// Gives the OAuth client, to ask Kinde for something else.
    pub fn client(&self) -> &OAuthClient {
        &self.inner.sessions.keeper.client
    }

    /// Gives the name of the session's cookie, for a proxy that keeps a browser at one instance, or for a test.
    ///
    /// It is the same for all instances of an application, and no other's on the same host. A long session has more
    /// cookies: `NAME.1`, `NAME.2`, ….
    pub fn session_cookie_name(&self) -> &str {
        self.inner.sessions.keeper.cookies.session()
    }

    /// Gives the URL to register in Kinde as an allowed callback.
    pub fn callback_url(&self) -> &str {
        &self.inner.application.redirect_uri
    }

    /// Gives the URL to register in Kinde as an allowed logout redirect.
    pub fn logout_url(&self) -> &str {
        &self.inner.post_logout
    }
}

/// What is decided before sign-in starts. Made by [`Login::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct LoginBuilder {
    kinde: Kinde,
    secrets: Option<Vec<Secret>>,
    store: Option<Arc<dyn SessionStore>>,
    http: Option<Arc<dyn HttpFetch>>,
    clock: Arc<dyn Clock>,
    page: Arc<dyn RenderPage>,
    allowed_origins: Vec<String>,
    lifetimes: Lifetimes,
    cookie_budget_bytes: usize,
    cookie_domain: Option<String>,
    is_public: bool,
    exposes_access_token: bool,
}

impl LoginBuilder {
    /// Sets the secrets that seal cookies and records: the first seals, all open. At least 32 random characters each.
    ///
    /// Default: `SESSION_SECRET`, which is not read when this is called; none at all fails the build. To replace a secret, put the new one first and keep the old one until the longest
    /// session is over.
    pub fn with_secrets(mut self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        self.secrets = Some(secrets.into_iter().collect());
        self
    }

    /// Keeps sessions in a store. Default: sealed, in the browser's cookie.
    ///
    /// With a store a sign-out holds everywhere at once, and a session may be of any size.
    pub fn with_store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Sets the HTTP client that talks to Kinde. Default: kinde-core's, behind the feature `reqwest`.
    pub fn with_http_client(mut self, client: impl HttpFetch) -> Self {
        self.http = Some(Arc::new(client));
        self
    }

    /// Sets the clock that sessions are judged by. Default: the system's.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the page that people see when a sign-in came to nothing. Default: [`PlainPage`].
    pub fn with_page(mut self, page: impl RenderPage) -> Self {
        self.page = Arc::new(page);
        self
    }

    /// Allows browsers to be sent to another origin after sign-in or sign-out, such as `https://docs.example.com`.
    ///
    /// Default: paths of the own site only.
    pub fn with_allowed_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// Sets after how long without a request a session ends. Default 7 days; zero ends every session at once. In a cookie
    /// and in PostgreSQL a request is noted when a tenth of it has passed since the last note, so that a session may end as
    /// much sooner.
    pub fn with_idle_lifetime(mut self, idle: Duration) -> Self {
        self.lifetimes.idle = idle;
        self
    }

    /// Sets after how long a session ends in any case. Default: `KINDE_COOKIE_MAX_AGE`, or 29 days, as in the Next.js
    /// SDK; zero ends every session at once.
    pub fn with_absolute_lifetime(mut self, absolute: Duration) -> Self {
        self.lifetimes.absolute = absolute;
        self
    }

    /// Sets how long before its end an access token is replaced. Default 60 s, so that a request that takes as long
    /// still has a good one; with zero it is replaced when it has expired.
    pub fn with_refresh_ahead(mut self, refresh_ahead: Duration) -> Self {
        self.lifetimes.refresh_ahead = refresh_ahead;
        self
    }

    /// Sets how many bytes a sealed session may have in the browser. Default 3,500: with it a response fits into the
    /// 4 KiB that nginx keeps for a response's head by default. More is cut into several cookies of 3,800 bytes, of
    /// which there are eight at most: more than 30,400 bytes count as 30,400.
    pub fn with_cookie_budget_bytes(mut self, bytes: usize) -> Self {
        self.cookie_budget_bytes = bytes.min(LARGEST_COOKIE_BUDGET_BYTES);
        self
    }

    /// Shares the session with every host of a domain: with `acme.example`, sign-in at `app.acme.example` holds at
    /// `docs.acme.example`, too, where client ID, secrets and store are the same. Default: the site's own host alone.
    ///
    /// # Security
    ///
    /// The session's cookie loses the prefix `__Host-` and has `__Secure-`. Every host of the domain gets it with each
    /// request and can use the session; every host can also remove it, or put a session of its own in its place, so that a
    /// person acts as somebody else. All hosts of the domain have to be as trusted as this site, the forgotten ones and
    /// those of other companies included. Sign-ins under way stay with this host.
    pub fn insecure_cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.cookie_domain = Some(domain.into());
        self
    }

    /// Signs in without a client secret, for an application that Kinde registered without one.
    pub fn public_client(mut self) -> Self {
        self.is_public = true;
        self
    }

    /// Lets `setup` answer the access token to pages of the site's own origin, as far as the browser tells, for those
    /// that call another API themselves. Default: no token ever leaves the server.
    ///
    /// # Security
    ///
    /// A script that gets into such a page can read the token and use it elsewhere until it expires.
    pub fn expose_access_token(mut self) -> Self {
        self.exposes_access_token = true;
        self
    }

    /// Prepares sign-in. Logs the two URLs that have to be registered in Kinde.
    ///
    /// # Errors
    ///
    /// Every problem of the settings: a variable that is missing (`KINDE_CLIENT_ID`, `KINDE_CLIENT_SECRET`,
    /// `KINDE_SITE_URL`, `SESSION_SECRET`), a secret that is too short, a domain for the cookie that is not the site's,
    /// an allowed origin or a target that is not written as browsers write it.
    ///
    /// A `KINDE_POST_LOGIN_REDIRECT_URL` of another origin is none: it allows that whole origin, for every link, as
    /// [`with_allowed_origin`](Self::with_allowed_origin) does.
    pub fn build(self) -> Result<Login, ConfigError> {
        let settings = self.kinde.settings().clone();
        let mut problems = Problems::of(&settings);
        let client_id = problems.required(settings.client_id(), "KINDE_CLIENT_ID");
        let site = problems.required(settings.site_url(), "KINDE_SITE_URL");
        let redirect_uri = settings.redirect_uri().unwrap_or_default().to_owned();
        let client_secret = settings.client_secret().filter(|_| !self.is_public).cloned();
        if client_secret.is_none() && !self.is_public {
            problems.missing("KINDE_CLIENT_SECRET");
        }
        let sealer = problems.sealer(self.secrets.as_deref(), settings.session_secret());
        if let Some(domain) = &self.cookie_domain {
            problems.cookie_domain(domain, &site);
        }
        let (targets, post_login) =
            problems.targets(&site, &self.allowed_origins, settings.post_login_redirect_url());
        let sealer = problems.unless_any(sealer)?;
        let post_logout = settings.post_logout_redirect_url().unwrap_or(&site).to_owned();
        let http = self.http()?;
        let endpoints = Endpoints::new(settings.issuer());
        let application = Application::new(&settings, &redirect_uri);
        let domain = self.cookie_domain.as_deref();
        let cookies = Cookies::of_application(&client_id, &site, settings.auth_api_path(), domain);
        let client = OAuthClient::new(endpoints, client_id, client_secret, http);
        let place = match self.store {
            Some(store) => Place::Store(store),
            None => Place::Cookie { budget_bytes: self.cookie_budget_bytes },
        };
        let keeper = Keeper::new(
            client,
            self.kinde.verifier().with_clock(Arc::clone(&self.clock)).build()?,
            self.kinde.id_token_verifier()?.with_clock(Arc::clone(&self.clock)),
            cookies,
            sealer,
            Arc::new(SystemRandomness),
            self.clock,
            self.lifetimes,
            place,
        );
        let cross_site = Arc::new(CrossSite::of_site(&site)?);
        tracing::info!(target: "kinde_login", callback_url = redirect_uri, logout_url = post_logout, "register these URLs in Kinde");
        Ok(Login {
            inner: Arc::new(Inner {
                sessions: Sessions { keeper: Arc::new(keeper), cross_site },
                application,
                targets,
                page: self.page,
                jwks: self.kinde.jwks().clone(),
                post_login,
                post_logout,
                exposes_access_token: self.exposes_access_token,
                site,
                base: settings.auth_api_path().to_owned(),
                names: settings.auth_routes().clone(),
            }),
        })
    }

    fn http(&self) -> Result<Arc<dyn HttpFetch>, ConfigError> {
        match &self.http {
            Some(http) => Ok(Arc::clone(http)),
            None => default_client(),
        }
    }
}

/// Half of the life of Kinde's refresh tokens by default: whoever comes back each week stays signed in.
const IDLE: Duration = Duration::from_secs(7 * 86_400);
const ABSOLUTE: Duration = Duration::from_secs(29 * 86_400);
const REFRESH_AHEAD: Duration = Duration::from_secs(60);
const COOKIE_BUDGET_BYTES: usize = 3_500;
/// Eight cookies of 3,800 bytes; no server reads more of one browser by default.
const LARGEST_COOKIE_BUDGET_BYTES: usize = 8 * 3_800;
