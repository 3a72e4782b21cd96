//! The event about people who ask to be let in.

use serde_json::{Map, Value};

use super::object::{filled, object};

/// Somebody asked for access.
#[derive(Clone, PartialEq)]
pub struct AccessRequestCreated {
    /// Who.
    pub access_request: AccessRequest,
    others: Map<String, Value>,
}

/// A request for access. It has no id of its own.
#[derive(Clone, PartialEq)]
pub struct AccessRequest {
    user_id: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    others: Map<String, Value>,
}

impl AccessRequest {
    /// Gives Kinde's id of the person.
    pub fn user_id(&self) -> Option<&str> {
        filled(self.user_id.as_deref())
    }

    /// Gives the e-mail address.
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
}

object!(AccessRequestCreated shows access_request; access_request: required);
object!(AccessRequest shows user_id; user_id: optional_id, email: text, first_name: text, last_name: text);
