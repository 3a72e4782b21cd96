// @kinde/js-utils: what Kinde's React, Expo and plain browser packages stand on. It runs here as in a server: Node has no window.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import * as kindeUtils from "@kinde/js-utils";

import { Browser } from "./browser.mjs";
import { overlap, singlePage, startEmulator, web } from "./emulator.mjs";

const kinde = await startEmulator();
kindeUtils.frameworkSettings.framework = "Node";
kindeUtils.frameworkSettings.frameworkVersion = process.versions.node;

let browser;
beforeEach(() => {
  browser = new Browser(kinde.issuer);
  kindeUtils.setActiveStorage(new kindeUtils.MemoryStorage());
});

const applications = [
  { name: "a public application", ...singlePage },
  { name: "an application with a secret", ...web },
];

/** Opens an authorization URL, lets `answer` take it to the callback, and exchanges the code. */
async function exchanged(application, { url }, answer) {
  const { callback } = await answer(url);
  return kindeUtils.exchangeAuthCode({
    urlParams: callback.searchParams,
    domain: kinde.issuer,
    clientId: application.clientId,
    clientSecret: application.clientSecret,
    redirectURL: application.callback,
  });
}

function authUrl(application, type, more = {}) {
  const options = { clientId: application.clientId, redirectURL: application.callback, ...more };
  return kindeUtils.generateAuthUrl(kinde.issuer, type, options);
}

const login = (application, more) => authUrl(application, kindeUtils.IssuerRouteTypes.login, more);

async function signIn(application = singlePage, more = {}) {
  const answered = await exchanged(application, await login(application, more), (url) => browser.signIn(url, "Ada"));
  assert.equal(answered.success, true, answered.error);
  return answered;
}

for (const application of applications) {
  describe(`as ${application.name}`, () => {
    test("person signs in and the tokens say who they are", async () => {
      await signIn(application);
      assert.equal(await kindeUtils.isAuthenticated(), true);
      const profile = await kindeUtils.getUserProfile();
      assert.equal(profile.givenName, "Ada");
      assert.equal(profile.familyName, "Løvelace");
      assert.equal(profile.email, "ada+kinde@example.test");
    });

    test("refreshing gives a new set of tokens once", async () => {
      const { refreshToken: old } = await signIn(application);
      const { clientId, clientSecret } = application;
      const refreshed = await kindeUtils.refreshToken({ domain: kinde.issuer, clientId, clientSecret });
      assert.equal(refreshed.success, true, refreshed.error);
      assert.ok(refreshed.accessToken && refreshed.idToken && refreshed.refreshToken);
      await kindeUtils.getActiveStorage().setSessionItem(kindeUtils.StorageKeys.refreshToken, old);
      await kinde.control("advance", { seconds: overlap });
      const again = await kindeUtils.refreshToken({ domain: kinde.issuer, clientId, clientSecret });
      assert.equal(again.success, false);
      await kinde.control("follow_system_time");
    });
  });
}

test("nonce that was sent is in the ID token", async () => {
  const request = await login(singlePage);
  await exchanged(singlePage, request, (url) => browser.signIn(url, "Ada"));
  assert.equal((await kindeUtils.getClaim("nonce", "idToken")).value, request.nonce);
});

test("permissions, roles, flags and organizations are read from the tokens", async () => {
  await signIn();
  assert.deepEqual(await kindeUtils.getPermissions(), {
    orgCode: "org_acme",
    permissions: ["create:todos", "read:todos"],
  });
  assert.equal((await kindeUtils.getPermission("delete:todos")).isGranted, false);
  assert.deepEqual((await kindeUtils.getRoles()).map((role) => role.key), ["admin"]);
  assert.equal(await kindeUtils.getFlag("beta"), true);
  assert.equal(await kindeUtils.getFlag("seat_cap"), 25);
  assert.equal(await kindeUtils.getCurrentOrganization(), "org_acme");
  assert.deepEqual(await kindeUtils.getUserOrganizations(), ["org_acme", "org_globex"]);
  const wanted = { permissions: ["create:todos"], roles: ["admin"], featureFlags: [{ flag: "theme", value: "plain" }] };
  assert.equal(await kindeUtils.has(wanted), true);
  assert.equal(await kindeUtils.has({ ...wanted, permissions: ["delete:todos"] }), false);
});

test("person switches to another of their organizations without a page", async () => {
  await signIn();
  const { clientId, callback: redirectURL } = singlePage;
  const request = await kindeUtils.switchOrg({ domain: kinde.issuer, clientId, orgCode: "org_globex", redirectURL });
  const answered = await exchanged(singlePage, request, (url) => browser.open(url));
  assert.equal(answered.success, true, answered.error);
  assert.equal(await kindeUtils.getCurrentOrganization(), "org_globex");
  assert.deepEqual((await kindeUtils.getPermissions()).permissions, ["read:todos"]);
});

test("switching without a session is answered with login_required", async () => {
  const { clientId, callback: redirectURL } = singlePage;
  const { url } = await kindeUtils.switchOrg({ domain: kinde.issuer, clientId, orgCode: "org_globex", redirectURL });
  const { callback } = await browser.open(url);
  assert.equal(callback.searchParams.get("error"), "login_required");
});

test("somebody new registers", async () => {
  const request = await authUrl(singlePage, kindeUtils.IssuerRouteTypes.register);
  const details = { p_email: "grace@example.test", p_first_name: "Grace", p_last_name: "Hopper" };
  const answered = await exchanged(singlePage, request, (url) => browser.register(url, details));
  assert.equal(answered.success, true, answered.error);
  assert.equal((await kindeUtils.getUserProfile()).givenName, "Grace");
});

test("audiences joined by a space are all in the access token", async () => {
  const audience = ["https://api.example.test", "https://reports.example.test"];
  await signIn(singlePage, { audience });
  assert.deepEqual((await kindeUtils.getClaim("aud")).value, audience);
});

test("person creates an organization while signed in", async () => {
  const request = await login(singlePage, { isCreateOrg: true, orgName: "Initech" });
  const answered = await exchanged(singlePage, request, (url) => browser.signIn(url, "Dave"));
  assert.equal(answered.success, true, answered.error);
  assert.match(await kindeUtils.getCurrentOrganization(), /^org_/);
});

test("marketing parameters that go along are ignored", async () => {
  await signIn(singlePage, { properties: { utm_source: "a&b", gclid: "1" }, lang: "en", supportsReauth: true });
  assert.equal(await kindeUtils.isAuthenticated(), true);
});
