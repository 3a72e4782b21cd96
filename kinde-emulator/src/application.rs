//! Applications: who may ask this environment for tokens, and where the answers may go.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::constant_time;

use serde_json::Value;

use crate::{identifiers, lifetimes::ChosenLifetimes, token_customisation::TokenCustomisation};

/// A registered application (an OAuth client).
#[derive(Clone)]
pub(crate) struct Application {
    pub(crate) name: String,
    pub(crate) kind: ApplicationKind,
    pub(crate) client_id: String,
    /// Absent on public applications.
    pub(crate) client_secret: Option<String>,
    pub(crate) callbacks: Vec<String>,
    pub(crate) logout_urls: Vec<String>,
    /// The organization a machine is scoped to, by code.
    pub(crate) org_code: Option<String>,
    /// Whether claims carry their `x-hasura-` names.
    pub(crate) hasura: bool,
    /// How long its tokens live where that is not the environment's usual time.
    pub(crate) lifetimes: ChosenLifetimes,
    /// What the Management API was told beside these, by its names.
    pub(crate) settings: BTreeMap<String, Value>,
    /// Values of properties by key.
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) pages: PageChoices,
    pub(crate) refresh_cookie: RefreshCookie,
    /// Whether a device that names no application is this one.
    pub(crate) is_for_devices: bool,
    pub(crate) customisation: TokenCustomisation,
    /// Whether callbacks may be plain http to other computers, which Kinde refuses.
    pub(crate) takes_plain_http: bool,
}

/// What people see who sign in to an application, and how long it lasts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PageChoices {
    /// Whether a member of several organizations is asked which one, unless the application says it.
    pub(crate) picks_organization: bool,
    /// Whether people are asked to allow what the application asks for.
    pub(crate) asks_consent: bool,
    /// Whether the single sign-on session outlives the browser; tokens say so in `ksp` where this is chosen.
    pub(crate) persistent_session: Option<bool>,
}

/// Whether the token endpoint keeps refresh tokens in a cookie, for pages of a browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RefreshCookie {
    /// No cookie: the application keeps its refresh tokens.
    #[default]
    Absent,
    /// The cookie `refresh_token`, one for all applications.
    Shared,
    /// The cookie `refresh_token_` and six characters of the client id.
    OfApplication,
}

impl Application {
    /// Makes up a confidential application that signs people in.
    pub(crate) fn web(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: ApplicationKind::Web,
            client_id: identifiers::client_id(name),
            client_secret: Some(identifiers::client_secret(name)),
            callbacks: Vec::new(),
            logout_urls: Vec::new(),
            org_code: None,
            hasura: false,
            lifetimes: ChosenLifetimes::default(),
            settings: BTreeMap::new(),
            properties: BTreeMap::new(),
            pages: PageChoices::default(),
            refresh_cookie: RefreshCookie::default(),
            is_for_devices: false,
            customisation: TokenCustomisation::default(),
            takes_plain_http: false,
        }
    }

    /// Makes up a public application: a single page or a device, without a secret.
    pub(crate) fn public(name: &str) -> Self {
        Self { kind: ApplicationKind::Public, client_secret: None, ..Self::web(name) }
    }

    /// Makes up an application that acts for itself.
    pub(crate) fn machine(name: &str) -> Self {
        let name_of_identifiers = format!("machine {name}");
        Self { name: name.to_owned(), kind: ApplicationKind::Machine, ..Self::web(&name_of_identifiers) }
    }

    /// Tells whether the presented secret is this application's; a public application must present none.
    pub(crate) fn accepts_secret(&self, presented: Option<&str>) -> bool {
        match (&self.client_secret, presented) {
            (None, None | Some("")) => true,
            (Some(secret), Some(presented)) => {
                constant_time::verify_slices_are_equal(secret.as_bytes(), presented.as_bytes()).is_ok()
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// What an application is, which decides the grants it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApplicationKind {
    /// Has a server that keeps a secret.
    Web,
    /// Keeps no secret, so it must use PKCE.
    Public,
    /// Acts for itself with client credentials.
    Machine,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_compared_and_never_printed() {
        let application = Application::web("web");
        let secret = application.client_secret.clone().unwrap();
        assert!(application.accepts_secret(Some(&secret)));
        assert!(!application.accepts_secret(Some("wrong")));
        assert!(!application.accepts_secret(None));
        assert!(!format!("{application:?}").contains(&secret));
    }

    #[test]
    fn public_application_accepts_no_secret_at_all() {
        assert!(Application::public("spa").accepts_secret(None));
        assert!(!Application::public("spa").accepts_secret(Some("anything")));
    }
}
