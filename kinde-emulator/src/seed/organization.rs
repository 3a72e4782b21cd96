//! Organizations of a seed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{directory::OrganizationRecord, plan};

/// An organization; what is left out follows from its handle.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedOrganization {
    handle: String,
    code: Option<String>,
    name: Option<String>,
    #[serde(default)]
    flags: BTreeMap<String, Value>,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
    /// Keys of the plans it is subscribed to.
    #[serde(default)]
    plans: Vec<String>,
}

impl SeedOrganization {
    pub(super) fn record(&self, now: u64) -> OrganizationRecord {
        let mut organization = OrganizationRecord::invent(&self.handle);
        for plan in &self.plans {
            plan::subscribe(&mut organization.subscriptions, plan, now);
        }
        if let Some(code) = &self.code {
            organization.code.clone_from(code);
        }
        if let Some(name) = &self.name {
            organization.name.clone_from(name);
        }
        organization.flags.clone_from(&self.flags);
        organization.properties.clone_from(&self.properties);
        organization
    }
}
