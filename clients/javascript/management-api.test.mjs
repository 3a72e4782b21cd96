// @kinde/management-api-js: a class for each kind of thing, generated from Kinde's specification of the Management API.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import * as management from "@kinde/management-api-js";

import { machine, startEmulator } from "./emulator.mjs";

const { ApiError, ApiKeys, Apis, Applications, FeatureFlags, Organizations, Permissions, Roles, Users, Webhooks } =
  management;

const kinde = await startEmulator();
const credentials = { kindeDomain: kinde.issuer, clientId: machine.clientId, clientSecret: machine.clientSecret };

const tokenRequests = async () => (await kinde.asked("requests?path=/oauth2/token")).requests;

const emailIdentity = (email) => ({ type: "email", details: { email } });

async function isRefused(promise, status, code) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ApiError, error);
    assert.equal(error.status, status);
    assert.equal(error.body.errors[0].code, code);
    return true;
  });
}

// The audience follows from the domain: https:// is put before whatever does not begin so. That one is what the client looks for in the
// token it has, so it never finds it there.
test("init with a domain of plain http asks for a token with each call", async () => {
  management.init(credentials);
  await kinde.control("reset_requests");
  await Users.getUsers({});
  await Users.getUsers({});
  assert.equal(await tokenRequests(), 2);
});

test("init with the audience keeps its token", async () => {
  management.init({ ...credentials, audience: `${kinde.issuer}/api` });
  await kinde.control("reset_requests");
  await Users.getUsers({});
  await Users.getUsers({});
  assert.ok((await tokenRequests()) <= 1);
});

describe("users", () => {
  let id;
  before(async () => {
    const created = await Users.createUser({
      requestBody: {
        profile: { given_name: "Grace", family_name: "Høpper" },
        identities: [emailIdentity("grace+1@example.test")],
      },
    });
    assert.equal(created.created, true);
    id = created.id;
  });

  test("are read, changed and found", async () => {
    const user = await Users.getUserData({ id, expand: "organizations,identities" });
    assert.equal(user.preferred_email, "grace+1@example.test");
    assert.equal(user.last_name, "Høpper");
    assert.deepEqual(user.identities, [{ type: "email", identity: "grace+1@example.test" }]);
    await Users.updateUser({ id, requestBody: { family_name: "Murray", is_suspended: true } });
    const { users } = await Users.getUsers({ email: "grace+1@example.test" });
    assert.deepEqual(users.map((found) => [found.id, found.last_name, found.is_suspended]), [[id, "Murray", true]]);
  });

  test("come in pages", async () => {
    const seen = [];
    let nextToken;
    do {
      const page = await Users.getUsers({ pageSize: 1, nextToken });
      assert.equal(page.users.length, 1);
      seen.push(page.users[0].id);
      nextToken = page.next_token;
    } while (nextToken);
    const { users } = await Users.getUsers({ pageSize: 500 });
    assert.deepEqual(seen, users.map((user) => user.id));
    assert.ok(seen.length >= 3);
  });

  test("are told to refresh their claims, and lose their sessions", async () => {
    assert.equal((await Users.refreshUserClaims({ userId: id })).code, "OK");
    assert.deepEqual((await Users.getUserSessions({ userId: id })).sessions, []);
    await Users.deleteUserSessions({ userId: id });
  });
});

describe("organizations", () => {
  let code;
  let id;
  let roleId;
  before(async () => {
    const { organization } = await Organizations.createOrganization({ requestBody: { name: "Voss & Söhne", handle: "voss" } });
    code = organization.code;
    const created = await Users.createUser({ requestBody: { identities: [emailIdentity("member@example.test")] } });
    id = created.id;
    const { role } = await Roles.createRole({ requestBody: { name: "Route planner", key: "route_planner" } });
    roleId = role.id;
    await Permissions.createPermission({ requestBody: { name: "Plan routes", key: "plan:routes" } });
  });

  test("are read and listed", async () => {
    const organization = await Organizations.getOrganization({ code });
    assert.equal(organization.name, "Voss & Söhne");
    const { organizations } = await Organizations.getOrganizations({ sort: "name_desc", pageSize: 1 });
    assert.deepEqual(organizations.map((known) => known.code), [code]);
  });

  test("have members with roles and permissions", async () => {
    const added = await Organizations.addOrganizationUsers({ orgCode: code, requestBody: { users: [{ id }] } });
    assert.deepEqual(added.users_added, [id]);
    await Organizations.createOrganizationUserRole({ orgCode: code, userId: id, requestBody: { role_id: roleId } });
    const { permissions } = await Permissions.getPermissions({ pageSize: 100 });
    const permission = permissions.find((known) => known.key === "plan:routes");
    const changed = await Roles.updateRolePermissions({ roleId, requestBody: { permissions: [{ id: permission.id }] } });
    assert.deepEqual(changed.permissions_added, [permission.id]);
    const { organization_users: members } = await Organizations.getOrganizationUsers({ orgCode: code, roles: "route_planner" });
    assert.deepEqual(members.map((member) => [member.id, member.roles]), [[id, ["route_planner"]]]);
    const held = await Organizations.getOrganizationUserPermissions({ orgCode: code, userId: id, expand: "roles" });
    assert.deepEqual(held.permissions.map((known) => [known.key, known.roles]), [
      ["plan:routes", [{ id: roleId, key: "route_planner" }]],
    ]);
    const removed = await Organizations.updateOrganizationUsers({
      orgCode: code,
      requestBody: { users: [{ id, operation: "delete" }] },
    });
    assert.deepEqual(removed.users_removed, [id]);
  });

  test("override feature flags", async () => {
    await FeatureFlags.createFeatureFlag({
      requestBody: { name: "Seats", key: "seats", type: "int", allow_override_level: "org", default_value: "5" },
    });
    const override = { orgCode: code, featureFlagKey: "seats" };
    await Organizations.updateOrganizationFeatureFlagOverride({ ...override, value: "50" });
    const { feature_flags: flags } = await Organizations.getOrganizationFeatureFlags({ orgCode: code });
    assert.deepEqual(flags, { seats: { type: "int", value: 50 } });
    await Organizations.deleteOrganizationFeatureFlagOverride(override);
    await FeatureFlags.deleteFeatureFlag({ featureFlagKey: "seats" });
  });
});

test("API key is made, verified, rotated and deleted", async () => {
  const { apis } = await Apis.getApis({ expand: "scopes" });
  const api = apis.find((known) => known.audience === "https://api.example.test");
  const scope = api.scopes.find((known) => known.key === "read:invoices");
  const requestBody = { name: "billing", type: "environment", api_id: api.id, scope_ids: [scope.id] };
  const { api_key: made } = await ApiKeys.createApiKey({ requestBody });
  const verified = await ApiKeys.verifyApiKey({ requestBody: { api_key: made.key } });
  assert.deepEqual([verified.is_valid, verified.key_id, verified.scopes], [true, made.id, ["read:invoices"]]);
  const { api_key: rotated } = await ApiKeys.rotateApiKey({ keyId: made.id });
  await isRefused(ApiKeys.verifyApiKey({ requestBody: { api_key: made.key } }), 401, "API_KEY_INVALID");
  await ApiKeys.verifyApiKey({ requestBody: { api_key: rotated.key } });
  const { api_keys: keys, has_more: hasMore } = await ApiKeys.getApiKeys({ status: "active" });
  assert.deepEqual([keys.map((key) => key.id), hasMore], [[made.id], false]);
  await ApiKeys.deleteApiKey({ keyId: made.id });
  await isRefused(ApiKeys.getApiKey({ keyId: made.id }), 404, "API_KEY_NOT_FOUND");
});

test("application and webhook are made and deleted", async () => {
  const { application } = await Applications.createApplication({ requestBody: { name: "shop", type: "reg" } });
  const known = await Applications.getApplication({ applicationId: application.id });
  assert.deepEqual([known.application.type, known.application.client_id], ["reg", application.client_id]);
  const urls = ["http://localhost:4000/callback"];
  await management.Callbacks.replaceRedirectCallbackUrls({ appId: application.id, requestBody: { urls } });
  assert.deepEqual((await management.Callbacks.getCallbackUrls({ appId: application.id })).redirect_urls, urls);
  await Applications.deleteApplication({ applicationId: application.id });
  const endpoint = "http://127.0.0.1:1/hooks/kinde";
  const { webhook } = await Webhooks.createWebHook({
    requestBody: { name: "sync", endpoint, event_types: ["user.created"] },
  });
  assert.deepEqual((await Webhooks.getWebHooks()).webhooks.map((one) => one.endpoint), [endpoint]);
  await Webhooks.deleteWebHook({ webhookId: webhook.id });
});

test("refusals arrive as the client's own error, with Kinde's codes", async () => {
  await isRefused(Users.getUserData({ id: "kp_nobody" }), 400, "USER_INVALID");
  await isRefused(Roles.createRole({ requestBody: { name: "Admin", key: "admin" } }), 400, "ROLE_ALREADY_EXISTS");
  await isRefused(Organizations.deleteOrganization({ orgCode: "org_nowhere" }), 404, "ORGANIZATION_NOT_FOUND");
  await isRefused(Users.getUsers({ pageSize: 501 }), 400, "PAGE_SIZE_LIMIT_EXCEEDED");
  await isRefused(Users.getUsersMfa({ userId: "kp_nobody" }), 501, "NOT_EMULATED");
});

// The client puts https:// before the domain of its environment variable, and the emulator speaks plain http: give it the domain in code.
test("domain of KINDE_DOMAIN is asked by https", async () => {
  process.env.KINDE_DOMAIN = new URL(kinde.issuer).host;
  try {
    management.init();
    assert.equal(management.OpenAPI.BASE, `https://${process.env.KINDE_DOMAIN}`);
  } finally {
    delete process.env.KINDE_DOMAIN;
    management.init({ ...credentials, audience: `${kinde.issuer}/api` });
  }
});

test("wrong credentials end in a call without a token", async () => {
  management.setToken("");
  management.init({ ...credentials, clientSecret: "ThisIsNotTheSecretOfAnybodyWhoIsPartOfThisWorld" });
  await isRefused(Users.getUsers({}), 403, "INVALID_CREDENTIALS");
  management.init({ ...credentials, audience: `${kinde.issuer}/api` });
});

test("token without a scope is refused, and the message says which", async () => {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: machine.clientId,
    client_secret: machine.clientSecret,
    audience: `${kinde.issuer}/api`,
    scope: "read:roles",
  });
  const response = await fetch(`${kinde.issuer}/oauth2/token`, { method: "POST", body });
  management.setToken((await response.json()).access_token);
  await Roles.getRoles({});
  await assert.rejects(Users.getUsers({}), (error) => {
    assert.equal(error.status, 403);
    assert.match(error.body.errors[0].message, /the scope read:users/);
    return true;
  });
});
