//! What a plan entitles its subscribers to.

use crate::identifiers;

/// What a [`Plan`](crate::Plan) entitles its subscribers to: a feature, how much of it, and its price.
///
/// ```
/// use kinde_emulator::Entitlement;
///
/// let seats = Entitlement::new("seats").with_price_name("Per seat").with_unit_amount(900).with_maximum(25);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Entitlement {
    pub(crate) feature_key: String,
    pub(crate) feature_name: String,
    pub(crate) price_name: String,
    pub(crate) fixed_charge: Option<i64>,
    pub(crate) unit_amount: Option<i64>,
    pub(crate) maximum: Option<i64>,
    pub(crate) minimum: Option<i64>,
}

impl Entitlement {
    /// Entitles to a feature without a price and without a limit.
    pub fn new(feature_key: impl Into<String>) -> Self {
        let feature_key = feature_key.into();
        let feature_name = identifiers::display_name(&feature_key);
        Self {
            feature_key,
            price_name: feature_name.clone(),
            feature_name,
            fixed_charge: None,
            unit_amount: None,
            maximum: None,
            minimum: None,
        }
    }

    /// Names the feature.
    ///
    /// Default: the key as a name.
    pub fn with_feature_name(mut self, name: impl Into<String>) -> Self {
        self.feature_name = name.into();
        self
    }

    /// Names the price.
    ///
    /// Default: the key as a name.
    pub fn with_price_name(mut self, name: impl Into<String>) -> Self {
        self.price_name = name.into();
        self
    }

    /// Sets what the feature costs however much of it is used, in cents or the like.
    ///
    /// Default: null, no such price.
    pub fn with_fixed_charge(mut self, amount: i64) -> Self {
        self.fixed_charge = Some(amount);
        self
    }

    /// Sets what one unit of the feature costs, in cents or the like.
    ///
    /// Default: null, no such price.
    pub fn with_unit_amount(mut self, amount: i64) -> Self {
        self.unit_amount = Some(amount);
        self
    }

    /// Sets how many units there are at most.
    ///
    /// Default: null, no limit; how Kinde writes that is not documented. Zero means none.
    pub fn with_maximum(mut self, units: i64) -> Self {
        self.maximum = Some(units);
        self
    }

    /// Sets how many units there are at least.
    ///
    /// Default: null, no limit.
    pub fn with_minimum(mut self, units: i64) -> Self {
        self.minimum = Some(units);
        self
    }

    /// Returns the id that this entitlement has in a plan.
    pub(crate) fn id(&self, plan: &str) -> String {
        identifiers::entitlement_id(plan, &self.feature_key)
    }
}
