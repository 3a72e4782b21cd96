//! What a page's script wants to know of the session, in the shape of the Next.js SDK's second version.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{Question, me::profile};
use crate::{
    error::LoginError,
    navigation,
    session::{SessionUser, UserOrganization},
};

impl Question<'_> {
    /// Answers the claims of the session. The tokens themselves stay on the server, unless the application chose to
    /// give its pages the access token.
    pub(super) async fn setup(&self) -> Result<Response<Bytes>, LoginError> {
        let current = match self.current().await {
            Ok(current) => current,
            Err(absent) => return self.unauthorized(absent, "NOT_LOGGED_IN"),
        };
        let access = &current.access;
        let session = current.handle.current().loaded.session;
        let org_code = access.org_code().ok().flatten();
        let permissions: Vec<_> = access.permissions().map(|all| all.iter().collect()).unwrap_or_default();
        let claims: Map<String, Value> = access.custom().unwrap_or_default();
        let organizations = &session.user.organizations;
        let mut body = json!({
            "message": "OK",
            "needsRefresh": false,
            "accessToken": claims,
            "idToken": id_token(&session.user),
            "user": profile(&session.user),
            "permissions": { "permissions": permissions, "orgCode": org_code },
            "organization": org_code.map(|code| json!({
                "orgCode": code,
                "orgName": access.org_name().ok().flatten(),
                "properties": either(&claims, "organization_properties", "x-hasura-organization_properties"),
            })),
            "featureFlags": either(&claims, "feature_flags", "x-hasura-feature-flags"),
            "userOrganizations": {
                "orgCodes": organizations.iter().map(|one| &one.code).collect::<Vec<_>>(),
                "orgs": organizations.iter().map(|one| json!({ "code": one.code, "name": one.name })).collect::<Vec<_>>(),
            },
            "env": {
                "clientId": self.login.sessions.keeper.client.client_id(),
                "issuerUrl": self.login.sessions.keeper.client.endpoints().issuer().as_str(),
                "redirectUrl": self.login.application.redirect_uri,
            },
        });
        if self.login.exposes_access_token
            && navigation::is_of_this_origin(self.request.headers())
            && let Some(members) = body.as_object_mut()
        {
            let access_token = current.handle.access_token().await?;
            members.insert("accessTokenEncoded".to_owned(), access_token.expose().into());
            members.insert("accessTokenRaw".to_owned(), access_token.expose().into());
        }
        Ok(self.answer_of(&current, StatusCode::OK, &body))
    }
}

/// Gives a claim under the name that Kinde's Hasura mapping gives it where the plain one is absent.
fn either<'a>(claims: &'a Map<String, Value>, plain: &str, hasura: &str) -> Option<&'a Value> {
    claims.get(plain).filter(|value| !value.is_null()).or_else(|| claims.get(hasura))
}

/// Writes the claims of the ID token that a session keeps; of the others, most are for the verifier alone.
fn id_token(user: &SessionUser) -> Value {
    let named =
        |one: &UserOrganization| one.name.as_ref().map(|name| json!({ "id": one.code, "name": name }));
    let organizations: Option<Vec<_>> = user.organizations.iter().map(named).collect();
    let codes: Vec<_> = user.organizations.iter().map(|one| &one.code).collect();
    let claims = [
        ("sub", json!(user.id)),
        ("email", json!(user.email)),
        ("given_name", json!(user.given_name)),
        ("family_name", json!(user.family_name)),
        ("picture", json!(user.picture)),
        ("phone_number", json!(user.phone_number)),
        ("org_codes", json!(codes)),
        ("organizations", json!(organizations.filter(|all| !all.is_empty()))),
    ];
    let present = claims.into_iter().filter(|(_, value)| !value.is_null());
    present.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}
