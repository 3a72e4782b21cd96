//! An organization of the environment.

use std::sync::Arc;

use crate::{
    changes::store,
    directory::OrganizationRecord,
    provider::{API, Provider},
};

/// An organization of the environment, found or created by [`Environment::org`](crate::Environment::org).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let acme = kinde.org("acme");
/// acme.update(|details| details.name = "Acme GmbH".to_owned());
/// assert_eq!(acme.name(), "Acme GmbH");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Organization {
    provider: Arc<Provider>,
    code: String,
}

/// What an administrator may change about an organization.
///
/// The names are those of Kinde's management API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrganizationDetails {
    /// The name people see.
    pub name: String,
    /// The handle, part of some URLs; may be empty.
    pub handle: String,
    /// What another system calls it, if anything.
    pub external_id: Option<String>,
    /// Whether people may register. The emulator only tells webhooks so.
    pub is_allow_registrations: bool,
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
        self.details().name
    }

    /// Returns what the environment knows about the organization; all of it empty once it was deleted.
    #[must_use]
    pub fn details(&self) -> OrganizationDetails {
        let directory = self.provider.directory.lock();
        let known = directory.organizations.get(&self.code);
        known.map_or_else(OrganizationDetails::default, |known| OrganizationDetails {
            name: known.name.clone(),
            handle: known.handle.clone(),
            external_id: known.external_id.clone(),
            is_allow_registrations: known.is_allow_registrations,
        })
    }

    /// Changes the organization; webhooks are told `organization.updated` if anything changed.
    pub fn update(&self, change: impl FnOnce(&mut OrganizationDetails)) {
        let before = self.details();
        let mut after = before.clone();
        change(&mut after);
        self.provider.change(API, |directory| {
            directory.update_organization(&self.code, |organization| {
                store(&mut organization.name, &before.name, after.name);
                store(&mut organization.handle, &before.handle, after.handle);
                store(&mut organization.external_id, &before.external_id, after.external_id);
                let allows = &mut organization.is_allow_registrations;
                store(allows, &before.is_allow_registrations, after.is_allow_registrations);
            });
        });
    }

    /// Deletes the organization with its memberships; webhooks are told `organization.deleted`. Returns `false` when
    /// it was deleted before.
    pub fn delete(&self) -> bool {
        self.provider.change(API, |directory| directory.delete_organization(&self.code))
    }

    /// Changes what the environment stores; webhooks are told `organization.updated` if anything changed.
    pub(crate) fn change(&self, change: impl FnOnce(&mut OrganizationRecord)) {
        self.provider.change(API, |directory| directory.update_organization(&self.code, change));
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }
}
