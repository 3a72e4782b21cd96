//! Applications and APIs of a seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    application::{Application, PageChoices, RefreshCookie},
    directory::Directory,
    lifetimes::ChosenLifetimes,
    token_customisation::TokenCustomisation,
};

use super::secret::Secret;

/// An application; what is left out follows from its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedApplication {
    pub(super) name: String,
    #[serde(default)]
    pub(super) kind: SeedKind,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    #[serde(default)]
    callbacks: Vec<String>,
    #[serde(default)]
    logout_urls: Vec<String>,
    /// The organization a machine is scoped to.
    pub(super) org: Option<String>,
    #[serde(default)]
    hasura: bool,
    #[serde(default)]
    organization_picker: bool,
    #[serde(default)]
    asks_consent: bool,
    persistent_session: Option<bool>,
    refresh_token_cookie: Option<SeedCookie>,
    #[serde(default)]
    default_device_application: bool,
    #[serde(default)]
    plain_http_callbacks: bool,
    #[serde(default)]
    tokens: SeedApplicationTokens,
    opt_in_claims: Option<BTreeSet<String>>,
    #[serde(default)]
    access_token_claims: BTreeMap<String, Value>,
    #[serde(default)]
    id_token_claims: BTreeMap<String, Value>,
}

/// How long an application's tokens live where that is not the environment's usual time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SeedApplicationTokens {
    access_token_seconds: Option<u64>,
    id_token_seconds: Option<u64>,
    refresh_token_seconds: Option<u64>,
}

impl SeedApplication {
    pub(super) fn record(&self, directory: &Directory) -> Application {
        let mut application = match self.kind {
            SeedKind::Web => Application::web(&self.name),
            SeedKind::Public => Application::public(&self.name),
            SeedKind::Machine => Application::machine(&self.name),
        };
        if let Some(client_id) = &self.client_id {
            application.client_id.clone_from(client_id);
        }
        if let Some(Secret(client_secret)) = &self.client_secret {
            application.client_secret = Some(client_secret.clone());
        }
        application.callbacks.clone_from(&self.callbacks);
        application.logout_urls.clone_from(&self.logout_urls);
        application.hasura = self.hasura;
        application.pages = PageChoices {
            picks_organization: self.organization_picker,
            asks_consent: self.asks_consent,
            persistent_session: self.persistent_session,
        };
        application.refresh_cookie = match self.refresh_token_cookie {
            None => RefreshCookie::Absent,
            Some(SeedCookie::Shared) => RefreshCookie::Shared,
            Some(SeedCookie::Application) => RefreshCookie::OfApplication,
        };
        application.is_for_devices = self.default_device_application;
        application.lifetimes = ChosenLifetimes {
            access_token: self.tokens.access_token_seconds.map(Duration::from_secs),
            id_token: self.tokens.id_token_seconds.map(Duration::from_secs),
            refresh_token: self.tokens.refresh_token_seconds.map(Duration::from_secs),
            ..ChosenLifetimes::default()
        };
        application.customisation = TokenCustomisation {
            opt_in: self.opt_in_claims.clone(),
            access_token: self.access_token_claims.clone(),
            id_token: self.id_token_claims.clone(),
        };
        application.takes_plain_http = self.plain_http_callbacks;
        let org = self.org.as_deref().and_then(|org| directory.organization_named(org));
        application.org_code = org.map(|org| org.code.clone());
        application
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SeedKind {
    #[default]
    Web,
    Public,
    Machine,
}

/// Which cookie holds refresh tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SeedCookie {
    Shared,
    Application,
}

/// An API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedApi {
    pub(super) audience: String,
    /// What may be asked for; nothing listed means anything.
    #[serde(default)]
    pub(super) scopes: Vec<String>,
}
