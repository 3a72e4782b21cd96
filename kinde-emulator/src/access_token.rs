//! The claims of a person's access token.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    claims::Claims,
    directory::{Directory, PersonRecord},
    draft::{Draft, Org},
    feature_flag::{FeatureFlagType, FlagRecord},
    identifiers,
};

/// The claims every kind of token but a webhook has.
pub(crate) struct Envelope {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) token_id: String,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
}

impl Envelope {
    /// Starts a claims set with the envelope in it.
    pub(crate) fn claims(&self) -> Claims {
        let mut claims = Claims::default();
        claims.set("azp", self.client_id.as_str());
        claims.set("exp", self.expires_at);
        claims.set("iat", self.issued_at);
        claims.set("iss", self.issuer.as_str());
        claims.set("jti", self.token_id.as_str());
        claims
    }
}

/// Writes the claims set of an access token for `person`.
pub(crate) fn claims(
    directory: &Directory,
    person: &PersonRecord,
    draft: &Draft,
    envelope: &Envelope,
) -> Claims {
    let mut claims = envelope.claims();
    claims.set("aud", draft.audiences.clone());
    claims.set("scp", draft.scopes.clone());
    claims.set("sub", person.id.as_str());

    let org_code = org_code(person, draft);
    let organization = org_code.and_then(|code| directory.organizations.get(code));
    let membership = org_code.and_then(|code| person.membership(code));

    let roles = union(membership.map(|membership| membership.roles.as_slice()), &draft.roles);
    let granted = union(membership.map(|membership| membership.permissions.as_slice()), &draft.permissions);
    let permissions = directory.held(&granted, &roles);
    // A session in an organization lists its permissions even when there are none.
    if org_code.is_some() || !permissions.is_empty() {
        claims.set("permissions", permissions);
    }
    claims.set_some("org_code", org_code);

    if !roles.is_empty() {
        claims.set("roles", roles.iter().map(|key| role(directory, key)).collect::<Vec<_>>());
    }

    // The nearer owner wins, as at Kinde: environment, organization, person.
    let mut flags = directory.flag_values(organization, Some(person));
    flags.extend(draft.flags.clone());
    claims.set_some("feature_flags", present(feature_flags(&directory.flags, &flags)));

    let mut user_properties = person.properties.clone();
    user_properties.retain(|key, _| !directory.is_private_property(key));
    user_properties.extend(draft.user_properties.clone());
    claims.set_some("user_properties", present(properties(&user_properties)));

    let mut organization_properties =
        organization.map(|organization| organization.properties.clone()).unwrap_or_default();
    organization_properties.retain(|key, _| !directory.is_private_property(key));
    organization_properties.extend(draft.organization_properties.clone());
    claims.set_some("organization_properties", present(properties(&organization_properties)));

    if let Some(application) = directory.applications.get(&envelope.client_id) {
        application.customisation.apply_to_access(&mut claims, draft, person, organization);
    }
    draft.finish(&mut claims);
    claims
}

/// Returns the org code a token of this person is for.
pub(crate) fn org_code<'a>(person: &'a PersonRecord, draft: &'a Draft) -> Option<&'a str> {
    match &draft.org {
        Org::Usual => person.memberships.first().map(|membership| membership.org_code.as_str()),
        Org::Without => None,
        Org::Code(code) => Some(code),
    }
}

/// Writes flags as Kinde does: a letter for the type and the value.
pub(crate) fn feature_flags(
    known: &BTreeMap<String, FlagRecord>,
    flags: &BTreeMap<String, Value>,
) -> Map<String, Value> {
    let flag = |key: &String, value: &Value| {
        let flag_type = FeatureFlagType::of_value(value, known.get(key));
        json!({ "t": flag_type.letter(), "v": value })
    };
    flags.iter().map(|(key, value)| (key.clone(), flag(key, value))).collect()
}

/// Writes properties as Kinde does: an unset one (null here) is an empty object.
pub(crate) fn properties(properties: &BTreeMap<String, Value>) -> Map<String, Value> {
    let property = |value: &Value| if value.is_null() { json!({}) } else { json!({ "v": value }) };
    properties.iter().map(|(key, value)| (key.clone(), property(value))).collect()
}

fn role(directory: &Directory, key: &str) -> Value {
    let known = directory.roles.get(key);
    let name = known.map_or_else(|| identifiers::display_name(key), |role| role.details.name.clone());
    json!({ "id": directory.role_id(key), "key": key, "name": name })
}

fn union(stored: Option<&[String]>, asked: &[String]) -> Vec<String> {
    let mut all = stored.unwrap_or_default().to_vec();
    for item in asked {
        if !all.contains(item) {
            all.push(item.clone());
        }
    }
    all
}

fn present(members: Map<String, Value>) -> Option<Value> {
    (!members.is_empty()).then_some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            issuer: "https://larkspur-dev.kinde.com".to_owned(),
            client_id: "5e1c0b7a9d4f4c26b8f3a1720e6d9c45".to_owned(),
            token_id: identifiers::token_id(),
            issued_at: 1_790_000_000,
            expires_at: 1_790_086_400,
        }
    }

    fn draft() -> Draft {
        Draft::with_scopes(&["openid", "profile", "email", "offline"])
    }

    const MINIMAL: [&str; 8] = ["aud", "azp", "exp", "iat", "iss", "jti", "scp", "sub"];

    #[test]
    fn person_without_an_organization_gets_the_minimal_claims() {
        let person = PersonRecord::invent("mira", 0);
        let claims = claims(&Directory::default(), &person, &draft(), &envelope());
        assert_eq!(claims.names(), BTreeSet::from(MINIMAL));
        assert_eq!(claims.get("aud"), Some(&json!([])));
    }

    #[test]
    fn member_with_permissions_and_flags_gets_the_default_claims() {
        let person = PersonRecord::invent("mira", 0);
        let mut draft = draft();
        draft.org = Org::Code("org_7d21c9e04b6".to_owned());
        draft.permissions = vec!["read:tickets".to_owned()];
        draft.flags = BTreeMap::from([("compact_ui".to_owned(), json!(true))]);
        let claims = claims(&Directory::default(), &person, &draft, &envelope());
        let mut expected = BTreeSet::from(MINIMAL);
        expected.extend(["feature_flags", "org_code", "permissions"]);
        assert_eq!(claims.names(), expected);
        assert_eq!(claims.get("permissions"), Some(&json!(["read:tickets"])));
    }

    #[test]
    fn member_without_permissions_gets_an_empty_list() {
        let mut person = PersonRecord::invent("mira", 0);
        person.membership_mut("org_1").unwrap();
        let claims = claims(&Directory::default(), &person, &draft(), &envelope());
        assert_eq!(claims.get("org_code"), Some(&json!("org_1")));
        assert_eq!(claims.get("permissions"), Some(&json!([])));
    }

    #[test]
    fn every_kind_of_flag_has_its_letter() {
        let flags = BTreeMap::from([
            ("a".to_owned(), json!(true)),
            ("b".to_owned(), json!(25)),
            ("c".to_owned(), json!("teal")),
            ("d".to_owned(), json!({ "daily": 100 })),
        ]);
        let written = Value::Object(feature_flags(&BTreeMap::new(), &flags));
        assert_eq!(
            written,
            json!({ "a": { "t": "b", "v": true }, "b": { "t": "i", "v": 25 },
                    "c": { "t": "s", "v": "teal" }, "d": { "t": "j", "v": { "daily": 100 } } })
        );
    }

    #[test]
    fn unset_property_is_an_empty_object() {
        let written = properties(&BTreeMap::from([
            ("badge".to_owned(), Value::Null),
            ("shift".to_owned(), json!("night")),
        ]));
        assert_eq!(Value::Object(written), json!({ "badge": {}, "shift": { "v": "night" } }));
    }

    #[test]
    fn hasura_mapping_moves_the_organization_claims() {
        let person = PersonRecord::invent("mira", 0);
        let mut draft = draft();
        draft.org = Org::Code("org_1".to_owned());
        draft.hasura = true;
        let claims = claims(&Directory::default(), &person, &draft, &envelope());
        assert!(claims.get("org_code").is_none());
        assert_eq!(claims.get("x-hasura-org-code"), Some(&json!("org_1")));
    }
}
