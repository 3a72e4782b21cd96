//! Invitations to an organization, and what accepting one gives.

use crate::{directory::Directory, environment::Environment, identifiers, provider::API};

/// An invitation that nobody has accepted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvitationRecord {
    pub(crate) email: String,
    pub(crate) org_code: String,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

/// Invitations.
impl Environment {
    /// Invites an e-mail address to an organization, found or created by handle or org code; returns the
    /// `invitation_code`, which an application passes on with `is_invitation=true`.
    ///
    /// Whoever signs in or registers with it, and has the address, joins the organization with these roles and
    /// permissions. It can be accepted once. No e-mail is sent.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let kinde = kinde_emulator::Environment::start().await;
    /// let code = kinde.invite("grace@example.test", "acme", &["admin"], &["create:todos"]);
    /// assert!(!code.is_empty());
    /// # }
    /// ```
    #[must_use]
    pub fn invite(&self, email: &str, organization: &str, roles: &[&str], permissions: &[&str]) -> String {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let code = identifiers::invitation_code();
        self.provider.change(API, |directory| {
            let org_code = directory.find_or_create_organization(organization);
            let (roles, permissions) = (owned(roles), owned(permissions));
            let invitation = InvitationRecord { email: email.to_owned(), org_code, roles, permissions };
            directory.invitations.insert(code.clone(), invitation);
        });
        code
    }
}

impl Directory {
    /// Lets a person join by an invitation, which is used up; returns the organization's code.
    pub(crate) fn accept_invitation(
        &mut self,
        code: &str,
        person_id: &str,
        now: u64,
    ) -> Result<String, NotInvited> {
        let invitation = self.invitations.get(code).ok_or(NotInvited::Unknown)?;
        let is_invited = self
            .people
            .get(person_id)
            .is_some_and(|person| person.email.eq_ignore_ascii_case(&invitation.email));
        if !is_invited {
            return Err(NotInvited::SomebodyElse);
        }
        let invitation = self.invitations.remove(code).ok_or(NotInvited::Unknown)?;
        invitation.roles.iter().for_each(|key| self.find_or_create_role(key));
        invitation.permissions.iter().for_each(|key| self.find_or_create_permission(key));
        self.update_membership(person_id, &invitation.org_code, now, |membership| {
            add(&mut membership.roles, &invitation.roles);
            add(&mut membership.permissions, &invitation.permissions);
        });
        Ok(invitation.org_code)
    }
}

/// Why an invitation lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotInvited {
    /// Nobody was invited by this code, or it was used.
    Unknown,
    /// It is for another address.
    SomebodyElse,
}

fn add(held: &mut Vec<String>, keys: &[String]) {
    for key in keys {
        if !held.contains(key) {
            held.push(key.clone());
        }
    }
}
