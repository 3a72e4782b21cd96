// @kinde/js-utils and the Account API: what a person has now, as opposed to what their token says, and the way to the portal.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as kindeUtils from "@kinde/js-utils";

import { Browser } from "./browser.mjs";
import { singlePage, startEmulator } from "./emulator.mjs";

const kinde = await startEmulator();
kindeUtils.frameworkSettings.framework = "Node";
kindeUtils.frameworkSettings.frameworkVersion = process.versions.node;

const permissions = Array.from({ length: 12 }, (_, index) => `p:${String(index + 1).padStart(2, "0")}`);
const requests = async (list) => (await kinde.asked(`requests?path=/account_api/v1/${list}`)).requests;

let browser;
beforeEach(async () => {
  browser = new Browser(kinde.issuer);
  kindeUtils.setActiveStorage(new kindeUtils.MemoryStorage());
  await kinde.control("reset_requests");
});

async function signIn(label) {
  const { clientId, callback: redirectURL } = singlePage;
  const options = { clientId, redirectURL };
  const { url } = await kindeUtils.generateAuthUrl(kinde.issuer, kindeUtils.IssuerRouteTypes.login, options);
  const { callback } = await browser.signIn(url, label);
  const exchange = { urlParams: callback.searchParams, domain: kinde.issuer, clientId, redirectURL };
  const answered = await kindeUtils.exchangeAuthCode(exchange);
  assert.equal(answered.success, true, answered.error);
  return answered;
}

test("permissions beyond the first page are all there", async () => {
  await signIn("Joan");
  assert.deepEqual(await kindeUtils.getPermissions({ forceApi: true }), { orgCode: "org_initech", permissions });
  assert.equal(await requests("permissions"), 2);
  assert.equal(await kindeUtils.has({ permissions: ["p:12"], forceApi: true }), true);
  assert.equal(await kindeUtils.has({ permissions: ["p:13"], forceApi: true }), false);
});

test("one permission is asked for by its key", async () => {
  await signIn("Joan");
  for (const [permissionKey, isGranted] of [["p:12", true], ["view reports/advanced", false]]) {
    const answer = await kindeUtils.getPermission(permissionKey, { forceApi: true });
    assert.deepEqual(answer, { permissionKey, orgCode: "org_initech", isGranted });
  }
});

test("roles of a token without the claim are asked for", async () => {
  await signIn("Rosa");
  assert.equal((await kindeUtils.getClaim("roles")).value, undefined);
  assert.deepEqual(await kindeUtils.getRoles(), []);
  assert.equal(await requests("roles"), 1);
});

test("roles are the same from the token and from the Account API but for the form of their ids", async () => {
  await signIn("Joan");
  const fromToken = await kindeUtils.getRoles();
  assert.equal(await requests("roles"), 0);
  const fromApi = await kindeUtils.getRoles({ forceApi: true });
  assert.deepEqual(fromApi.map(({ key, name }) => [key, name]), [["dispatcher", "Dispatcher"], ["driver", "Driver"]]);
  const prefixed = fromToken.map((role) => ({ ...role, id: `role_${role.id.replaceAll("-", "")}` }));
  assert.deepEqual(prefixed, fromApi);
  assert.equal(await kindeUtils.has({ roles: ["driver"], forceApi: true }), true);
  assert.equal(await kindeUtils.has({ roles: ["admin"], forceApi: true }), false);
});

test("flags have the value of the organization", async () => {
  await signIn("Joan");
  for (const [flag, value] of [["beta", false], ["seat_cap", 25], ["theme", "dark"]]) {
    assert.equal(await kindeUtils.has({ featureFlags: [{ flag, value }], forceApi: true }), true, flag);
  }
  assert.equal(await kindeUtils.has({ featureFlags: [{ flag: "theme", value: "plain" }], forceApi: true }), false);
  assert.equal(await kindeUtils.has({ featureFlags: ["limits"], forceApi: true }), true);
  assert.equal(await kindeUtils.has({ featureFlags: ["nothing"], forceApi: true }), false);
});

test("one flag is looked for by its name and not by its key", async () => {
  await signIn("Joan");
  assert.deepEqual(await kindeUtils.getFlag("Limits of use", { forceApi: true }), { daily: 100 });
  assert.equal(await kindeUtils.getFlag("limits", { forceApi: true }), null);
});

test("entitlements and the plans they come from", async () => {
  await signIn("Joan");
  const { orgCode, plans, entitlements } = await kindeUtils.getEntitlements();
  assert.equal(orgCode, "org_initech");
  assert.deepEqual(plans.map((plan) => plan.key), ["fleet"]);
  assert.ok(Math.abs(new Date(plans[0].subscribedOn) - Date.now()) < 600_000, plans[0].subscribedOn);
  const [seats, base] = entitlements;
  const { id, ...rest } = seats;
  assert.match(id, /^entitlement_[0-9a-f]{32}$/);
  assert.deepEqual(rest, {
    fixedCharge: null,
    priceName: "Per seat",
    unitAmount: 900,
    featureKey: "seats",
    featureName: "Seats",
    entitlementLimitMax: 25,
    entitlementLimitMin: 1,
  });
  assert.deepEqual([base.fixedCharge, base.unitAmount, base.entitlementLimitMax], [4900, null, null]);
  assert.deepEqual(await kindeUtils.getEntitlement("seats"), { orgCode, entitlement: seats });
  await assert.rejects(kindeUtils.getEntitlement("trucks"), /404/);
});

test("entitlements beyond the first page are all there, and every page brings the plans again", async () => {
  await signIn("Rosa");
  const { plans, entitlements } = await kindeUtils.getEntitlements();
  assert.equal(entitlements.length, 12);
  assert.deepEqual(plans.map((plan) => plan.key), ["fleet", "large", "fleet", "large"]);
});

test("has reads entitlements by the name of their price", async () => {
  await signIn("Joan");
  assert.equal(await kindeUtils.has({ billingEntitlements: ["Per seat"] }), true);
  assert.equal(await kindeUtils.has({ billingEntitlements: ["seats"] }), false);
  const enough = { entitlement: "Per seat", condition: ({ entitlementLimitMax }) => entitlementLimitMax >= 25 };
  assert.equal(await kindeUtils.has({ billingEntitlements: [enough] }), true);
});

test("revoked token is told nothing any more", async () => {
  const { accessToken } = await signIn("Joan");
  const body = new URLSearchParams({ token: accessToken, client_id: singlePage.clientId });
  assert.equal((await fetch(`${kinde.issuer}/oauth2/revoke`, { method: "POST", body })).status, 200);
  await assert.rejects(kindeUtils.getPermissions({ forceApi: true }), /403/);
  assert.equal(await kindeUtils.has({ permissions: ["p:01"], forceApi: true }), false);
});

test("portal opens once, in the section asked for, with the way back", async () => {
  await signIn("Joan");
  const returnUrl = "http://localhost:3000/account?from=portal";
  const subNav = kindeUtils.PortalPage.organizationPlanDetails;
  const { url } = await kindeUtils.generatePortalUrl({ domain: kinde.issuer, returnUrl, subNav });
  assert.equal(url.origin, kinde.issuer);
  const { status, page } = await browser.open(url);
  assert.equal(status, 200);
  assert.match(page, /<h1>Organization plan<\/h1>/);
  assert.match(page, /Fleet/);
  assert.ok(page.includes(`href="${returnUrl}"`), page);
  assert.equal((await browser.open(url)).status, 400);
});

test("every section that the client knows is a page of the portal", async () => {
  await signIn("Joan");
  for (const subNav of Object.values(kindeUtils.PortalPage)) {
    const { url } = await kindeUtils.generatePortalUrl({ returnUrl: "http://localhost:3000", subNav });
    assert.equal((await browser.open(url)).status, 200, subNav);
  }
});

test("portal does not lead back to strangers", async () => {
  await signIn("Joan");
  await assert.rejects(kindeUtils.generatePortalUrl({ returnUrl: "https://example.test/" }), /400/);
});
