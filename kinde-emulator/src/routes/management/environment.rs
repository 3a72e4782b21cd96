//! The environment, and the business it is of.

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, done, success},
    call::Call,
    failure::Failure,
};

pub(super) fn get(call: &Call<'_>) -> Answer {
    let issuer = call.provider.issuer.as_str();
    let domain = issuer.split_once("://").map_or(issuer, |(_, domain)| domain);
    let mut environment = Map::from_iter(NOTHING.map(|name| (name.to_owned(), Value::Null)));
    let facts = json!({
        "code": "emulator",
        "name": "kinde-emulator",
        "is_default": true,
        "is_live": false,
        "kinde_domain": domain,
    });
    if let Value::Object(facts) = facts {
        environment.extend(facts);
    }
    success(json!({ "environment": environment }))
}

pub(super) fn business(call: &Call<'_>) -> Answer {
    let mut business = Map::from_iter(TEXTS.map(|(_, told)| (told.to_owned(), Value::Null)));
    let facts = json!({
        "code": "bus_emulator",
        "name": "kinde-emulator",
        "has_clickwrap": false,
        "has_kinde_branding": true,
    });
    if let Value::Object(facts) = facts {
        business.extend(facts);
    }
    business.extend(call.provider.directory.lock().business.clone());
    success(json!({ "business": business }))
}

/// Changes what is told about the business; nothing else follows from it here.
pub(super) fn update_business(call: &Call<'_>) -> Answer {
    let mut after = Map::new();
    if call.mentions("business_name") {
        after.insert("name".to_owned(), call.required("business_name")?.into());
    }
    for (asked, told) in TEXTS.into_iter().filter(|(asked, _)| call.mentions(asked)) {
        after.insert(told.to_owned(), call.text(asked)?.into());
    }
    for (asked, told) in SWITCHES {
        if let Some(value) = call.boolean(asked)? {
            after.insert(told.to_owned(), value.into());
        }
    }
    if after.is_empty() {
        return Err(Failure::invalid("NO_FIELDS_TO_UPDATE", "The body says nothing to change"));
    }
    call.change(|directory| directory.business.extend(after));
    done()
}

/// What the environment has no value of.
const NOTHING: [&str; 9] = [
    "hotjar_site_id",
    "google_analytics_tag",
    "contentsquare_tag_id",
    "custom_domain",
    "logo",
    "logo_dark",
    "favicon_svg",
    "favicon_fallback",
    "created_on",
];

/// How a change calls a text and how the business is told it.
const TEXTS: [(&str, &str); 6] = [
    ("phone", "phone"),
    ("email", "email"),
    ("industry_key", "industry"),
    ("timezone_key", "timezone"),
    ("privacy_url", "privacy_url"),
    ("terms_url", "terms_url"),
];

const SWITCHES: [(&str, &str); 2] =
    [("is_click_wrap", "has_clickwrap"), ("is_show_kinde_branding", "has_kinde_branding")];
