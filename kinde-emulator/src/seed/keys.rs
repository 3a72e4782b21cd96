//! Every key of a seed: the one table behind the reader's checks and the JSON Schema.

use crate::token_customisation::OPT_IN;

use super::shape::{
    Key,
    Referent::{Organization, Permission, Plan, Role},
    Shape::{Anything, Boolean, Count, Integer, List, Map, Name, OneOf, Table, Text},
};

/// The keys at the top.
pub(super) const SEED: &[Key] = &[
    Key::optional("applications", List(&Table(APPLICATION)), "Applications that ask for tokens."),
    Key::optional("apis", List(&Table(API)), "APIs: audiences that may be asked for."),
    Key::optional("organizations", List(&Table(ORGANIZATION)), "Organizations."),
    Key::optional("people", List(&Table(PERSON)), "People who can sign in."),
    Key::optional("roles", List(&Table(ROLE)), "Roles; with none listed, those in use are made up."),
    Key::optional(
        "permissions",
        List(&Table(PERMISSION)),
        "Permissions; with none listed, those in use are made up.",
    ),
    Key::optional("invitations", List(&Table(INVITATION)), "Invitations to organizations."),
    Key::optional("webhooks", List(&Table(WEBHOOK)), "Endpoints that events are sent to."),
    Key::optional("flags", Map(&Anything), "Feature flags of the whole environment: their values by key."),
    Key::optional(
        "feature_flags",
        List(&Table(FEATURE_FLAG)),
        "Feature flags with more to them than a value.",
    ),
    Key::optional("properties", List(&Table(PROPERTY)), "Properties, whoever has values of them."),
    Key::optional("plans", List(&Table(PLAN)), "Billing plans."),
    Key::optional("tokens", Table(TOKENS), "How long what is issued stays good."),
    Key::optional(
        "random_seed",
        Count,
        "Codes, token ids and event ids follow from this number, and can be guessed; default: they are random.",
    ),
    Key::optional("time", Table(TIME), "The clock; without it, the system's."),
];

const APPLICATION: &[Key] = &[
    Key::required("name", Text, "The name; client id and secret follow from it."),
    Key::optional(
        "kind",
        OneOf(&["web", "public", "machine"]),
        "Default: web, with a server that keeps a secret.",
    ),
    Key::optional("client_id", Text, "The client id."),
    Key::optional(
        "client_secret",
        Text,
        "The client secret; the TypeScript SDK wants 40 to 60 letters and digits.",
    ),
    Key::optional("callbacks", List(&Text), "Allowed redirect URIs."),
    Key::optional("logout_urls", List(&Text), "Allowed URLs after logging out."),
    Key::optional("org", Name(Organization), "The organization a machine is scoped to, by handle or code."),
    Key::optional("hasura", Boolean, "Whether claims carry their x-hasura- names."),
    Key::optional(
        "organization_picker",
        Boolean,
        "Whether members of several organizations choose one; default false, the first.",
    ),
    Key::optional("asks_consent", Boolean, "Whether people are asked to allow access; default false."),
    Key::optional(
        "persistent_session",
        Boolean,
        "Whether the sign-on session outlives the browser; tokens say so in ksp.",
    ),
    Key::optional(
        "refresh_token_cookie",
        OneOf(&["shared", "application"]),
        "Keeps refresh tokens in a cookie of that name; default none.",
    ),
    Key::optional(
        "default_device_application",
        Boolean,
        "Whether a device that names no application is this one.",
    ),
    Key::optional(
        "plain_http_callbacks",
        Boolean,
        "Whether callbacks may be plain http to other computers, which Kinde refuses.",
    ),
    Key::optional("tokens", Table(APPLICATION_TOKENS), "How long its tokens live, if not as usual."),
    Key::optional(
        "opt_in_claims",
        List(&OneOf(&OPT_IN)),
        "The opt-in claims of its tokens; default: roles and properties of whoever has any.",
    ),
    Key::optional("access_token_claims", Map(&Anything), "What a token workflow adds to access tokens."),
    Key::optional("id_token_claims", Map(&Anything), "What a token workflow adds to ID tokens."),
];

const APPLICATION_TOKENS: &[Key] = &[
    Key::optional("access_token_seconds", Count, "Default: that of the environment."),
    Key::optional("id_token_seconds", Count, "Default: that of the environment."),
    Key::optional("refresh_token_seconds", Count, "Default: that of the environment."),
];

const API: &[Key] = &[
    Key::required("audience", Text, "The audience, usually a URL."),
    Key::optional("scopes", List(&Text), "The scopes that may be asked for; none listed means any."),
];

const ORGANIZATION: &[Key] = &[
    Key::required("handle", Text, "The handle; code and name follow from it."),
    Key::optional("code", Text, "The org code."),
    Key::optional("name", Text, "The name people see."),
    Key::optional("flags", Map(&Anything), "Feature flags of its members: their values by key."),
    Key::optional("properties", Map(&Anything), "Values of properties by key; null is unset."),
    Key::optional("plans", List(&Name(Plan)), "The plans it is subscribed to, by key."),
];

const PERSON: &[Key] = &[
    Key::required("name", Text, "A handle such as alice; id and e-mail address follow from it."),
    Key::optional("id", Text, "The id, the claim sub."),
    Key::optional("email", Text, "The e-mail address; default name@example.test."),
    Key::optional("given_name", Text, "The first name."),
    Key::optional("family_name", Text, "The last name."),
    Key::optional("picture", Text, "The URL of a picture."),
    Key::optional("username", Text, "The username."),
    Key::optional("phone", Text, "The phone number."),
    Key::optional("provided_id", Text, "Your own id for the person."),
    Key::optional("password", Text, "What they enter at the form."),
    Key::optional(
        "one_click",
        Boolean,
        "Whether the sign-in page offers them as one click; default: without a password.",
    ),
    Key::optional(
        "memberships",
        List(&Table(MEMBERSHIP)),
        "The organizations they belong to; the first is their usual one.",
    ),
    Key::optional("flags", Map(&Anything), "Feature flags of their own: their values by key."),
    Key::optional("properties", Map(&Anything), "Values of properties by key; null is unset."),
    Key::optional("plans", List(&Name(Plan)), "The plans they are subscribed to themselves, by key."),
];

const MEMBERSHIP: &[Key] = &[
    Key::required("org", Name(Organization), "The organization, by handle or code."),
    Key::optional("permissions", List(&Name(Permission)), "Permissions there, by key."),
    Key::optional("roles", List(&Name(Role)), "Roles there, by key."),
];

const INVITATION: &[Key] = &[
    Key::required("code", Text, "The invitation_code."),
    Key::required("email", Text, "The e-mail address that is invited."),
    Key::required("org", Name(Organization), "The organization, by handle or code."),
    Key::optional("permissions", List(&Name(Permission)), "Permissions there, by key."),
    Key::optional("roles", List(&Name(Role)), "Roles there, by key."),
];

const ROLE: &[Key] = &[
    Key::required("key", Text, "The key."),
    Key::optional("name", Text, "The name people see."),
    Key::optional("description", Text, "What it is for."),
    Key::optional("is_default", Boolean, "Whether new members get it."),
    Key::optional("permissions", List(&Name(Permission)), "What it allows, by key."),
];

const PERMISSION: &[Key] = &[
    Key::required("key", Text, "The key, such as create:todos."),
    Key::optional("name", Text, "The name people see."),
    Key::optional("description", Text, "What it allows."),
];

const WEBHOOK: &[Key] = &[
    Key::required("endpoint", Text, "A URL of plain http on this computer."),
    Key::optional("event_types", List(&Text), "The types it wants; none listed means all."),
    Key::optional("name", Text, "The name people see."),
    Key::optional("description", Text, "What it is for."),
];

const FEATURE_FLAG: &[Key] = &[
    Key::required("key", Text, "The key."),
    Key::optional("name", Text, "The name people see."),
    Key::optional("description", Text, "What it switches."),
    Key::required("default", Anything, "The default value; the type of the flag follows from it."),
    Key::optional("json", Boolean, "Whether it is a JSON flag, whatever its default looks like."),
    Key::optional("value", Anything, "What overrides the default in the whole environment."),
    Key::optional(
        "override_level",
        OneOf(&["environment", "organization", "person"]),
        "Who may have a value of their own; default: person.",
    ),
];

const PROPERTY: &[Key] = &[
    Key::required("key", Text, "The key."),
    Key::optional("name", Text, "The name people see."),
    Key::optional("description", Text, "What it says."),
    Key::optional("context", OneOf(&["person", "organization", "application"]), "What has values of it."),
    Key::optional("private", Boolean, "Whether it stays out of tokens."),
];

const PLAN: &[Key] = &[
    Key::required("key", Text, "The key."),
    Key::optional("name", Text, "The name people see."),
    Key::optional("entitlements", List(&Table(ENTITLEMENT)), "What subscribers get."),
];

const ENTITLEMENT: &[Key] = &[
    Key::required("feature", Text, "The key of the feature."),
    Key::optional("feature_name", Text, "The name of the feature."),
    Key::optional("price_name", Text, "The name of the price."),
    Key::optional("fixed_charge", Integer, "A fixed charge, in cents."),
    Key::optional("unit_amount", Integer, "The price of each unit, in cents."),
    Key::optional("maximum", Integer, "How many units at most."),
    Key::optional("minimum", Integer, "How many units at least."),
];

const TOKENS: &[Key] = &[
    Key::optional("access_token_seconds", Count, "Default: 86400, a day."),
    Key::optional("id_token_seconds", Count, "Default: 3600, an hour."),
    Key::optional("refresh_token_seconds", Count, "Default: 1296000, fifteen days."),
    Key::optional(
        "refresh_overlap_seconds",
        Count,
        "How long a rotated refresh token still works; default 10.",
    ),
    Key::optional(
        "keeps_access_token",
        Boolean,
        "Whether a refresh returns the same access token while it lasts.",
    ),
    Key::optional(
        "ends_reused_families",
        Boolean,
        "Whether a refresh token used twice ends those of the same sign-in; default true.",
    ),
];

const TIME: &[Key] =
    &[Key::required("unix_seconds", Count, "The clock stands at this time until a test moves it.")];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize as _;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::seed::{Seed, shape::Shape};

    fn sample(shape: &'static Shape) -> Value {
        match shape {
            Text | Name(_) => json!("x"),
            Count | Shape::Integer => json!(1),
            Boolean => json!(true),
            Anything => json!({ "any": [1] }),
            OneOf(choices) => json!(choices[0]),
            List(shape) => json!([sample(shape)]),
            Map(shape) => json!({ "x": sample(shape) }),
            Table(keys) => table(keys),
        }
    }

    fn table(keys: &'static [Key]) -> Value {
        keys.iter().map(|key| (key.name.to_owned(), sample(&key.shape))).collect::<Map<_, _>>().into()
    }

    /// Returns every table with the pointer (RFC 6901) to it in a sample of everything.
    fn tables(pointer: &str, shape: &'static Shape) -> Vec<(String, &'static [Key])> {
        match shape {
            List(shape) => tables(&format!("{pointer}/0"), shape),
            Map(shape) => tables(&format!("{pointer}/x"), shape),
            Table(keys) => {
                let below =
                    keys.iter().flat_map(|key| tables(&format!("{pointer}/{}", key.name), &key.shape));
                std::iter::once((pointer.to_owned(), *keys)).chain(below).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The names between backticks after the word "expected".
    fn expected(message: &str) -> BTreeSet<&str> {
        message.split_once("expected").unwrap().1.split('`').skip(1).step_by(2).collect()
    }

    #[test]
    fn table_and_reader_know_the_same_keys() {
        let everything = Table(SEED);
        assert!(Seed::deserialize(sample(Box::leak(Box::new(everything)))).is_ok());
        let found = tables("", &Table(SEED));
        for (pointer, keys) in found {
            let mut document = table(SEED);
            document.pointer_mut(&pointer).unwrap()["nobody_knows"] = json!(1);
            let message = Seed::deserialize(document).unwrap_err().to_string();
            let names: BTreeSet<_> = keys.iter().map(|key| key.name).collect();
            assert_eq!(expected(&message), names, "{pointer}: {message}");
        }
    }

    #[test]
    fn required_keys_are_those_the_reader_misses() {
        for (pointer, keys) in tables("", &Table(SEED)) {
            for key in keys {
                let mut document = table(SEED);
                let place = document.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
                place.remove(key.name);
                let is_missed = Seed::deserialize(document).is_err();
                assert_eq!(is_missed, key.is_required, "{pointer}/{}", key.name);
            }
        }
    }
}
