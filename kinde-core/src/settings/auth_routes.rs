//! What the sign-in routes are called.

use super::{parse, variables::Variables};
use crate::{ConfigProblem, config_error::Problems};

/// A route of browser sign-in; the list is complete on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthRoute {
    /// Begins to sign in.
    Login,
    /// Ends the session here and in Kinde.
    Logout,
    /// Begins to sign up.
    Register,
    /// Begins to create an organization.
    CreateOrg,
    /// Tells whether sign-in is ready, and which setting is missing.
    Health,
    /// Gives the page's script what the session holds.
    Setup,
    /// Goes to Kinde's self-serve portal.
    Portal,
    /// Revokes the tokens and ends the session here.
    EndSession,
    /// Receives the authorization response; its name is fixed, because it is registered in Kinde.
    Callback,
    /// Gives the profile of who is signed in; its name is fixed, as in the first Next.js SDK.
    Me,
    /// Begins a session in another organization; its name is fixed, as in the SvelteKit SDK.
    SwitchOrg,
}

impl AuthRoute {
    /// Gives the name that the route has when no variable renames it.
    pub fn default_name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Register => "register",
            Self::CreateOrg => "create_org",
            Self::Health => "health",
            Self::Setup => "setup",
            Self::Portal => "portal",
            Self::EndSession => "end_session",
            Self::Callback => "kinde_callback",
            Self::Me => "me",
            Self::SwitchOrg => "switch_org",
        }
    }

    /// Gives the variable that renames the route.
    fn variable(self) -> Option<&'static str> {
        match self {
            Self::Login => Some("KINDE_AUTH_LOGIN_ROUTE"),
            Self::Logout => Some("KINDE_AUTH_LOGOUT_ROUTE"),
            Self::Register => Some("KINDE_AUTH_REGISTER_ROUTE"),
            Self::CreateOrg => Some("KINDE_AUTH_CREATEORG_ROUTE"),
            Self::Health => Some("KINDE_AUTH_HEALTH_ROUTE"),
            Self::Setup => Some("KINDE_AUTH_SETUP_ROUTE"),
            Self::Portal => Some("KINDE_AUTH_PORTAL_ROUTE"),
            Self::EndSession => Some("KINDE_AUTH_ENDSESSION_ROUTE"),
            Self::Callback | Self::Me | Self::SwitchOrg => None,
        }
    }

    const ALL: [Self; 11] = [
        Self::Login,
        Self::Logout,
        Self::Register,
        Self::CreateOrg,
        Self::Health,
        Self::Setup,
        Self::Portal,
        Self::EndSession,
        Self::Callback,
        Self::Me,
        Self::SwitchOrg,
    ];
}

/// The names of the sign-in routes, one path segment each and no two alike. Used by browser sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthRoutes {
    renamed: Vec<(AuthRoute, String)>,
}

impl AuthRoutes {
    /// Gives the name of a route, for example `login`.
    pub fn name(&self, route: AuthRoute) -> &str {
        let renamed = self.renamed.iter().find(|(renamed, _)| *renamed == route);
        renamed.map_or(route.default_name(), |(_, name)| name)
    }

    /// Finds the route of a path segment. Every byte counts, also its case.
    pub fn find(&self, name: &str) -> Option<AuthRoute> {
        AuthRoute::ALL.into_iter().find(|route| self.name(*route) == name)
    }

    pub(super) fn read(variables: &Variables, problems: &mut Problems) -> Self {
        let mut routes = Self::default();
        for route in AuthRoute::ALL {
            let Some(value) = route.variable().and_then(|variable| variables.value(variable)) else {
                continue;
            };
            match parse::name(value) {
                Ok(name) => routes.renamed.push((route, name)),
                Err(problem) => problems.add(problem),
            }
        }
        for problem in routes.repetitions(variables) {
            problems.add(problem);
        }
        routes
    }

    /// Finds each renamed route whose name another one has; of two renamed ones, the later.
    fn repetitions(&self, variables: &Variables) -> Vec<ConfigProblem> {
        let is_renamed = |route| self.renamed.iter().any(|(renamed, _)| *renamed == route);
        let repetition = |(route, name): &(AuthRoute, String)| {
            let value = variables.value(route.variable()?)?;
            let is_taken = |other: &AuthRoute| {
                other != route && self.name(*other) == name && (!is_renamed(*other) || *other < *route)
            };
            let other = AuthRoute::ALL.into_iter().find(is_taken)?;
            Some(value.conflict(format!("is already the name of the route {other:?}: choose another")))
        };
        self.renamed.iter().filter_map(repetition).collect()
    }
}
