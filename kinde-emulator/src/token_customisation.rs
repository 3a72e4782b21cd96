//! What an application's tokens say beyond, or short of, the usual: the claims it opted into, and those of a workflow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    claims::Claims,
    directory::{Directory, OrganizationRecord, PersonRecord},
    draft::Draft,
};

/// How an application's tokens are customised.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenCustomisation {
    /// The opt-in claims of the application; without a choice, roles and properties of whoever has any.
    pub(crate) opt_in: Option<BTreeSet<String>>,
    /// What a workflow adds to access tokens.
    pub(crate) access_token: BTreeMap<String, Value>,
    /// What a workflow adds to ID tokens.
    pub(crate) id_token: BTreeMap<String, Value>,
}

impl TokenCustomisation {
    /// Applies to an access token what it says about it. What a test asked for is there all the same.
    pub(crate) fn apply_to_access(
        &self,
        claims: &mut Claims,
        draft: &Draft,
        person: &PersonRecord,
        organization: Option<&OrganizationRecord>,
    ) {
        if let Some(opt_in) = &self.opt_in {
            let is_left_out = |claim: &&str| !opt_in.contains(*claim) && !draft.asks_for(claim);
            for claim in GIVEN_UNASKED.into_iter().filter(is_left_out) {
                claims.remove(claim);
            }
            if opt_in.contains("email") && !person.email.is_empty() {
                claims.set("email", person.email.as_str());
            }
            if opt_in.contains("org_name") {
                claims.set_some("org_name", organization.map(|organization| organization.name.as_str()));
            }
            if opt_in.contains("external_organization_id") {
                // The documentation's name; the Next.js SDK's types say `external_org_id`.
                let external_id = organization.and_then(|organization| organization.external_id.as_deref());
                claims.set_some("external_organization_id", external_id);
            }
        }
        set_all(claims, &self.access_token, &RESERVED_IN_ACCESS_TOKENS);
    }

    /// Applies to an ID token what it says about it.
    pub(crate) fn apply_to_id(&self, claims: &mut Claims, person: &PersonRecord, directory: &Directory) {
        if self.opt_in.as_ref().is_some_and(|opt_in| opt_in.contains("organizations")) {
            let memberships = person.memberships.iter();
            let known =
                memberships.filter_map(|membership| directory.organizations.get(&membership.org_code));
            let organizations: Vec<_> =
                known.map(|known| json!({ "id": known.code, "name": known.name })).collect();
            claims.set("organizations", organizations);
        }
        set_all(claims, &self.id_token, &RESERVED_IN_ID_TOKENS);
    }
}

/// A workflow cannot set a reserved claim; what it tries is left out.
fn set_all(claims: &mut Claims, wanted: &BTreeMap<String, Value>, reserved_too: &[&str]) {
    let is_free = |name: &str| !RESERVED.contains(&name) && !reserved_too.contains(&name);
    for (name, value) in wanted.iter().filter(|(name, _)| is_free(name)) {
        claims.set(name, value.clone());
    }
}

/// The claims that an application can opt into.
pub(crate) const OPT_IN: [&str; 7] = [
    "email",
    "external_organization_id",
    "org_name",
    "organization_properties",
    "organizations",
    "roles",
    "user_properties",
];

/// Those that are there without a choice.
const GIVEN_UNASKED: [&str; 3] = ["organization_properties", "roles", "user_properties"];

// The reserved names are those of Kinde's infrastructure package for workflows.
const RESERVED: [&str; 9] = ["azp", "exp", "iat", "iss", "nbf", "sid", "sub", "act", "aud"];
const RESERVED_IN_ACCESS_TOKENS: [&str; 2] = ["jti", "scp"];
const RESERVED_IN_ID_TOKENS: [&str; 4] = ["auth_time", "jti", "updated_at", "rat"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    async fn started(application: &str) -> crate::Environment {
        let seed = format!(
            "[[organizations]]\nhandle = \"acme\"\n[[people]]\nname = \"ada\"\nproperties = {{ badge = 1 }}\n\
             memberships = [{{ org = \"acme\", roles = [\"admin\"] }}]\n[[applications]]\nname = \"web\"\n{application}\n"
        );
        let builder = crate::Environment::builder().with_seed(Seed::from_toml(&seed).unwrap());
        let kinde = builder.start().await;
        kinde.set_time(1_000);
        kinde
    }

    fn read(token: &str) -> Value {
        let payload = crate::base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice(&payload).unwrap()
    }

    async fn claims(application: &str) -> (Value, Value) {
        let kinde = started(application).await;
        let ada = kinde.person("ada");
        (read(&ada.access_token()), read(&ada.id_token()))
    }

    #[tokio::test]
    async fn application_that_chose_gets_the_claims_it_chose() {
        let (usual, _) = claims("").await;
        assert!(usual.get("roles").is_some() && usual.get("email").is_none());
        let (access, id) = claims("opt_in_claims = [\"email\", \"org_name\", \"organizations\"]").await;
        assert_eq!((&access["email"], &access["org_name"]), (&json!("ada@example.test"), &json!("Acme")));
        assert!(access.get("roles").is_none() && access.get("user_properties").is_none());
        assert_eq!(id["organizations"], json!([{ "id": access["org_code"], "name": "Acme" }]));
    }

    #[tokio::test]
    async fn what_a_test_asked_for_is_there_whatever_the_application_chose() {
        let kinde = started("opt_in_claims = []").await;
        let token = kinde.person("ada").with_role("viewer").with_property("city", "Turin").access_token();
        let access = read(&token);
        let keys: Vec<_> = access["roles"].as_array().unwrap().iter().map(|role| &role["key"]).collect();
        assert_eq!(keys, ["admin", "viewer"]);
        assert_eq!(access["user_properties"]["city"], json!({ "v": "Turin" }));
    }

    #[tokio::test]
    async fn workflow_sets_any_claim_but_a_reserved_one() {
        let (access, id) = claims(
            "access_token_claims = { tier = 3, sub = \"mallory\", scp = [] }\nid_token_claims = { rat = 1, tier = 4 }",
        )
        .await;
        assert_eq!((&access["tier"], &id["tier"]), (&json!(3), &json!(4)));
        assert!(access["sub"] != "mallory" && access["scp"] != json!([]) && id["rat"] != json!(1));
    }

    #[tokio::test]
    async fn application_has_lifetimes_of_its_own() {
        let (access, id) = claims("tokens = { access_token_seconds = 60 }").await;
        let lifetime = |claims: &Value| claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!((lifetime(&access), lifetime(&id)), (60, 3_600));
    }
}
