//! Events about passkeys: raw, because their data is not documented.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::object::{BadMember, Object, filled};

/// Somebody added a passkey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct PasskeyAdded {
    /// What the event says.
    pub data: PasskeyData,
}

/// Somebody removed a passkey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct PasskeyRemoved {
    /// What the event says.
    pub data: PasskeyData,
}

/// The data of an event about a passkey: what came, and where the person most likely stands in it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasskeyData {
    members: Map<String, Value>,
}

impl PasskeyData {
    /// Gives `data` as it came.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Gives Kinde's id of the person if it is in `user.id`, where it is in the other events about people.
    pub fn user_id(&self) -> Option<&str> {
        filled(self.members.get("user")?.as_object()?.get("id")?.as_str())
    }
}

impl Object for PasskeyAdded {
    fn take(members: Map<String, Value>) -> Result<Self, BadMember> {
        Ok(Self { data: PasskeyData { members } })
    }
}

impl Object for PasskeyRemoved {
    fn take(members: Map<String, Value>) -> Result<Self, BadMember> {
        Ok(Self { data: PasskeyData { members } })
    }
}

/// Shows whose passkey it is.
impl fmt::Debug for PasskeyData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PasskeyData").field("user_id", &self.user_id()).finish_non_exhaustive()
    }
}
