//! Choices to make before an environment starts.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
};

use crate::{
    api::ApiRecord,
    application::Application,
    clock::Clock,
    directory::Directory,
    environment::Environment,
    error::StartError,
    faults::Faults,
    guarded::Guarded,
    key_ring::KeyRing,
    lifetimes::{ChosenLifetimes, Lifetimes},
    listen_address::{Address, reachable},
    on_demand::OnDemand,
    portal::PortalLinks,
    provider::{JwksHeaders, Provider},
    random::Random,
    requests::RequestLog,
    routes,
    seed::Seed,
    server::{Port, Server},
    sessions::Sessions,
    webhooks::{Dispatcher, WebhookDelivery, WebhookEndpoint, WebhookStyle, Webhooks},
};

/// Choices to make before an [`Environment`] starts; every one has a default.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let kinde = kinde_emulator::Environment::builder()
///     .with_audience("https://api.example.test")
///     .with_callback("http://localhost:3000/callback")
///     .start()
///     .await;
/// # }
/// ```
#[must_use]
pub struct EnvironmentBuilder {
    pub(crate) address: Address,
    port: u16,
    issuer: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    audiences: Vec<String>,
    callbacks: Vec<String>,
    logout_urls: Vec<String>,
    site_url: Option<String>,
    pub(crate) lifetimes: ChosenLifetimes,
    seed: Seed,
    random_seed: Option<u64>,
    webhooks: Vec<WebhookEndpoint>,
    webhook_delivery: WebhookDelivery,
    webhook_style: WebhookStyle,
    has_control_api: bool,
    guards_api_key_verification: bool,
}

impl EnvironmentBuilder {
    pub(crate) fn new() -> Self {
        Self {
            address: Address::default(),
            port: 0,
            issuer: None,
            client_id: None,
            client_secret: None,
            audiences: Vec::new(),
            callbacks: Vec::new(),
            logout_urls: Vec::new(),
            site_url: None,
            lifetimes: ChosenLifetimes::default(),
            seed: Seed::default(),
            random_seed: None,
            webhooks: Vec::new(),
            webhook_delivery: WebhookDelivery::default(),
            webhook_style: WebhookStyle::default(),
            has_control_api: false,
            guards_api_key_verification: false,
        }
    }

    /// Listens on this port.
    ///
    /// Default: 0, any free port, so that thousands of environments never meet.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Makes tokens and discovery name this issuer, although the server listens on loopback.
    ///
    /// Default: the URL the server listens on. Trailing slashes are removed, as Kinde's issuers have none. The
    /// endpoints that discovery lists stay on loopback, where they can be reached.
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into().trim_end_matches('/').to_owned());
        self
    }

    /// Gives the main application this client id.
    ///
    /// Default: 32 hexadecimal digits, the same in every environment.
    pub fn with_client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Gives the main application this client secret.
    ///
    /// Default: 52 letters and digits, the same in every environment.
    pub fn with_client_secret(mut self, client_secret: impl Into<String>) -> Self {
        self.client_secret = Some(client_secret.into());
        self
    }

    /// Registers an API with this audience; repeatable.
    ///
    /// Default: none, so that an authorization request with an audience is refused and `aud` is `[]`. The
    /// management API, `<issuer>/api`, is always registered.
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Allows this redirect URI for the main application, compared exactly; repeatable.
    ///
    /// Default: `<site>/callback`, `<site>/auth/callback`, `<site>/kinde_callback` and
    /// `<site>/api/auth/kinde_callback`, where `<site>` is the site URL.
    /// [`Environment::allow_callback`] adds one later, when an application's port is known only after it started.
    pub fn with_callback(mut self, redirect_uri: impl Into<String>) -> Self {
        self.callbacks.push(redirect_uri.into());
        self
    }

    /// Allows this URL after logging out, compared exactly; repeatable.
    ///
    /// Default: the site URL, with and without a slash at its end.
    pub fn with_logout_url(mut self, url: impl Into<String>) -> Self {
        self.logout_urls.push(url.into());
        self
    }

    /// Says where the application under test lives.
    ///
    /// Default: `http://localhost:3000`.
    pub fn with_site_url(mut self, url: impl Into<String>) -> Self {
        self.site_url = Some(url.into().trim_end_matches('/').to_owned());
        self
    }

    /// Fills the environment from a seed.
    ///
    /// Default: an empty one. What the other methods choose is added to the seed.
    pub fn with_seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Makes codes, refresh tokens, sessions, the ids of tokens and events, and the IDs of generated keys follow from a
    /// number, the same in every run that asks for the same things in the same order.
    ///
    /// Default: off, they are random. People, organizations and applications have the same ids in any case; the pairs of
    /// generated keys, from the fourth on, are random in any case.
    ///
    /// # Security
    ///
    /// Whoever knows the number knows every code.
    pub fn with_deterministic_ids(mut self, seed: u64) -> Self {
        self.random_seed = Some(seed);
        self
    }

    /// Adds a webhook endpoint, a URL or a [`WebhookEndpoint`]; repeatable.
    ///
    /// Default: none but those of the seed. [`Environment::add_webhook`] adds one later, when the receiver's port is known.
    pub fn with_webhook(mut self, endpoint: impl Into<WebhookEndpoint>) -> Self {
        self.webhooks.push(endpoint.into());
        self
    }

    /// Chooses how webhooks are delivered.
    ///
    /// Default: as Kinde does. [`Environment::set_webhook_delivery`] changes it later.
    pub fn with_webhook_delivery(mut self, delivery: WebhookDelivery) -> Self {
        self.webhook_delivery = delivery;
        self
    }

    /// Chooses how webhooks write their times.
    ///
    /// Default: [`WebhookStyle::Live2024`], the only one seen in live webhooks.
    pub fn with_webhook_style(mut self, style: WebhookStyle) -> Self {
        self.webhook_style = style;
        self
    }

    /// Answers `/_emulator/…`, so that a test in another language can rotate keys, set the time and trigger events.
    ///
    /// Default: off, because a test in Rust calls [`Environment`]. The program `kinde-emulator` switches it on;
    /// `docs/emulator.md` lists what it does.
    ///
    /// # Security
    ///
    /// Every program of this computer may use it. Pages in a browser may not: a request with an `Origin`, or with the
    /// name of another computer in `Host`, is refused.
    pub fn with_control_api(mut self) -> Self {
        self.has_control_api = true;
        self
    }

    /// Verifies API keys only for a machine's token with the scope `read:api_keys`.
    ///
    /// Default: for everybody. Kinde's specification says both; its text and its examples say everybody.
    pub fn with_guarded_api_key_verification(mut self) -> Self {
        self.guards_api_key_verification = true;
        self
    }

    /// Starts the environment on the current Tokio runtime.
    ///
    /// # Panics
    ///
    /// When no loopback port can be bound, a webhook endpoint cannot be used, or outside a Tokio runtime with I/O and time enabled.
    /// [`try_start`](Self::try_start) returns the first two as errors.
    #[expect(
        clippy::panic,
        reason = "a test without its environment has nothing to run; try_start returns it"
    )]
    pub async fn start(self) -> Environment {
        match self.try_start().await {
            Ok(environment) => environment,
            Err(error) => {
                panic!("the environment did not start: {error}: {:?}", std::error::Error::source(&error))
            }
        }
    }

    /// Starts the environment on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError::Bind`] when the port is taken or none is free; [`StartError::Exposed`] when other computers can
    /// reach the address and no insecure option says so; [`StartError::Webhook`] when a webhook endpoint
    /// is not plain http on this computer.
    pub async fn try_start(self) -> Result<Environment, StartError> {
        let port = Port::bind(self.address.checked()?, self.port)?;
        let url = format!("http://{}", reachable(port.address()));
        let site_url = self.site_url.clone().unwrap_or_else(|| "http://localhost:3000".to_owned());
        let issuer = self.issuer.clone().unwrap_or_else(|| url.clone());
        let clock = Clock::default();
        if let Some(unix_seconds) = self.seed.time() {
            clock.set(unix_seconds);
        }
        let webhooks = Webhooks::new(self.webhook_style, self.webhook_delivery.clone());
        for endpoint in self.seed.webhooks().chain(self.webhooks.iter().cloned()) {
            webhooks.add(endpoint, clock.now())?;
        }
        let mut directory = Directory::default();
        self.seed.plant(&mut directory, clock.now());
        let client_id = self.register(&mut directory, &issuer, &site_url);
        let provider = Arc::new(Provider {
            url,
            issuer,
            client_id,
            lifetimes: Lifetimes::default().changed_by(self.seed.lifetimes()).changed_by(self.lifetimes),
            guards_api_key_verification: self.guards_api_key_verification,
            random: self.random_seed.or(self.seed.random_seed()).map_or_else(Random::default, Random::seeded),
            clock,
            keys: Guarded::new(KeyRing::new()),
            jwks_headers: Guarded::new(JwksHeaders::default()),
            directory: Guarded::new(directory),
            sessions: Guarded::new(Sessions::default()),
            portal_links: Guarded::new(PortalLinks::default()),
            requests: RequestLog::default(),
            faults: Faults::default(),
            on_demand: OnDemand::default(),
            webhooks,
            snapshots: Guarded::default(),
            start: OnceLock::new(),
        });
        // Nobody else has it yet, so it is not set.
        let _ = provider.start.set(provider.snapshot());
        let server = Server::start(port, routes::routes(&provider, self.has_control_api));
        let dispatcher = Dispatcher::start(&provider);
        Ok(Environment::new(provider, server, dispatcher, site_url))
    }

    /// Registers the APIs and the main application; returns its client id.
    fn register(&self, directory: &mut Directory, issuer: &str, site_url: &str) -> String {
        let management = ApiRecord::management(issuer, &routes::management_scopes());
        directory.apis.insert(management.audience.clone(), management);
        for audience in &self.audiences {
            if directory.api(audience).is_none() {
                directory.open_api::<&str>(audience, []);
            }
        }
        // The first application of the seed that signs people in, changed by what was chosen here.
        let mut main = self.seed.main_application().unwrap_or_else(|| Application::web("web"));
        directory.applications.remove(&main.client_id);
        if let Some(client_id) = &self.client_id {
            main.client_id.clone_from(client_id);
        }
        if let Some(client_secret) = &self.client_secret {
            main.client_secret = Some(client_secret.clone());
        }
        main.callbacks.extend(self.callbacks.iter().cloned());
        if main.callbacks.is_empty() {
            main.callbacks.extend(USUAL_CALLBACKS.map(|path| format!("{site_url}{path}")));
        }
        main.logout_urls.extend(self.logout_urls.iter().cloned());
        if main.logout_urls.is_empty() {
            main.logout_urls.extend([site_url.to_owned(), format!("{site_url}/")]);
        }
        let client_id = main.client_id.clone();
        directory.applications.insert(client_id.clone(), main);
        client_id
    }
}

impl fmt::Debug for EnvironmentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = BTreeMap::from([
            ("issuer", self.issuer.as_deref()),
            ("client_id", self.client_id.as_deref()),
            ("site_url", self.site_url.as_deref()),
        ]);
        f.debug_struct("EnvironmentBuilder")
            .field("port", &self.port)
            .field("chosen", &chosen)
            .field("audiences", &self.audiences)
            .field("callbacks", &self.callbacks)
            .finish_non_exhaustive()
    }
}

/// Where the usual quick starts and SDKs put their callback.
const USUAL_CALLBACKS: [&str; 4] =
    ["/callback", "/auth/callback", "/kinde_callback", "/api/auth/kinde_callback"];
