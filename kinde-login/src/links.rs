//! Addresses of the routes, for templates.

use std::{fmt, sync::Arc};

use kinde_core::AuthRoute;

use crate::login::Inner;

/// Writes the addresses of the sign-in routes. Made by [`Login::links`](crate::Login::links).
///
/// ```
/// # fn page(login: &kinde_login::Login) {
/// let links = login.links();
/// let register = links.register().org("org_1a2b3c").to("/welcome");
/// assert_eq!(register.to_string(), "/api/auth/register?org_code=org_1a2b3c&post_login_redirect_url=%2Fwelcome");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Links {
    login: Arc<Inner>,
}

impl Links {
    pub(crate) fn new(login: Arc<Inner>) -> Self {
        Self { login }
    }

    /// Signs in.
    pub fn login(&self) -> Link {
        self.to(AuthRoute::Login)
    }

    /// Signs up.
    pub fn register(&self) -> Link {
        self.to(AuthRoute::Register)
    }

    /// Creates an organization of this name; Kinde asks for one when it is empty.
    pub fn create_org(&self, name: &str) -> Link {
        let link = self.to(AuthRoute::CreateOrg);
        if name.is_empty() { link } else { link.with("org_name", name) }
    }

    /// Begins a session in another organization.
    pub fn switch_org(&self, code: &str) -> Link {
        self.to(AuthRoute::SwitchOrg).org(code)
    }

    /// Signs out. Use it in a form with `method="post"`, or as a link of the own site.
    pub fn logout(&self) -> Link {
        self.to(AuthRoute::Logout)
    }

    /// Goes to Kinde's self-serve portal.
    pub fn portal(&self) -> Link {
        self.to(AuthRoute::Portal)
    }

    fn to(&self, route: AuthRoute) -> Link {
        let target = match route {
            AuthRoute::Logout => "post_logout_redirect_url",
            AuthRoute::Portal => "return_url",
            _ => "post_login_redirect_url",
        };
        Link { path: self.login.path(route), target, query: Vec::new() }
    }
}

/// One address. Print it into `href` or `action`, escaped as any text in HTML (`&` becomes `&amp;`).
#[derive(Clone, Debug)]
#[must_use]
pub struct Link {
    path: String,
    target: &'static str,
    query: Vec<(&'static str, String)>,
}

impl Link {
    /// Begins the address of a route that signs in.
    pub(crate) fn to_route(path: String) -> Self {
        Self { path, target: "post_login_redirect_url", query: Vec::new() }
    }

    /// Begins the address of the portal.
    pub(crate) fn to_portal(path: String) -> Self {
        Self { path, target: "return_url", query: Vec::new() }
    }

    /// Asks for an organization: signs in to it, or joins it.
    pub fn org(self, code: &str) -> Self {
        self.with("org_code", code)
    }

    /// Says where to go afterwards: a path of the site, or a URL of an origin that was allowed.
    pub fn to(self, target: &str) -> Self {
        let name = self.target;
        self.with(name, target)
    }

    /// Fills in who signs in: an e-mail address, `phone:…` or `username:…`.
    pub fn login_hint(self, hint: &str) -> Self {
        self.with("login_hint", hint)
    }

    /// Skips the choice of how to sign in, for a button such as "Sign in with Google".
    pub fn connection(self, connection_id: &str) -> Self {
        self.with("connection_id", connection_id)
    }

    /// Adds any parameter of the allow-list, such as `lang` or `plan_interest`; others are not passed on.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.query.retain(|(known, _)| *known != name);
        self.query.push((name, value.to_owned()));
        self
    }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)?;
        if self.query.is_empty() {
            return Ok(());
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        write!(formatter, "?{}", query.finish())
    }
}
