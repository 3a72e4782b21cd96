//! An organization of the environment.

use std::sync::Arc;

use crate::provider::{API, Provider};

/// An organization of the environment, found or created by [`Environment::org`](crate::Environment::org).
#[derive(Clone, Debug)]
pub struct Organization {
    provider: Arc<Provider>,
    code: String,
}

impl Organization {
    pub(crate) fn find_or_create(provider: &Arc<Provider>, name: &str) -> Self {
        let code = provider.change(API, |directory| directory.find_or_create_organization(name));
        Self { provider: Arc::clone(provider), code }
    }

    /// Returns the org code, as in the claim `org_code`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the display name.
    #[must_use]
    pub fn name(&self) -> String {
        let directory = self.provider.directory.lock();
        directory.organizations.get(&self.code).map(|known| known.name.clone()).unwrap_or_default()
    }
}
