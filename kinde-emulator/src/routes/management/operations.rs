//! The operations of Kinde's Management API v1: every one of its published specification, emulated or not.

use std::collections::BTreeSet;

use http::Method;

/// One operation, as the specification names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The verb and the path template below `/api/v1/`.
    route: &'static str,
    /// The specification's `operationId`.
    pub(crate) id: &'static str,
    /// The scope a token needs; empty where the specification states none.
    pub(crate) scope: &'static str,
    /// The status of success.
    pub(crate) success: u16,
    /// Whether the specification lists 404; where it does not, something unknown is a 400, as in its examples
    /// (`APPLICATION_NOT_FOUND`).
    pub(crate) is_unknown_not_found: bool,
}

impl Operation {
    pub(crate) fn method(&self) -> &'static str {
        self.route.split_once(' ').map_or("", |(method, _)| method)
    }

    /// The path template below `/api/v1/`.
    pub(crate) fn template(&self) -> &'static str {
        self.route.split_once(' ').map_or("", |(_, template)| template)
    }

    /// Returns the values of the template's parameters when the template fits the segments of a path.
    pub(super) fn parameters(&self, segments: &[String]) -> Option<Vec<(&'static str, String)>> {
        let template: Vec<_> = self.template().split('/').collect();
        if template.len() != segments.len() {
            return None;
        }
        let mut parameters = Vec::new();
        for (expected, segment) in template.into_iter().zip(segments) {
            match parameter_name(expected) {
                Some(name) if !segment.is_empty() => parameters.push((name, segment.clone())),
                None if expected == segment => {}
                _ => return None,
            }
        }
        Some(parameters)
    }
}

/// What a path and a verb lead to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Operation(&'static Operation, Vec<(&'static str, String)>),
    /// There are operations at the path, with these verbs.
    OtherMethods(BTreeSet<&'static str>),
    Nothing,
}

/// Finds the operation of a request; of two templates the one with fewer parameters (`verify` before `{key_id}`).
pub(super) fn find(method: &Method, segments: &[String]) -> Found {
    let at_path: Vec<_> = OPERATIONS
        .iter()
        .filter_map(|operation| Some((operation, operation.parameters(segments)?)))
        .collect();
    if at_path.is_empty() {
        return Found::Nothing;
    }
    let methods = at_path.iter().map(|(operation, _)| operation.method()).collect();
    at_path
        .into_iter()
        .filter(|(operation, _)| operation.method() == method.as_str())
        .min_by_key(|(_, parameters)| parameters.len())
        .map_or(Found::OtherMethods(methods), |(operation, parameters)| {
            Found::Operation(operation, parameters)
        })
}

/// Returns every scope of the Management API.
pub(crate) fn scopes() -> BTreeSet<&'static str> {
    OPERATIONS.iter().map(|operation| operation.scope).filter(|scope| !scope.is_empty()).collect()
}

fn parameter_name(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

const fn row(route: &'static str, id: &'static str, scope: &'static str, success: u16) -> Operation {
    Operation { route, id, scope, success, is_unknown_not_found: false }
}

const fn row_404(route: &'static str, id: &'static str, scope: &'static str, success: u16) -> Operation {
    Operation { route, id, scope, success, is_unknown_not_found: true }
}

/// Generated from the published specification (version 1 of 2026), in its order. Spellings are the specification's:
/// `Environement`, `delete:apis_scopes`.
#[rustfmt::skip]
pub(crate) const OPERATIONS: &[Operation] = &[
    row("GET api_keys", "getApiKeys", "read:api_keys", 200),
    row("POST api_keys", "createApiKey", "create:api_keys", 201),
    row_404("GET api_keys/{key_id}", "getApiKey", "read:api_keys", 200),
    row_404("DELETE api_keys/{key_id}", "deleteApiKey", "delete:api_keys", 200),
    row_404("PUT api_keys/{key_id}", "rotateApiKey", "update:api_keys", 201),
    row("POST api_keys/verify", "verifyApiKey", "", 200),
    row("GET apis", "getAPIs", "read:apis", 200),
    row("POST apis", "addAPIs", "create:apis", 200),
    row("GET apis/{api_id}", "getAPI", "read:apis", 200),
    row("DELETE apis/{api_id}", "deleteAPI", "delete:apis", 200),
    row("GET apis/{api_id}/scopes", "getAPIScopes", "read:api_scopes", 200),
    row("POST apis/{api_id}/scopes", "addAPIScope", "create:api_scopes", 200),
    row("GET apis/{api_id}/scopes/{scope_id}", "getAPIScope", "read:api_scopes", 200),
    row("PATCH apis/{api_id}/scopes/{scope_id}", "updateAPIScope", "update:api_scopes", 200),
    row("DELETE apis/{api_id}/scopes/{scope_id}", "deleteAPIScope", "delete:apis_scopes", 200),
    row("PATCH apis/{api_id}/applications", "updateAPIApplications", "update:apis", 200),
    row("POST apis/{api_id}/applications/{application_id}/scopes/{scope_id}", "addAPIApplicationScope", "create:api_application_scopes", 200),
    row("DELETE apis/{api_id}/applications/{application_id}/scopes/{scope_id}", "deleteAPIApplicationScope", "delete:apis_application_scopes", 200),
    row("GET applications", "getApplications", "read:applications", 200),
    row("POST applications", "createApplication", "create:applications", 201),
    row("GET applications/{application_id}", "getApplication", "read:applications", 200),
    row("PATCH applications/{application_id}", "updateApplication", "update:applications", 200),
    row("DELETE applications/{application_id}", "deleteApplication", "delete:applications", 200),
    row("GET applications/{application_id}/connections", "GetApplicationConnections", "read:application_connections", 200),
    row("POST applications/{application_id}/connections/{connection_id}", "EnableConnection", "create:application_connections", 200),
    row("DELETE applications/{application_id}/connections/{connection_id}", "RemoveConnection", "delete:application_connections", 200),
    row("GET applications/{application_id}/access_roles", "GetApplicationAccessRoles", "read:applications", 200),
    row("POST applications/{application_id}/access_roles/{role_id}", "AddApplicationAccessRole", "update:applications", 200),
    row("DELETE applications/{application_id}/access_roles/{role_id}", "RemoveApplicationAccessRole", "update:applications", 200),
    row("GET applications/{application_id}/properties", "getApplicationPropertyValues", "read:application_properties", 200),
    row("PUT applications/{application_id}/properties/{property_key}", "updateApplicationsProperty", "update:application_properties", 200),
    row("PATCH applications/{application_id}/tokens", "updateApplicationTokens", "update:application_tokens", 200),
    row("GET billing/entitlements", "getBillingEntitlements", "read:billing_entitlements", 200),
    row("GET billing/agreements", "getBillingAgreements", "read:billing_agreements", 200),
    row("POST billing/agreements", "createBillingAgreement", "create:billing_agreements", 200),
    row("POST billing/meter_usage", "createMeterUsageRecord", "create:meter_usage", 200),
    row("GET business", "getBusiness", "read:businesses", 200),
    row("PATCH business", "updateBusiness", "update:businesses", 200),
    row("GET industries", "getIndustries", "read:industries", 200),
    row("GET timezones", "getTimezones", "read:timezones", 200),
    row("GET applications/{app_id}/auth_redirect_urls", "getCallbackURLs", "read:applications_redirect_uris", 200),
    row("POST applications/{app_id}/auth_redirect_urls", "addRedirectCallbackURLs", "create:applications_redirect_uris", 200),
    row("PUT applications/{app_id}/auth_redirect_urls", "replaceRedirectCallbackURLs", "update:applications_redirect_uris", 200),
    row("DELETE applications/{app_id}/auth_redirect_urls", "deleteCallbackURLs", "delete:applications_redirect_uris", 200),
    row("GET applications/{app_id}/auth_logout_urls", "getLogoutURLs", "read:application_logout_uris", 200),
    row("POST applications/{app_id}/auth_logout_urls", "addLogoutRedirectURLs", "create:application_logout_uris", 200),
    row("PUT applications/{app_id}/auth_logout_urls", "replaceLogoutRedirectURLs", "update:application_logout_uris", 200),
    row("DELETE applications/{app_id}/auth_logout_urls", "deleteLogoutURLs", "delete:application_logout_uris", 200),
    row_404("GET connected_apps/auth_url", "GetConnectedAppAuthUrl", "read:connected_apps", 200),
    row("GET connected_apps/token", "GetConnectedAppToken", "read:connected_apps", 200),
    row("POST connected_apps/revoke", "RevokeConnectedAppToken", "create:connected_apps", 200),
    row("GET connections", "GetConnections", "read:connections", 200),
    row("POST connections", "CreateConnection", "create:connections", 201),
    row("GET connections/{connection_id}", "GetConnection", "read:connections", 200),
    row_404("PATCH connections/{connection_id}", "UpdateConnection", "update:connections", 200),
    row_404("PUT connections/{connection_id}", "ReplaceConnection", "update:connections", 200),
    row_404("DELETE connections/{connection_id}", "deleteConnection", "delete:connections", 200),
    row("GET directories", "getDirectories", "read:scim_directories", 200),
    row("POST directories", "createDirectory", "create:scim_directories", 201),
    row_404("GET directories/{directory_id}", "getDirectory", "read:scim_directories", 200),
    row_404("PATCH directories/{directory_id}", "updateDirectory", "update:scim_directories", 200),
    row_404("DELETE directories/{directory_id}", "deleteDirectory", "delete:scim_directories", 200),
    row("GET environment", "getEnvironment", "read:environments", 200),
    row("DELETE environment/feature_flags", "DeleteEnvironementFeatureFlagOverrides", "delete:environment_feature_flags", 200),
    row("GET environment/feature_flags", "GetEnvironementFeatureFlags", "read:environment_feature_flags", 200),
    row("DELETE environment/feature_flags/{feature_flag_key}", "DeleteEnvironementFeatureFlagOverride", "delete:environment_feature_flags", 200),
    row("PATCH environment/feature_flags/{feature_flag_key}", "UpdateEnvironementFeatureFlagOverride", "update:environment_feature_flags", 200),
    row("GET environment/logos", "ReadLogo", "read:environments", 200),
    row("PUT environment/logos/{type}", "AddLogo", "update:environments", 200),
    row("DELETE environment/logos/{type}", "DeleteLogo", "update:environments", 200),
    row("GET passkey", "GetPasskey", "read:passkey", 200),
    row("PUT passkey", "UpdatePasskey", "update:passkey", 200),
    row("GET environment_variables", "getEnvironmentVariables", "read:environment_variables", 200),
    row("POST environment_variables", "createEnvironmentVariable", "create:environment_variables", 201),
    row("GET environment_variables/{variable_id}", "getEnvironmentVariable", "read:environment_variables", 200),
    row("PATCH environment_variables/{variable_id}", "updateEnvironmentVariable", "update:environment_variables", 200),
    row("DELETE environment_variables/{variable_id}", "deleteEnvironmentVariable", "delete:environment_variables", 200),
    row("POST feature_flags", "CreateFeatureFlag", "create:feature_flags", 201),
    row("DELETE feature_flags/{feature_flag_key}", "DeleteFeatureFlag", "delete:feature_flags", 200),
    row("PUT feature_flags/{feature_flag_key}", "UpdateFeatureFlag", "update:feature_flags", 200),
    row("GET identities/{identity_id}", "GetIdentity", "read:identities", 200),
    row("PATCH identities/{identity_id}", "UpdateIdentity", "update:identities", 200),
    row("DELETE identities/{identity_id}", "DeleteIdentity", "delete:identities", 200),
    row("GET organization/{org_code}/invites", "getOrganizationInvites", "read:organization_invites", 200),
    row("POST organization/{org_code}/invites", "createOrganizationInvite", "create:organization_invites", 201),
    row_404("GET organization/{org_code}/invites/{invite_code}", "getOrganizationInvite", "read:organization_invites", 200),
    row_404("DELETE organization/{org_code}/invites/{invite_code}", "deleteOrganizationInvite", "delete:organization_invites", 200),
    row("GET organization", "getOrganization", "read:organizations", 200),
    row("POST organization", "createOrganization", "create:organizations", 200),
    row("GET organizations", "getOrganizations", "read:organizations", 200),
    row("PATCH organization/{org_code}", "updateOrganization", "update:organizations", 200),
    row_404("DELETE organization/{org_code}", "deleteOrganization", "delete:organizations", 200),
    row("GET organizations/{org_code}/users", "GetOrganizationUsers", "read:organization_users", 200),
    row("POST organizations/{org_code}/users", "AddOrganizationUsers", "create:organization_users", 200),
    row("PATCH organizations/{org_code}/users", "UpdateOrganizationUsers", "update:organization_users", 200),
    row("GET organizations/{org_code}/users/{user_id}/roles", "GetOrganizationUserRoles", "read:organization_user_roles", 200),
    row("POST organizations/{org_code}/users/{user_id}/roles", "CreateOrganizationUserRole", "create:organization_user_roles", 200),
    row("DELETE organizations/{org_code}/users/{user_id}/roles/{role_id}", "DeleteOrganizationUserRole", "delete:organization_user_roles", 200),
    row("GET organizations/{org_code}/roles/{role_id}/users", "GetOrganizationRoleUsers", "read:organization_user_roles", 200),
    row("GET organizations/{org_code}/roles/{role_id}/users/count", "GetOrganizationRoleUsersCount", "read:organization_user_roles", 200),
    row("GET organizations/{org_code}/roles/{role_id}/active_users/count", "GetOrganizationRoleActiveUsersCount", "read:organization_user_roles", 200),
    row("GET organizations/{org_code}/users/{user_id}/permissions", "GetOrganizationUserPermissions", "read:organization_user_permissions", 200),
    row("POST organizations/{org_code}/users/{user_id}/permissions", "CreateOrganizationUserPermission", "create:organization_user_permissions", 200),
    row("DELETE organizations/{org_code}/users/{user_id}/permissions/{permission_id}", "DeleteOrganizationUserPermission", "delete:organization_user_permissions", 200),
    row("DELETE organizations/{org_code}/users/{user_id}", "RemoveOrganizationUser", "delete:organization_users", 200),
    row("POST organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id}", "addOrganizationUserAPIScope", "create:organization_user_api_scopes", 200),
    row("DELETE organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id}", "deleteOrganizationUserAPIScope", "delete:organization_user_api_scopes", 200),
    row_404("GET organizations/{org_code}/users/{user_id}/mfa", "GetOrgUserMFA", "read:organization_user_mfa", 200),
    row_404("DELETE organizations/{org_code}/users/{user_id}/mfa", "ResetOrgUserMFAAll", "delete:organization_user_mfa", 200),
    row_404("DELETE organizations/{org_code}/users/{user_id}/mfa/{factor_id}", "ResetOrgUserMFA", "delete:organization_user_mfa", 200),
    row("GET organizations/{org_code}/feature_flags", "GetOrganizationFeatureFlags", "read:organization_feature_flags", 200),
    row("DELETE organizations/{org_code}/feature_flags", "DeleteOrganizationFeatureFlagOverrides", "delete:organization_feature_flags", 200),
    row("DELETE organizations/{org_code}/feature_flags/{feature_flag_key}", "DeleteOrganizationFeatureFlagOverride", "delete:organization_feature_flags", 200),
    row("PATCH organizations/{org_code}/feature_flags/{feature_flag_key}", "UpdateOrganizationFeatureFlagOverride", "update:organization_feature_flags", 200),
    row("PUT organizations/{org_code}/properties/{property_key}", "UpdateOrganizationProperty", "update:organization_properties", 200),
    row("GET organizations/{org_code}/properties", "GetOrganizationPropertyValues", "read:organization_properties", 200),
    row("PATCH organizations/{org_code}/properties", "UpdateOrganizationProperties", "update:organization_properties", 200),
    row("PUT organizations/{org_code}/mfa", "ReplaceOrganizationMFA", "update:organization_mfa", 200),
    row("GET organizations/{org_code}/passkey", "GetOrganizationPasskey", "read:organization_passkey", 200),
    row("PUT organizations/{org_code}/passkey", "UpdateOrganizationPasskey", "update:organization_passkey", 200),
    row("DELETE organization/{org_code}/handle", "DeleteOrganizationHandle", "delete:organization_handles", 200),
    row("GET organizations/{org_code}/logos", "ReadOrganizationLogo", "read:organizations", 200),
    row("POST organizations/{org_code}/logos/{type}", "AddOrganizationLogo", "update:organizations", 200),
    row("DELETE organizations/{org_code}/logos/{type}", "DeleteOrganizationLogo", "update:organizations", 200),
    row("GET organizations/{organization_code}/connections", "GetOrganizationConnections", "read:organization_connections", 200),
    row("POST organizations/{organization_code}/connections/{connection_id}", "EnableOrgConnection", "create:organization_connections", 200),
    row("DELETE organizations/{organization_code}/connections/{connection_id}", "RemoveOrgConnection", "delete:organization_connections", 200),
    row("PATCH organizations/{org_code}/sessions", "UpdateOrganizationSessions", "update:organizations", 200),
    row("PUT mfa", "ReplaceMFA", "update:mfa", 200),
    row("GET permissions", "GetPermissions", "read:permissions", 200),
    row("POST permissions", "CreatePermission", "create:permissions", 201),
    row("PATCH permissions/{permission_id}", "UpdatePermissions", "update:permissions", 200),
    row("DELETE permissions/{permission_id}", "DeletePermission", "delete:permissions", 200),
    row("GET properties", "GetProperties", "read:properties", 200),
    row("POST properties", "CreateProperty", "create:properties", 201),
    row("PUT properties/{property_id}", "UpdateProperty", "update:properties", 200),
    row("DELETE properties/{property_id}", "DeleteProperty", "delete:properties", 200),
    row("GET property_categories", "GetCategories", "read:property_categories", 200),
    row("POST property_categories", "CreateCategory", "create:property_categories", 201),
    row("PUT property_categories/{category_id}", "UpdateCategory", "update:property_categories", 200),
    row("GET roles", "GetRoles", "read:roles", 200),
    row("POST roles", "CreateRole", "create:roles", 201),
    row("GET roles/{role_id}", "GetRole", "read:roles", 200),
    row("PATCH roles/{role_id}", "UpdateRoles", "update:roles", 201),
    row("DELETE roles/{role_id}", "DeleteRole", "delete:roles", 200),
    row("GET roles/{role_id}/scopes", "GetRoleScopes", "read:role_scopes", 200),
    row("POST roles/{role_id}/scopes", "AddRoleScope", "create:role_scopes", 201),
    row("DELETE roles/{role_id}/scopes/{scope_id}", "DeleteRoleScope", "delete:role_scopes", 200),
    row("GET roles/{role_id}/permissions", "GetRolePermissions", "read:role_permissions", 200),
    row("PATCH roles/{role_id}/permissions", "UpdateRolePermissions", "update:role_permissions", 200),
    row("GET roles/{role_id}/system_permissions", "GetRoleSystemPermissions", "read:role_system_permissions", 200),
    row("PATCH roles/{role_id}/system_permissions", "UpdateRoleSystemPermissions", "update:role_system_permissions", 200),
    row("GET roles/{role_id}/users", "GetRoleUsers", "read:organization_user_roles", 200),
    row("DELETE roles/{role_id}/permissions/{permission_id}", "RemoveRolePermission", "delete:role_permissions", 200),
    row("GET system_permissions", "GetSystemPermissions", "read:system_permissions", 200),
    row("GET search/users", "searchUsers", "read:users", 200),
    row("GET subscribers", "GetSubscribers", "read:subscribers", 200),
    row("POST subscribers", "CreateSubscriber", "create:subscribers", 201),
    row("GET subscribers/{subscriber_id}", "GetSubscriber", "read:subscribers", 200),
    row("GET users", "getUsers", "read:users", 200),
    row("POST users/{user_id}/refresh_claims", "refreshUserClaims", "update:user_refresh_claims", 200),
    row("GET user", "getUserData", "read:users", 200),
    row("POST user", "createUser", "create:users", 200),
    row("PATCH user", "updateUser", "update:users", 200),
    row("DELETE user", "deleteUser", "delete:users", 200),
    row("PATCH users/{user_id}/feature_flags/{feature_flag_key}", "UpdateUserFeatureFlagOverride", "update:user_feature_flags", 200),
    row("PUT users/{user_id}/properties/{property_key}", "UpdateUserProperty", "update:user_properties", 200),
    row("GET users/{user_id}/properties", "GetUserPropertyValues", "read:user_properties", 200),
    row("PATCH users/{user_id}/properties", "UpdateUserProperties", "update:user_properties", 200),
    row("PUT users/{user_id}/password", "SetUserPassword", "update:user_passwords", 200),
    row("GET users/{user_id}/identities", "GetUserIdentities", "read:user_identities", 200),
    row("POST users/{user_id}/identities", "CreateUserIdentity", "create:user_identities", 201),
    row_404("GET users/{user_id}/sessions", "GetUserSessions", "read:user_sessions", 200),
    row_404("DELETE users/{user_id}/sessions", "DeleteUserSessions", "delete:user_sessions", 200),
    row_404("GET users/{user_id}/mfa", "GetUsersMFA", "read:user_mfa", 200),
    row_404("DELETE users/{user_id}/mfa", "ResetUsersMFAAll", "delete:user_mfa", 200),
    row_404("DELETE users/{user_id}/mfa/{factor_id}", "ResetUsersMFA", "delete:user_mfa", 200),
    row("GET events/{event_id}", "GetEvent", "read:events", 200),
    row("GET event_types", "GetEventTypes", "read:event_types", 200),
    row("DELETE webhooks/{webhook_id}", "DeleteWebHook", "delete:webhooks", 200),
    row("PATCH webhooks/{webhook_id}", "UpdateWebHook", "update:webhooks", 200),
    row("GET webhooks", "GetWebHooks", "read:webhooks", 200),
    row("POST webhooks", "CreateWebHook", "create:webhooks", 200),];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> Found {
        find(&method, &path.split('/').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn there_are_183_operations_with_different_names_and_routes() {
        let ids: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
        let routes: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.route).collect();
        assert_eq!((OPERATIONS.len(), ids.len(), routes.len()), (183, 183, 183));
        assert!(OPERATIONS.iter().all(|operation| (200..300).contains(&operation.success)));
    }

    #[test]
    fn word_is_found_before_a_parameter_in_its_place() {
        let Found::Operation(verify, _) = found(Method::POST, "api_keys/verify") else { panic!() };
        assert_eq!(verify.id, "verifyApiKey");
        let Found::Operation(get, parameters) = found(Method::GET, "api_keys/verify") else { panic!() };
        assert_eq!((get.id, parameters), ("getApiKey", vec![("key_id", "verify".to_owned())]));
    }

    #[test]
    fn other_verb_of_a_known_path_is_told_which_there_are() {
        assert_eq!(found(Method::PUT, "users"), Found::OtherMethods(BTreeSet::from(["GET"])));
        assert_eq!(found(Method::GET, "galaxies"), Found::Nothing);
        assert_eq!(found(Method::GET, "users/"), Found::Nothing);
        assert_eq!(found(Method::GET, "roles/"), Found::Nothing);
    }
}
