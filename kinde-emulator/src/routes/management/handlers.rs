//! Which operations are emulated, and by what.

use super::{
    Handler, api_keys, apis, applications, environment, flags, identities, invitations, members,
    organizations, permissions, properties, redirects, roles, sessions, subscribers, users, webhooks,
};

/// Returns what carries out an operation; `None` when it is not emulated.
pub(super) fn of(operation_id: &str) -> Option<Handler> {
    HANDLERS.iter().find(|(id, _)| *id == operation_id).map(|(_, handler)| *handler)
}

/// The operations that are emulated, by the ids of the specification.
pub(super) const HANDLERS: &[(&str, Handler)] = &[
    ("getApiKeys", api_keys::list),
    ("createApiKey", api_keys::create),
    ("getApiKey", api_keys::get),
    ("deleteApiKey", api_keys::delete),
    ("rotateApiKey", api_keys::rotate),
    ("verifyApiKey", api_keys::verify),
    ("getAPIs", apis::list),
    ("addAPIs", apis::create),
    ("getAPI", apis::get),
    ("deleteAPI", apis::delete),
    ("getAPIScopes", apis::scopes),
    ("addAPIScope", apis::add_scope),
    ("getAPIScope", apis::scope),
    ("updateAPIScope", apis::update_scope),
    ("deleteAPIScope", apis::delete_scope),
    ("updateAPIApplications", apis::update_applications),
    ("addAPIApplicationScope", apis::add_application_scope),
    ("deleteAPIApplicationScope", apis::delete_application_scope),
    ("getApplications", applications::list),
    ("createApplication", applications::create),
    ("getApplication", applications::get),
    ("updateApplication", applications::update),
    ("deleteApplication", applications::delete),
    ("getApplicationPropertyValues", applications::properties),
    ("updateApplicationsProperty", applications::update_property),
    ("updateApplicationTokens", applications::update_tokens),
    ("getBusiness", environment::business),
    ("updateBusiness", environment::update_business),
    ("getCallbackURLs", redirects::callbacks),
    ("addRedirectCallbackURLs", redirects::add_callbacks),
    ("replaceRedirectCallbackURLs", redirects::replace_callbacks),
    ("deleteCallbackURLs", redirects::delete_callbacks),
    ("getLogoutURLs", redirects::logout_urls),
    ("addLogoutRedirectURLs", redirects::add_logout_urls),
    ("replaceLogoutRedirectURLs", redirects::replace_logout_urls),
    ("deleteLogoutURLs", redirects::delete_logout_urls),
    ("getEnvironment", environment::get),
    ("DeleteEnvironementFeatureFlagOverrides", flags::end_environment_overrides),
    ("GetEnvironementFeatureFlags", flags::of_environment),
    ("DeleteEnvironementFeatureFlagOverride", flags::end_environment_override),
    ("UpdateEnvironementFeatureFlagOverride", flags::override_environment),
    ("CreateFeatureFlag", flags::create),
    ("DeleteFeatureFlag", flags::delete),
    ("UpdateFeatureFlag", flags::update),
    ("GetIdentity", identities::get),
    ("UpdateIdentity", identities::update),
    ("DeleteIdentity", identities::delete),
    ("getOrganizationInvites", invitations::list),
    ("createOrganizationInvite", invitations::create),
    ("getOrganizationInvite", invitations::get),
    ("deleteOrganizationInvite", invitations::revoke),
    ("getOrganization", organizations::get),
    ("createOrganization", organizations::create),
    ("getOrganizations", organizations::list),
    ("updateOrganization", organizations::update),
    ("deleteOrganization", organizations::delete),
    ("DeleteOrganizationHandle", organizations::delete_handle),
    ("GetOrganizationUsers", members::list),
    ("AddOrganizationUsers", members::add),
    ("UpdateOrganizationUsers", members::update),
    ("RemoveOrganizationUser", members::remove),
    ("GetOrganizationUserRoles", members::roles_of),
    ("CreateOrganizationUserRole", members::add_role),
    ("DeleteOrganizationUserRole", members::remove_role),
    ("GetOrganizationRoleUsers", members::with_role),
    ("GetOrganizationRoleUsersCount", members::count_with_role),
    ("GetOrganizationUserPermissions", members::permissions_of),
    ("CreateOrganizationUserPermission", members::add_permission),
    ("DeleteOrganizationUserPermission", members::remove_permission),
    ("GetOrganizationFeatureFlags", flags::of_organization),
    ("DeleteOrganizationFeatureFlagOverrides", flags::end_organization_overrides),
    ("DeleteOrganizationFeatureFlagOverride", flags::end_organization_override),
    ("UpdateOrganizationFeatureFlagOverride", flags::override_organization),
    ("UpdateOrganizationProperty", properties::set_of_organization),
    ("GetOrganizationPropertyValues", properties::of_organization),
    ("UpdateOrganizationProperties", properties::set_all_of_organization),
    ("GetPermissions", permissions::list),
    ("CreatePermission", permissions::create),
    ("UpdatePermissions", permissions::update),
    ("DeletePermission", permissions::delete),
    ("GetProperties", properties::list),
    ("CreateProperty", properties::create),
    ("UpdateProperty", properties::update),
    ("DeleteProperty", properties::delete),
    ("GetCategories", properties::categories),
    ("CreateCategory", properties::create_category),
    ("UpdateCategory", properties::update_category),
    ("GetRoles", roles::list),
    ("CreateRole", roles::create),
    ("GetRole", roles::get),
    ("UpdateRoles", roles::update),
    ("DeleteRole", roles::delete),
    ("GetRoleScopes", roles::scopes),
    ("AddRoleScope", roles::add_scope),
    ("DeleteRoleScope", roles::remove_scope),
    ("GetRolePermissions", roles::permissions_of),
    ("UpdateRolePermissions", roles::update_permissions),
    ("RemoveRolePermission", roles::remove_permission),
    ("GetRoleUsers", roles::users),
    ("searchUsers", users::search),
    ("GetSubscribers", subscribers::list),
    ("CreateSubscriber", subscribers::create),
    ("GetSubscriber", subscribers::get),
    ("getUsers", users::list),
    ("refreshUserClaims", users::refresh_claims),
    ("getUserData", users::get),
    ("createUser", users::create),
    ("updateUser", users::update),
    ("deleteUser", users::delete),
    ("UpdateUserFeatureFlagOverride", flags::override_user),
    ("UpdateUserProperty", properties::set_of_user),
    ("GetUserPropertyValues", properties::of_user),
    ("UpdateUserProperties", properties::set_all_of_user),
    ("GetUserIdentities", identities::of_user),
    ("CreateUserIdentity", identities::create),
    ("GetUserSessions", sessions::list),
    ("DeleteUserSessions", sessions::end),
    ("GetEvent", webhooks::event),
    ("GetEventTypes", webhooks::types),
    ("DeleteWebHook", webhooks::delete),
    ("UpdateWebHook", webhooks::update),
    ("GetWebHooks", webhooks::list),
    ("CreateWebHook", webhooks::create),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use reqwest::{Client, Method, StatusCode};
    use serde_json::Value;

    use super::*;
    use crate::{
        environment::Environment,
        routes::management::operations::{OPERATIONS, Operation},
    };

    /// Calls an operation with words for parameters and scopes; returns the status and the error.
    async fn called(
        kinde: &Environment,
        client: &Client,
        operation: &Operation,
        scopes: &[&str],
    ) -> (StatusCode, Value) {
        let machine = kinde.machine("manager").with_audience(format!("{}/api", kinde.issuer()));
        let machine = scopes.iter().fold(machine, |machine, scope| machine.with_scope(*scope));
        let path = operation.template().replace(['{', '}'], "");
        let method = Method::from_bytes(operation.method().as_bytes()).unwrap();
        let request = client.request(method, format!("{}/api/v1/{path}", kinde.url()));
        let answer = request.bearer_auth(machine.access_token()).send().await.unwrap();
        let status = answer.status();
        (status, answer.json::<Value>().await.unwrap()["errors"][0].clone())
    }

    #[tokio::test]
    async fn every_operation_takes_its_scope_and_no_other() {
        let kinde = Environment::start().await;
        let client = Client::builder().no_proxy().build().unwrap();
        let all = super::super::scopes();
        for operation in OPERATIONS.iter().filter(|operation| !operation.scope.is_empty()) {
            let id = operation.id;
            let others: Vec<_> = all.iter().copied().filter(|scope| *scope != operation.scope).collect();
            let (status, error) = called(&kinde, &client, operation, &others).await;
            assert_eq!(
                (status, &error["code"]),
                (StatusCode::FORBIDDEN, &"INVALID_CREDENTIALS".into()),
                "{id}"
            );
            let message = error["message"].as_str().unwrap();
            assert!(message.ends_with(&format!("the scope {}", operation.scope)), "{id}: {message}");
            let (status, error) = called(&kinde, &client, operation, &[operation.scope]).await;
            if of(id).is_some() {
                let is_answered = status.is_success() || [400, 404].contains(&status.as_u16());
                assert!(is_answered, "{id}: {status} {error}");
                assert_ne!(error["code"], "ROUTE_NOT_FOUND", "{id}");
            } else {
                assert_eq!(
                    (status, &error["code"]),
                    (StatusCode::NOT_IMPLEMENTED, &"NOT_EMULATED".into()),
                    "{id}"
                );
                assert!(error["message"].as_str().unwrap().contains(id), "{error}");
            }
        }
    }

    #[test]
    fn every_handler_is_that_of_an_operation() {
        let known: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
        let handled: BTreeSet<_> = HANDLERS.iter().map(|(id, _)| *id).collect();
        assert_eq!(handled.len(), HANDLERS.len());
        let strangers: Vec<_> = handled.difference(&known).collect();
        assert!(strangers.is_empty(), "{strangers:?}");
    }

    #[test]
    fn documentation_says_how_many_operations_are_emulated_and_which_are_not() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/emulator.md");
        let text = std::fs::read_to_string(path).unwrap();
        let figure = format!("{} of {} operations", HANDLERS.len(), OPERATIONS.len());
        assert!(text.contains(&figure), "docs/emulator.md does not say \"{figure}\"");
        let section = text.split("## Management API").nth(1).unwrap().split("\n## ").next().unwrap();
        let unlisted = OPERATIONS.iter().filter(|operation| of(operation.id).is_none());
        let unlisted: Vec<_> = unlisted
            .map(|operation| operation.id)
            .filter(|id| !section.contains(&format!("`{id}`")))
            .collect();
        assert!(unlisted.is_empty(), "docs/emulator.md does not list {unlisted:?}");
    }
}
