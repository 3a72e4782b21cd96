//! Invitations to an organization, and what accepting one gives.

use crate::{directory::Directory, environment::Environment, identifiers, provider::API};

/// An invitation as the environment stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvitationRecord {
    pub(crate) email: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) org_code: String,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) created_at: u64,
    pub(crate) accepted_at: Option<u64>,
    pub(crate) is_revoked: bool,
}

impl InvitationRecord {
    /// Makes an invitation that nobody has accepted yet, without permissions beside those of the roles.
    pub(crate) fn new(email: &str, org_code: &str, roles: Vec<String>, now: u64) -> Self {
        Self {
            email: email.to_owned(),
            first_name: None,
            last_name: None,
            org_code: org_code.to_owned(),
            roles,
            permissions: Vec::new(),
            created_at: now,
            accepted_at: None,
            is_revoked: false,
        }
    }

    fn is_open(&self) -> bool {
        self.accepted_at.is_none() && !self.is_revoked
    }
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
        let now = self.provider.clock.now();
        self.provider.change(API, |directory| {
            let org_code = directory.find_or_create_organization(organization);
            let invitation = InvitationRecord {
                permissions: owned(permissions),
                ..InvitationRecord::new(email, &org_code, owned(roles), now)
            };
            directory.invitations.insert(code.clone(), invitation);
        });
        code
    }
}

impl Directory {
    /// Returns an invitation that nobody has accepted or revoked.
    pub(crate) fn open_invitation(&self, code: &str) -> Option<&InvitationRecord> {
        self.invitations.get(code).filter(|invitation| invitation.is_open())
    }

    /// Lets a person join by an invitation, which is used up; returns the organization's code.
    pub(crate) fn accept_invitation(
        &mut self,
        code: &str,
        person_id: &str,
        now: u64,
    ) -> Result<String, NotInvited> {
        let invitation = self.open_invitation(code).cloned().ok_or(NotInvited::Unknown)?;
        let is_invited = self.people.get(person_id).is_some_and(|person| person.has_email(&invitation.email));
        if !is_invited {
            return Err(NotInvited::SomebodyElse);
        }
        if let Some(stored) = self.invitations.get_mut(code) {
            stored.accepted_at = Some(now);
        }
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
    /// Nobody was invited by this code, or it was used or revoked.
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
