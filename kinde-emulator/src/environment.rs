//! A running environment and everything a test may do to it.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    builder::EnvironmentBuilder,
    consent,
    error::{SignInError, StartError},
    feature_flag::FeatureFlag,
    jws,
    machine::Machine,
    organization::Organization,
    permission::Permission,
    person::Person,
    plan::Plan,
    property::Property,
    provider::Provider,
    role::Role,
    seed::Seed,
    server::Server,
    webhooks::Dispatcher,
};

/// A Kinde environment that runs in this process and listens on loopback.
///
/// It serves on the Tokio runtime it was started on, until it is dropped or that runtime ends; starting one takes
/// about a millisecond, so a test starts its own.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let kinde = kinde_emulator::Environment::start().await;
/// let token = kinde.person("alice").in_org("acme").with("create:todos").access_token();
/// # assert_eq!(token.split('.').count(), 3);
/// # }
/// ```
pub struct Environment {
    pub(crate) provider: Arc<Provider>,
    server: Server,
    dispatcher: Dispatcher,
    site_url: String,
}

impl Environment {
    /// Starts an empty environment on a free port.
    ///
    /// # Panics
    ///
    /// When no loopback port can be bound, or outside a Tokio runtime. [`try_start`](Self::try_start) returns the
    /// first as an error.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Starts an empty environment on a free port.
    ///
    /// # Errors
    ///
    /// [`StartError::Bind`] when no loopback port can be bound.
    pub async fn try_start() -> Result<Self, StartError> {
        Self::builder().try_start().await
    }

    /// Returns the choices to make before starting.
    pub fn builder() -> EnvironmentBuilder {
        EnvironmentBuilder::new()
    }

    pub(crate) fn new(
        provider: Arc<Provider>,
        server: Server,
        dispatcher: Dispatcher,
        site_url: String,
    ) -> Self {
        Self { provider, server, dispatcher, site_url }
    }
}

/// What an application needs to know.
impl Environment {
    /// Returns the issuer, `http://127.0.0.1:PORT` unless chosen otherwise, without a trailing slash.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.provider.issuer
    }

    /// Returns where the server listens, without a trailing slash; the issuer's equal unless that was chosen.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.provider.url
    }

    /// Returns the main application's client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.provider.client_id
    }

    /// Returns the main application's client secret; empty for a public application.
    #[must_use]
    pub fn client_secret(&self) -> String {
        let directory = self.provider.directory.lock();
        let main = directory.applications.get(&self.provider.client_id);
        main.and_then(|main| main.client_secret.clone()).unwrap_or_default()
    }

    /// Returns the environment variables that point an application here, under the names Kinde's SDKs read.
    ///
    /// `KINDE_AUDIENCE` is among them when an API was registered, and a public application has no
    /// `KINDE_CLIENT_SECRET`.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("KINDE_ISSUER_URL", self.issuer().to_owned()),
            ("KINDE_CLIENT_ID", self.client_id().to_owned()),
            ("KINDE_CLIENT_SECRET", self.client_secret()),
            ("KINDE_SITE_URL", self.site_url.clone()),
            ("KINDE_POST_LOGIN_REDIRECT_URL", self.site_url.clone()),
            ("KINDE_POST_LOGOUT_REDIRECT_URL", self.site_url.clone()),
        ];
        variables.retain(|(_, value)| !value.is_empty());
        let directory = self.provider.directory.lock();
        let apis = directory.apis.values().filter(|api| !api.is_management_api);
        let audiences: Vec<_> = apis.map(|api| api.audience.clone()).collect();
        if !audiences.is_empty() {
            variables.push(("KINDE_AUDIENCE", audiences.join(" ")));
        }
        variables
    }

    /// Returns the redirect URIs of the main application.
    #[must_use]
    pub fn callbacks(&self) -> Vec<String> {
        let directory = self.provider.directory.lock();
        let main = directory.applications.get(&self.provider.client_id);
        main.map(|main| main.callbacks.clone()).unwrap_or_default()
    }

    /// Allows one more redirect URI for the main application, compared exactly.
    pub fn allow_callback(&self, redirect_uri: impl Into<String>) {
        let mut directory = self.provider.directory.lock();
        if let Some(main) = directory.applications.get_mut(&self.provider.client_id) {
            main.callbacks.push(redirect_uri.into());
        }
    }

    /// Allows one more URL after logging out, compared exactly.
    pub fn allow_logout_url(&self, url: impl Into<String>) {
        let mut directory = self.provider.directory.lock();
        if let Some(main) = directory.applications.get_mut(&self.provider.client_id) {
            main.logout_urls.push(url.into());
        }
    }

    /// Registers one more API, with the scopes it offers; none offered means any may be asked for.
    pub fn register_api(&self, audience: impl Into<String>, scopes: &[&str]) {
        self.provider.directory.lock().open_api(&audience.into(), scopes);
    }
}

/// Who may hold a token.
impl Environment {
    /// Finds or creates a person by handle, e-mail address or id, and starts describing a token for them.
    ///
    /// The same handle has the same id in every environment; `alice` has the address `alice@example.test`. Whoever
    /// is created is told to webhooks: mention people before adding an endpoint that shall not hear of them.
    pub fn person(&self, name: &str) -> Person {
        Person::find_or_create(&self.provider, name)
    }

    /// Finds or creates an organization by handle or org code.
    pub fn org(&self, name: &str) -> Organization {
        Organization::find_or_create(&self.provider, name)
    }

    /// Finds or creates a role by key.
    pub fn role(&self, key: &str) -> Role {
        Role::find_or_create(&self.provider, key)
    }

    /// Finds or creates a permission by key.
    pub fn permission(&self, key: &str) -> Permission {
        Permission::find_or_create(&self.provider, key)
    }

    /// Finds or creates a feature flag by key; a new one is `false` for everybody whom nothing else is said about.
    pub fn flag(&self, key: &str) -> FeatureFlag {
        FeatureFlag::find_or_create(&self.provider, key)
    }

    /// Finds or creates a property by key; a new one is of people, unless its key starts with `kp_org_` or `kp_app_`.
    pub fn property(&self, key: &str) -> Property {
        Property::find_or_create(&self.provider, key)
    }

    /// Finds or creates a billing plan by key.
    pub fn plan(&self, key: &str) -> Plan {
        Plan::find_or_create(&self.provider, key)
    }

    /// Adds the applications, APIs, organizations, people and flags of a seed, and tells webhooks nothing about it, as
    /// Kinde's bulk import of people does. Webhook endpoints in the seed are not added.
    pub fn import(&self, seed: &Seed) {
        seed.plant(&mut self.provider.directory.lock(), self.provider.clock.now());
    }

    /// Finds or creates a machine-to-machine application by name, and starts describing a token for it.
    pub fn machine(&self, name: &str) -> Machine {
        Machine::find_or_create(&self.provider, name)
    }

    /// Signs a person in without a browser: takes the authorization request's URL, returns the one to go back to.
    ///
    /// The answer is the redirect URI with `code` and `state`, or with `error`, just as a click on the sign-in page
    /// gives it. The session's organization and permissions are what the environment
    /// [remembers](Person::remember).
    ///
    /// # Errors
    ///
    /// [`SignInError`] when Kinde would show an error page instead of going back to the application.
    pub fn sign_in(&self, authorization_url: &str, person: &Person) -> Result<String, SignInError> {
        self.provider.random.during(|| consent::sign_in(&self.provider, authorization_url, person.id()))
    }

    /// Signs any header and payload with the current key, exactly as given.
    ///
    /// The header is not completed: a `kid` has to be in it.
    #[must_use]
    pub fn sign(&self, header: Value, payload: Value) -> String {
        self.sign_raw(header.to_string().as_bytes(), payload.to_string().as_bytes())
    }

    /// Signs any two byte strings with the current key, JSON or not.
    #[must_use]
    pub fn sign_raw(&self, header: &[u8], payload: &[u8]) -> String {
        jws::sign_bytes(&self.provider.signing_key(None), header, payload)
    }
}

/// Keys.
impl Environment {
    /// Returns the published key set, as the server answers it.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.provider.keys.lock().jwks()
    }

    /// Returns the ID of the key that signs at present.
    #[must_use]
    pub fn signing_kid(&self) -> String {
        self.provider.keys.lock().signing_kid().to_owned()
    }

    /// Signs with a new published key from now on and returns its ID; the old key stays published.
    ///
    /// The first two rotations use embedded keys; each later one generates a key, a fifth of a second.
    pub fn rotate_keys(&self) -> String {
        self.provider.random.during(|| self.provider.keys.lock().rotate())
    }

    /// Signs with a new published key from now on, takes every older key out of the published set, and returns the new
    /// key's ID.
    pub fn replace_keys(&self) -> String {
        self.provider.random.during(|| self.provider.keys.lock().replace())
    }

    /// Takes a key out of the published set; it can still sign. Returns `false` when there is no such key.
    pub fn withdraw_key(&self, kid: &str) -> bool {
        self.provider.keys.lock().set_published(kid, false)
    }

    /// Puts a key into the published set. Returns `false` when there is no such key.
    pub fn publish_key(&self, kid: &str) -> bool {
        self.provider.keys.lock().set_published(kid, true)
    }

    /// Adds a key that is not published and returns its ID, for a token that arrives before its key.
    ///
    /// Sign with it by `signed_by(kid)`; publish it with [`publish_key`](Self::publish_key).
    pub fn add_unpublished_key(&self) -> String {
        self.provider.random.during(|| self.provider.keys.lock().add_unpublished())
    }

    /// Answers the key set with this `Cache-Control`, or with none.
    ///
    /// Default: none, as Kinde documents none.
    pub fn set_jwks_cache_control(&self, value: Option<&str>) {
        self.provider.jwks_headers.lock().cache_control = value.map(str::to_owned);
    }

    /// Answers the key set with an `ETag`, and a matching `If-None-Match` with 304.
    ///
    /// Default: off, as Kinde documents none.
    pub fn set_jwks_etag(&self, is_on: bool) {
        self.provider.jwks_headers.lock().has_etag = is_on;
    }
}

/// Time and life.
impl Environment {
    /// Returns the time that tokens are stamped with, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.provider.clock.now()
    }

    /// Stops the clock at this time in Unix seconds; webhooks that are due by then are sent.
    ///
    /// Default: the clock follows the system's.
    pub fn set_time(&self, unix_seconds: u64) {
        self.provider.clock.set(unix_seconds);
        self.provider.webhooks.look_again();
    }

    /// Stops the clock where it is.
    pub fn freeze_time(&self) {
        self.set_time(self.now());
    }

    /// Moves the clock forward, whether it stands or runs; webhooks that become due are sent, as after
    /// [`elapse`](Self::elapse) but all at the end.
    pub fn advance(&self, by: Duration) {
        self.provider.clock.advance(by);
        self.provider.webhooks.look_again();
    }

    /// Makes the clock follow the system's again.
    pub fn follow_system_time(&self) {
        self.provider.clock.follow_system();
        self.provider.webhooks.look_again();
    }

    /// Stamps tokens with a time that is wrong by so many seconds, ahead or (below zero) behind, as a server whose
    /// clock is wrong does.
    ///
    /// Default: 0. The environment's own decisions go by the right time.
    pub fn set_token_clock_offset(&self, seconds: i64) {
        self.provider.clock.set_token_offset(seconds);
    }

    /// Makes the provider unreachable: open connections close and new ones are refused.
    ///
    /// Tokens can still be minted, and webhooks are still sent. The port stays reserved until [`resume`](Self::resume).
    pub async fn pause(&self) {
        self.server.pause().await;
    }

    /// Makes the provider reachable again on the same port; does nothing when it is.
    ///
    /// # Errors
    ///
    /// [`StartError::Bind`] when the port was lost to another process.
    pub async fn resume(&self) -> Result<(), StartError> {
        self.server.resume()
    }

    /// Stops the server and the delivery of webhooks and waits until all tasks are gone; dropping does the same
    /// without waiting.
    pub async fn stop(self) {
        self.server.stop().await;
        self.dispatcher.stop().await;
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("issuer", &self.provider.issuer)
            .field("url", &self.provider.url)
            .field("client_id", &self.provider.client_id)
            .finish_non_exhaustive()
    }
}
