//! Feature flags, properties and plans of a seed.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    directory::Directory,
    entitlement::Entitlement,
    feature_flag::{FeatureFlagLevel, FeatureFlagType, FlagRecord},
    plan::PlanRecord,
    property::{PropertyContext, PropertyRecord},
};

/// A feature flag with more to it than `[flags]` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedFlag {
    key: String,
    name: Option<String>,
    #[serde(default)]
    description: String,
    /// The default value; its type is the flag's unless that is `json`.
    default: Value,
    #[serde(default)]
    json: bool,
    /// What overrides the default in the whole environment.
    value: Option<Value>,
    #[serde(default)]
    override_level: SeedLevel,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SeedLevel {
    Environment,
    Organization,
    #[default]
    Person,
}

impl SeedFlag {
    pub(super) fn plant(&self, directory: &mut Directory) {
        let mut flag = FlagRecord::invent(&self.key, self.default.clone());
        if let Some(name) = &self.name {
            flag.details.name.clone_from(name);
        }
        flag.details.description.clone_from(&self.description);
        if self.json {
            flag.details.flag_type = FeatureFlagType::Json;
        }
        flag.details.override_level = match self.override_level {
            SeedLevel::Environment => FeatureFlagLevel::Environment,
            SeedLevel::Organization => FeatureFlagLevel::Organization,
            SeedLevel::Person => FeatureFlagLevel::Person,
        };
        flag.environment_value.clone_from(&self.value);
        directory.flags.insert(self.key.clone(), flag);
    }
}

/// A property, whoever has values of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedProperty {
    key: String,
    name: Option<String>,
    #[serde(default)]
    description: String,
    context: Option<SeedContext>,
    #[serde(default)]
    private: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SeedContext {
    Person,
    Organization,
    Application,
}

impl SeedProperty {
    pub(super) fn plant(&self, directory: &mut Directory) {
        let context = match self.context {
            None => PropertyContext::of_key(&self.key),
            Some(SeedContext::Person) => PropertyContext::Person,
            Some(SeedContext::Organization) => PropertyContext::Organization,
            Some(SeedContext::Application) => PropertyContext::Application,
        };
        let mut property = PropertyRecord::invent(&self.key, context);
        if let Some(name) = &self.name {
            property.details.name.clone_from(name);
        }
        property.details.description.clone_from(&self.description);
        property.details.is_private = self.private;
        directory.properties.insert(self.key.clone(), property);
    }
}

/// A billing plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedPlan {
    key: String,
    name: Option<String>,
    #[serde(default)]
    entitlements: Vec<SeedEntitlement>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedEntitlement {
    feature: String,
    feature_name: Option<String>,
    price_name: Option<String>,
    fixed_charge: Option<i64>,
    unit_amount: Option<i64>,
    maximum: Option<i64>,
    minimum: Option<i64>,
}

impl SeedPlan {
    pub(super) fn plant(&self, directory: &mut Directory) {
        let mut plan = PlanRecord::invent(&self.key);
        if let Some(name) = &self.name {
            plan.details.name.clone_from(name);
        }
        for entitlement in &self.entitlements {
            plan.entitle(entitlement.record());
        }
        directory.plans.insert(self.key.clone(), plan);
    }
}

impl SeedEntitlement {
    fn record(&self) -> Entitlement {
        let mut entitlement = Entitlement::new(&self.feature);
        if let Some(name) = &self.feature_name {
            entitlement.feature_name.clone_from(name);
        }
        if let Some(name) = &self.price_name {
            entitlement.price_name.clone_from(name);
        }
        entitlement.fixed_charge = self.fixed_charge;
        entitlement.unit_amount = self.unit_amount;
        entitlement.maximum = self.maximum;
        entitlement.minimum = self.minimum;
        entitlement
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::seed::Seed;

    fn planted(text: &str) -> Directory {
        let mut directory = Directory::default();
        Seed::from_toml(text).unwrap().plant(&mut directory, 7);
        directory
    }

    #[test]
    fn flag_in_a_seed_is_short_or_long() {
        let directory = planted(
            r#"
            [flags]
            beta = false

            [[feature_flags]]
            key = "limits"
            name = "Limits of use"
            default = true
            json = true
            value = { daily = 100 }
            override_level = "organization"
            "#,
        );
        assert_eq!(directory.flags["beta"], FlagRecord::invent("beta", json!(false)));
        let limits = &directory.flags["limits"];
        assert_eq!(limits.details.name, "Limits of use");
        assert_eq!(limits.details.flag_type, FeatureFlagType::Json);
        assert_eq!(limits.details.override_level, FeatureFlagLevel::Organization);
        assert_eq!(limits.value(), &json!({ "daily": 100 }));
    }

    #[test]
    fn property_in_a_seed_is_known_by_its_values_too() {
        let directory = planted(
            r#"
            [[properties]]
            key = "badge"
            private = true

            [[organizations]]
            handle = "acme"
            properties = { city = "Ghent" }

            [[people]]
            name = "alice"
            properties = { badge = "17", shift = "night" }
            "#,
        );
        assert!(directory.is_private_property("badge"));
        assert_eq!(directory.properties["shift"].details.context, PropertyContext::Person);
        assert_eq!(directory.properties["city"].details.context, PropertyContext::Organization);
    }

    #[test]
    fn organization_in_a_seed_is_subscribed_to_plans() {
        let directory = planted(
            r#"
            [[plans]]
            key = "fleet"
            entitlements = [{ feature = "seats", unit_amount = 900, maximum = 25 }]

            [[organizations]]
            handle = "acme"
            plans = ["fleet"]
            "#,
        );
        let seats = Entitlement::new("seats").with_unit_amount(900).with_maximum(25);
        assert_eq!(directory.plans["fleet"].entitlements, [seats]);
        let acme = directory.organization_named("acme").unwrap();
        assert_eq!(acme.subscriptions[0].plan, "fleet");
        assert_eq!(acme.subscriptions[0].subscribed_on, 7);
    }

    #[test]
    fn subscription_to_a_plan_that_is_not_there_is_named() {
        let text = "[[organizations]]\nhandle = \"acme\"\nplans = [\"flete\"]\n";
        assert!(Seed::from_toml(text).unwrap_err().to_string().contains("flete"));
    }
}
