//! Events about people.

use serde_json::{Map, Value};

use super::object::{filled, object};

/// Somebody was added. A bulk import sends no such event.
#[derive(Clone, PartialEq)]
pub struct UserCreated {
    /// Who.
    pub user: User,
    others: Map<String, Value>,
}

/// Something about a person changed, which may be their organizations and what they may do there.
#[derive(Clone, PartialEq)]
pub struct UserUpdated {
    /// The person as they are now.
    pub user: User,
    others: Map<String, Value>,
}

/// A person was deleted.
#[derive(Clone, PartialEq)]
pub struct UserDeleted {
    /// Who.
    pub user: UserReference,
    others: Map<String, Value>,
}

/// Somebody signed in; from which address says [`Event::ip_address`](crate::Event::ip_address).
#[derive(Clone, PartialEq)]
pub struct UserAuthenticated {
    /// Who.
    pub user: UserReference,
    others: Map<String, Value>,
}

/// Somebody tried to sign in and could not; from which address says
/// [`Event::ip_address`](crate::Event::ip_address).
#[derive(Clone, PartialEq)]
pub struct UserAuthenticationFailed {
    /// Whom the attempt was about, if the event says.
    pub user: Option<AttemptedUser>,
    others: Map<String, Value>,
}

impl UserAuthenticationFailed {
    /// Gives Kinde's id of the person; `None` when the event names nobody, as may be for an unknown one.
    pub fn user_id(&self) -> Option<&str> {
        self.user.as_ref().and_then(AttemptedUser::id)
    }
}

/// A person, as Kinde tells of them when they are created or changed.
#[derive(Clone, PartialEq)]
pub struct User {
    id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    username: Option<String>,
    phone: Option<String>,
    image_url: Option<String>,
    is_suspended: Option<bool>,
    is_password_reset_requested: Option<bool>,
    organizations: Option<Vec<UserOrganization>>,
    others: Map<String, Value>,
}

impl User {
    /// Gives Kinde's id, such as `kp_0f4b…`: the subject of the person's tokens.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Gives the e-mail address; `None` for who signs in by phone or username.
    pub fn email(&self) -> Option<&str> {
        filled(self.email.as_deref())
    }

    /// Gives the first name.
    pub fn first_name(&self) -> Option<&str> {
        filled(self.first_name.as_deref())
    }

    /// Gives the last name.
    pub fn last_name(&self) -> Option<&str> {
        filled(self.last_name.as_deref())
    }

    /// Gives the username.
    pub fn username(&self) -> Option<&str> {
        filled(self.username.as_deref())
    }

    /// Gives the phone number.
    pub fn phone(&self) -> Option<&str> {
        filled(self.phone.as_deref())
    }

    /// Gives the address of a picture. Most events have none.
    pub fn image_url(&self) -> Option<&str> {
        filled(self.image_url.as_deref())
    }

    /// Tells whether the person may not sign in; `None` when the event does not say.
    pub fn is_suspended(&self) -> Option<bool> {
        self.is_suspended
    }

    /// Tells whether the person must choose a new password; `None` when the event does not say.
    pub fn is_password_reset_requested(&self) -> Option<bool> {
        self.is_password_reset_requested
    }

    /// Gives the organizations that the person is in; `None` when the event does not say, which is not the same as an
    /// empty list.
    ///
    /// No event tells of a membership alone: one that begins or ends changes this list of `user.updated`.
    pub fn organizations(&self) -> Option<&[UserOrganization]> {
        self.organizations.as_deref()
    }
}

/// An organization that a person is in, and what they may do there.
#[derive(Clone, PartialEq)]
pub struct UserOrganization {
    code: String,
    roles: Option<Vec<Grant>>,
    permissions: Option<Vec<Grant>>,
    others: Map<String, Value>,
}

impl UserOrganization {
    /// Gives the org code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Gives the roles; Kinde writes `null` for none.
    pub fn roles(&self) -> &[Grant] {
        self.roles.as_deref().unwrap_or_default()
    }

    /// Gives the permissions; Kinde writes `null` for none.
    pub fn permissions(&self) -> &[Grant] {
        self.permissions.as_deref().unwrap_or_default()
    }
}

/// A role or a permission that a person has in an organization.
///
/// In an access token a permission is its key alone.
#[derive(Clone, PartialEq)]
pub struct Grant {
    id: String,
    key: Option<String>,
    others: Map<String, Value>,
}

impl Grant {
    /// Gives Kinde's id of the role or permission.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Gives the key, the stable word that code compares.
    pub fn key(&self) -> Option<&str> {
        filled(self.key.as_deref())
    }
}

/// A person of whom only the id is told.
#[derive(Clone, PartialEq)]
pub struct UserReference {
    id: String,
    others: Map<String, Value>,
}

impl UserReference {
    /// Gives Kinde's id, such as `kp_0f4b…`: the subject of the person's tokens.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A person whom an attempt to sign in was about, who need not exist.
#[derive(Clone, PartialEq)]
pub struct AttemptedUser {
    id: Option<String>,
    others: Map<String, Value>,
}

impl AttemptedUser {
    /// Gives Kinde's id; `None` when the event names nobody, as may be for an unknown one.
    pub fn id(&self) -> Option<&str> {
        filled(self.id.as_deref())
    }
}

object!(UserCreated shows user; user: required);
object!(UserUpdated shows user; user: required);
object!(UserDeleted shows user; user: required);
object!(UserAuthenticated shows user; user: required);
object!(UserAuthenticationFailed shows user; user: optional);
object!(
    User shows id;
    id: id,
    email: text,
    first_name: text,
    last_name: text,
    username: text,
    phone: text,
    image_url: text,
    is_suspended: flag,
    is_password_reset_requested: flag,
    organizations: list,
);
object!(UserOrganization shows code; code: id, roles: list, permissions: list);
object!(Grant shows id, key; id: id, key: text);
object!(UserReference shows id; id: id);
object!(AttemptedUser shows id; id: optional_id);
