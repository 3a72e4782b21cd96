//! Who is signed in, as the verified ID token of the sign-in says.

use kinde_core::{AccessToken, IdToken};
use serde::{Deserialize, Serialize};

/// Who is signed in: the profile of the session's verified ID token.
///
/// It is what Kinde said at sign-in or at the last refresh. That the ID token itself expires signs nobody out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionUser {
    /// The person's id, equal to the access token's `sub`.
    #[serde(rename = "i")]
    pub id: String,
    /// The e-mail address.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The given name.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The family name.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The URL of a picture.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The phone number.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The person's organizations, for a switcher: those that the ID token lists.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<UserOrganization>,
}

/// An organization that a person belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserOrganization {
    /// The org code.
    #[serde(rename = "c")]
    pub code: String,
    /// The name people see. Kinde tells it only where the application's token customisation asks for `organizations`.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl SessionUser {
    /// Reads the profile. A claim of another shape than Kinde's is left out: no profile is worth a refused sign-in.
    pub(crate) fn of(token: &IdToken) -> Self {
        let text = |name: &str| token.claim::<String>(name).ok().flatten().filter(|text| !text.is_empty());
        Self {
            id: token.id().to_owned(),
            email: text("email"),
            given_name: text("given_name"),
            family_name: text("family_name"),
            picture: text("picture"),
            phone_number: text("phone_number"),
            organizations: organizations(token),
        }
    }

    /// Gives given name and family name, whichever there are.
    pub fn full_name(&self) -> Option<String> {
        let names: Vec<_> =
            [&self.given_name, &self.family_name].into_iter().flatten().map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }
}

impl UserOrganization {
    /// Reads the organizations that an access token lists. Kinde itself writes them into ID tokens only; a token workflow
    /// can write the claim `organizations` or `org_codes` into access tokens, too. Otherwise there are none.
    pub fn of_access_token(token: &AccessToken) -> Vec<Self> {
        let named = |name: &str| token.claim::<Vec<Named>>(name).ok().flatten();
        Self::listed(named, |name| token.claim::<Vec<String>>(name).ok().flatten())
    }

    /// With Kinde's Hasura mapping the claims have other names; a plain one goes first, as everywhere.
    fn listed(
        named: impl Fn(&str) -> Option<Vec<Named>>,
        codes: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Vec<Self> {
        match named("organizations").or_else(|| named("x-hasura-organizations")) {
            Some(named) => named.into_iter().map(|Named { id, name }| Self { code: id, name }).collect(),
            None => {
                let codes = codes("org_codes").or_else(|| codes("x-hasura-org-codes")).unwrap_or_default();
                codes.into_iter().map(|code| Self { code, name: None }).collect()
            }
        }
    }
}

fn organizations(token: &IdToken) -> Vec<UserOrganization> {
    let named = |name: &str| token.claim::<Vec<Named>>(name).ok().flatten();
    UserOrganization::listed(named, |name| token.claim::<Vec<String>>(name).ok().flatten())
}

/// An entry of the claim `organizations`.
#[derive(Deserialize)]
struct Named {
    id: String,
    name: Option<String>,
}
