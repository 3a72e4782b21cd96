//! What an administrator may change about a person, as opposed to what a token says.

use crate::{
    changes::store,
    directory::{Directory, Membership, PersonRecord},
    password::Password,
    person::Person,
    provider::API,
};

/// What an administrator may change about a person.
///
/// The names are those of Kinde's management API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PersonDetails {
    /// The e-mail address; empty for somebody who signs in by phone or username.
    pub email: String,
    /// The first name; may be empty.
    pub given_name: String,
    /// The last name; may be empty.
    pub family_name: String,
    /// The URL of a picture.
    pub picture: String,
    /// The username, if there is one.
    pub username: Option<String>,
    /// The phone number, if there is one.
    pub phone: Option<String>,
    /// Whether they are kept from signing in.
    pub is_suspended: bool,
    /// Whether they have to choose a new password. The emulator only tells webhooks so.
    pub is_password_reset_requested: bool,
}

/// Changes in the environment itself: tokens minted afterwards and webhooks show them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let kinde = kinde_emulator::Environment::start().await;
/// let alice = kinde.person("alice");
/// alice.update(|details| details.email = "alice@new.example".to_owned());
/// alice.add_permission("acme", "create:todos");
/// alice.suspend();
/// alice.delete();
/// # }
/// ```
impl Person {
    /// Returns what the environment knows about the person.
    #[must_use]
    pub fn details(&self) -> PersonDetails {
        PersonDetails::of(&self.record())
    }

    /// Changes the person; webhooks are told `user.updated` if anything changed.
    pub fn update(&self, change: impl FnOnce(&mut PersonDetails)) {
        let before = self.details();
        let mut after = before.clone();
        change(&mut after);
        let is_suspended = self.change(|directory, id, now| {
            directory.update_person(id, now, |person| after.store(&before, person));
            directory.people.get(id).is_some_and(|person| person.is_suspended)
        });
        if is_suspended {
            self.provider().sessions.lock().sign_off_everywhere(self.id());
        }
    }

    /// Gives the person a password for the sign-in form, or none.
    ///
    /// Default: none, and nobody asks for one.
    pub fn set_password(&self, password: Option<&str>) {
        self.change(|directory, id, _| {
            if let Some(person) = directory.people.get_mut(id) {
                person.password = password.map(Password::new);
            }
        });
    }

    /// Offers the person as one click on the sign-in page, or not.
    ///
    /// Default: offered.
    pub fn set_one_click(&self, is_one_click: bool) {
        self.change(|directory, id, _| {
            if let Some(person) = directory.people.get_mut(id) {
                person.is_one_click = is_one_click;
            }
        });
    }

    /// Keeps the person from signing in and from refreshing tokens; tokens they hold stay good until they expire.
    ///
    /// That their sessions end at once is a guess.
    pub fn suspend(&self) {
        self.update(|details| details.is_suspended = true);
    }

    /// Lets the person sign in again.
    pub fn unsuspend(&self) {
        self.update(|details| details.is_suspended = false);
    }

    /// Deletes the person; webhooks are told `user.deleted`. Returns `false` when they were deleted before.
    ///
    /// Tokens can still be minted, as somebody who was deleted may still hold some.
    /// [`Environment::person`](crate::Environment::person) creates them again, with the same id.
    pub fn delete(&self) -> bool {
        let is_deleted = self.change(|directory, id, _| directory.delete_person(id));
        self.provider().sessions.lock().sign_off_everywhere(self.id());
        is_deleted
    }

    /// Adds the person to an organization, found or created by handle or org code.
    pub fn add_to_org(&self, organization: &str) {
        self.change_membership(organization, |_| {});
    }

    /// Removes the person from an organization, with all they may do there.
    pub fn remove_from_org(&self, organization: &str) {
        self.change(|directory, id, now| {
            let Some(code) = directory.organization_named(organization).map(|known| known.code.clone())
            else {
                return;
            };
            directory.update_person(id, now, |person| {
                person.memberships.retain(|membership| membership.org_code != code);
            });
        });
    }

    /// Gives the person a role in an organization; both are found or created, and the person joins first.
    pub fn add_role(&self, organization: &str, key: &str) {
        self.provider().change(API, |directory| directory.find_or_create_role(key));
        self.change_membership(organization, |membership| add(&mut membership.roles, key));
    }

    /// Takes a role from the person.
    pub fn remove_role(&self, organization: &str, key: &str) {
        self.change_membership(organization, |membership| membership.roles.retain(|held| held != key));
    }

    /// Gives the person a permission in an organization; both are found or created, and the person joins first.
    pub fn add_permission(&self, organization: &str, key: &str) {
        self.provider().change(API, |directory| directory.find_or_create_permission(key));
        self.change_membership(organization, |membership| add(&mut membership.permissions, key));
    }

    /// Takes a permission from the person; one that comes with a role stays.
    pub fn remove_permission(&self, organization: &str, key: &str) {
        self.change_membership(organization, |membership| membership.permissions.retain(|held| held != key));
    }

    /// Changes what the environment stores; webhooks are told `user.updated` if anything changed.
    pub(crate) fn change_record(&self, change: impl FnOnce(&mut PersonRecord)) {
        self.change(|directory, id, now| directory.update_person(id, now, change));
    }

    fn change_membership(&self, organization: &str, change: impl FnOnce(&mut Membership)) {
        self.change(|directory, id, now| {
            let code = directory.find_or_create_organization(organization);
            directory.update_membership(id, &code, now, change);
        });
    }

    fn change<R>(&self, change: impl FnOnce(&mut Directory, &str, u64) -> R) -> R {
        let now = self.provider().clock.now();
        self.provider().change(API, |directory| change(directory, self.id(), now))
    }
}

impl PersonDetails {
    fn of(person: &PersonRecord) -> Self {
        Self {
            email: person.email.clone(),
            given_name: person.given_name.clone(),
            family_name: person.family_name.clone(),
            picture: person.picture.clone(),
            username: person.username.clone(),
            phone: person.phone.clone(),
            is_suspended: person.is_suspended,
            is_password_reset_requested: person.is_password_reset_requested,
        }
    }

    fn store(self, before: &Self, person: &mut PersonRecord) {
        store(&mut person.email, &before.email, self.email);
        store(&mut person.given_name, &before.given_name, self.given_name);
        store(&mut person.family_name, &before.family_name, self.family_name);
        store(&mut person.picture, &before.picture, self.picture);
        store(&mut person.username, &before.username, self.username);
        store(&mut person.phone, &before.phone, self.phone);
        store(&mut person.is_suspended, &before.is_suspended, self.is_suspended);
        let is_reset = &mut person.is_password_reset_requested;
        store(is_reset, &before.is_password_reset_requested, self.is_password_reset_requested);
    }
}

fn add(held: &mut Vec<String>, key: &str) {
    if !held.iter().any(|known| known == key) {
        held.push(key.to_owned());
    }
}
