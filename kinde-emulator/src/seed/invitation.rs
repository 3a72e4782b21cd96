//! Invitations of a seed.

use serde::Deserialize;

use crate::{directory::Directory, invitations::InvitationRecord};

/// An invitation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedInvitation {
    code: String,
    email: String,
    org: String,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
}

impl SeedInvitation {
    pub(super) fn plant(&self, directory: &mut Directory, now: u64) {
        let Some(org_code) = directory.organization_named(&self.org).map(|known| known.code.clone()) else {
            return;
        };
        directory.know(&self.roles, &self.permissions);
        let invitation = InvitationRecord {
            permissions: self.permissions.clone(),
            ..InvitationRecord::new(&self.email, &org_code, self.roles.clone(), now)
        };
        directory.invitations.insert(self.code.clone(), invitation);
    }
}
