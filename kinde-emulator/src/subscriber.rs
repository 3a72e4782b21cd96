//! Somebody who subscribed to news, a list that Kinde keeps beside its users.

use serde_json::{Value, json};

use crate::{
    directory::{Directory, Happening},
    identifiers,
};

/// A subscriber as the environment stores them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubscriberRecord {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
}

impl SubscriberRecord {
    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    fn data(&self) -> Value {
        json!({ "subscriber": {
            "email": self.email,
            "first_name": self.first_name,
            "id": self.id,
            "last_name": self.last_name,
            // Empty in Kinde's example as well.
            "user_id": "",
        } })
    }
}

impl Directory {
    /// Adds a subscriber and tells webhooks; returns the id. An address that is on the list already stays once.
    pub(crate) fn subscribe(&mut self, email: &str, first_name: &str, last_name: &str) -> String {
        let id = identifiers::subscriber_id(&email.to_ascii_lowercase());
        if !self.subscribers.contains_key(&id) {
            let subscriber = SubscriberRecord {
                id: id.clone(),
                email: email.to_owned(),
                first_name: first_name.to_owned(),
                last_name: last_name.to_owned(),
            };
            let data = subscriber.data();
            self.journal.push(Happening { event_type: "subscriber.created", data, ip_address: None });
            self.subscribers.insert(id.clone(), subscriber);
        }
        id
    }
}
