//! The event about subscribers.

use serde_json::{Map, Value};

use super::object::{filled, object};

/// Somebody subscribed.
#[derive(Clone, PartialEq)]
pub struct SubscriberCreated {
    /// Who.
    pub subscriber: Subscriber,
    others: Map<String, Value>,
}

/// Somebody who subscribed.
#[derive(Clone, PartialEq)]
pub struct Subscriber {
    id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    user_id: Option<String>,
    others: Map<String, Value>,
}

impl Subscriber {
    /// Gives Kinde's id of the subscriber, such as `subscriber_0192…`.
    pub fn id(&self) -> &str {
        &self.id
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

    /// Gives Kinde's id of the person; `None` when the event names none.
    pub fn user_id(&self) -> Option<&str> {
        filled(self.user_id.as_deref())
    }
}

object!(SubscriberCreated shows subscriber; subscriber: required);
object!(
    Subscriber shows id;
    id: id,
    email: text,
    first_name: text,
    last_name: text,
    user_id: optional_id,
);
