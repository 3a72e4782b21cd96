// @kinde-oss/kinde-typescript-sdk: the SDK that Kinde's Next.js, Express and Remix packages stand on.

import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";

import { createKindeServerClient, GrantType } from "@kinde-oss/kinde-typescript-sdk";

import { Browser } from "./browser.mjs";
import { machine, overlap, singlePage, startEmulator, web } from "./emulator.mjs";

const kinde = await startEmulator();

/** The session an application keeps for one visitor. */
function session() {
  const items = new Map();
  return {
    items,
    persistent: true,
    getSessionItem: async (key) => items.get(key),
    setSessionItem: async (key, value) => void items.set(key, value),
    removeSessionItem: async (key) => void items.delete(key),
    destroySession: async () => items.clear(),
  };
}

const clients = [
  { name: "PKCE", start: () => client(GrantType.PKCE, singlePage) },
  { name: "authorization code", start: () => client(GrantType.AUTHORIZATION_CODE, web) },
];

function client(grantType, application, more = {}) {
  return createKindeServerClient(grantType, {
    authDomain: kinde.issuer,
    clientId: application.clientId,
    clientSecret: application.clientSecret,
    redirectURL: application.callback,
    logoutRedirectURL: application.afterLogout ?? "http://localhost:3000",
    ...more,
  });
}

async function signedIn(sdk, label = "Ada", options = {}) {
  const visitor = session();
  const browser = new Browser(kinde.issuer);
  const { callback } = await browser.signIn(await sdk.login(visitor, options), label);
  await sdk.handleRedirectToApp(visitor, callback);
  return { visitor, browser };
}

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

for (const { name, start } of clients) {
  describe(`by ${name}`, () => {
    test("person signs in on the page and the SDK knows them", async () => {
      const sdk = start();
      const { visitor } = await signedIn(sdk);
      assert.equal(await sdk.isAuthenticated(visitor), true);
      const user = await sdk.getUser(visitor);
      assert.equal(user.given_name, "Ada");
      assert.equal(user.family_name, "Løvelace");
      assert.equal(user.email, "ada+kinde@example.test");
      assert.equal(user.id, (await sdk.getUserProfile(visitor)).id);
      assert.deepEqual([...visitor.items.keys()].sort(), ["access_token", "id_token", "refresh_token"]);
    });

    test("permissions, organization and flags are read from the tokens", async () => {
      const sdk = start();
      const { visitor } = await signedIn(sdk);
      assert.deepEqual(await sdk.getOrganization(visitor), { orgCode: "org_acme" });
      assert.deepEqual(await sdk.getUserOrganizations(visitor), { orgCodes: ["org_acme", "org_globex"] });
      assert.deepEqual((await sdk.getPermissions(visitor)).permissions, ["create:todos", "read:todos"]);
      assert.deepEqual(await sdk.getPermission(visitor, "create:todos"), { orgCode: "org_acme", isGranted: true });
      assert.equal((await sdk.getPermission(visitor, "delete:todos")).isGranted, false);
      assert.equal(await sdk.getBooleanFlag(visitor, "beta"), true);
      assert.equal(await sdk.getIntegerFlag(visitor, "seat_cap"), 25);
      assert.equal(await sdk.getStringFlag(visitor, "theme"), "plain");
      assert.equal((await sdk.getClaim(visitor, "sub", "id_token")).value, (await sdk.getUser(visitor)).id);
    });

    test("refreshing gives a whole new set of tokens for the same organization", async () => {
      const sdk = start();
      const { visitor } = await signedIn(sdk, "Ada", { org_code: "org_globex" });
      const old = new Map(visitor.items);
      await sdk.refreshTokens(visitor);
      assert.notEqual(visitor.items.get("refresh_token"), old.get("refresh_token"));
      assert.notEqual(visitor.items.get("id_token"), undefined);
      assert.deepEqual(await sdk.getOrganization(visitor), { orgCode: "org_globex" });
      visitor.items.set("refresh_token", old.get("refresh_token"));
      await kinde.control("advance", { seconds: overlap });
      await assert.rejects(sdk.refreshTokens(visitor), /refresh token/i);
      await kinde.control("follow_system_time");
    });

    test("logging out ends single sign-on and goes back to the application", async () => {
      const sdk = start();
      const { visitor, browser } = await signedIn(sdk);
      const refreshToken = visitor.items.get("refresh_token");
      const again = await browser.open(await sdk.login(session()));
      assert.ok(again.callback?.searchParams.get("code"), "the session spares the page");
      const left = await browser.open(await sdk.logout(visitor));
      assert.match(left.callback.href, /^http:\/\/localhost:3000\//);
      assert.equal(visitor.items.size, 0);
      assert.match((await browser.open(await sdk.login(session()))).page, /name="interaction"/);
      await visitor.setSessionItem("refresh_token", refreshToken);
      await assert.rejects(sdk.refreshTokens(visitor));
    });

    test("somebody new registers", async () => {
      const sdk = start();
      const visitor = session();
      const details = { p_email: `${name.replace(" ", "-")}@example.test`, p_first_name: "Grace", p_last_name: "Hopper" };
      const { callback } = await new Browser(kinde.issuer).register(await sdk.register(visitor), details);
      await sdk.handleRedirectToApp(visitor, callback);
      assert.equal((await sdk.getUser(visitor)).given_name, "Grace");
    });

    test("person creates an organization while signed in", async () => {
      const sdk = start();
      const { visitor, browser } = await signedIn(sdk, "Dave");
      const { callback } = await browser.open(await sdk.createOrg(visitor, { org_name: `Initech ${name}` }));
      await sdk.handleRedirectToApp(visitor, callback);
      const { orgCode } = await sdk.getOrganization(visitor);
      assert.match(orgCode, /^org_/);
      assert.ok((await sdk.getUserOrganizations(visitor)).orgCodes.includes(orgCode));
    });

    test("portal shows the person's profile and leads back to the application", async () => {
      const sdk = start();
      const { visitor, browser } = await signedIn(sdk);
      const { url } = await sdk.portal(visitor, { returnUrl: "http://localhost:3000/account" });
      const { page } = await browser.open(url);
      assert.match(page, /<h1>Your profile<\/h1>/);
      assert.match(page, /Ada Løvelace/);
      assert.match(page, /href="http:\/\/localhost:3000\/account"/);
    });

    test("person who cancels is reported as the error the server named", async () => {
      const sdk = start();
      const visitor = session();
      const { callback } = await new Browser(kinde.issuer).cancel(await sdk.login(visitor));
      await assert.rejects(sdk.handleRedirectToApp(visitor, callback), /access_denied/);
    });

    test("code that is used twice is refused", async () => {
      const sdk = start();
      const visitor = session();
      const { callback } = await new Browser(kinde.issuer).signIn(await sdk.login(visitor), "Ada");
      const state = new Map(visitor.items);
      await sdk.handleRedirectToApp(visitor, callback);
      state.forEach((value, key) => visitor.items.set(key, value));
      await assert.rejects(sdk.handleRedirectToApp(visitor, callback), /used before/);
    });
  });
}

test("access token that expired is refreshed before it is handed out", async () => {
  const sdk = client(GrantType.PKCE, singlePage);
  const { visitor } = await signedIn(sdk);
  const old = await sdk.getToken(visitor);
  assert.equal(await sdk.getToken(visitor), old);
  mock.timers.enable({ apis: ["Date"], now: Date.now() + 86_400_000 });
  await kinde.control("advance", { seconds: 86_400 });
  const young = await sdk.getToken(visitor);
  assert.ok(claims(young).exp > claims(old).exp);
  assert.deepEqual(await sdk.getOrganization(visitor), { orgCode: "org_acme" });
  mock.timers.reset();
  await kinde.control("follow_system_time");
});

test("tokens that expired before they arrived are not kept", async () => {
  const sdk = client(GrantType.PKCE, singlePage);
  const visitor = session();
  await kinde.control("set_time", { unix_seconds: 1_600_000_000 });
  const { callback } = await new Browser(kinde.issuer).signIn(await sdk.login(visitor), "Ada");
  await assert.rejects(sdk.handleRedirectToApp(visitor, callback), /expired/);
  assert.equal(await visitor.getSessionItem("access_token"), undefined);
  await kinde.control("follow_system_time");
});

test("person stays signed in across a key rotation", async () => {
  const sdk = client(GrantType.PKCE, singlePage);
  const { visitor } = await signedIn(sdk);
  const old = await sdk.getToken(visitor);
  await kinde.control("rotate_keys");
  assert.equal(await sdk.getToken(visitor), old);
  await sdk.refreshTokens(visitor);
  assert.equal(await sdk.isAuthenticated(visitor), true);
});

test("audiences that the SDK repeats are all in the access token", async () => {
  const audience = ["https://api.example.test", "https://reports.example.test"];
  const sdk = client(GrantType.PKCE, singlePage, { audience });
  const { visitor } = await signedIn(sdk);
  assert.deepEqual(claims(await sdk.getToken(visitor)).aud, audience);
});

test("silent sign-in without a session is login_required", async () => {
  const sdk = client(GrantType.PKCE, singlePage);
  const visitor = session();
  const url = await sdk.login(visitor, { authUrlParams: { prompt: "none" } });
  const { callback } = await new Browser(kinde.issuer).open(url);
  await assert.rejects(sdk.handleRedirectToApp(visitor, callback), /login_required/);
});

test("machine gets a token for its audience", async () => {
  const sdk = client(GrantType.CLIENT_CREDENTIALS, machine, { audience: "https://api.example.test", scope: "read:invoices" });
  const store = session();
  const token = claims(await sdk.getToken(store));
  assert.deepEqual(token.aud, ["https://api.example.test"]);
  assert.deepEqual(token.gty, ["client_credentials"]);
  assert.equal(token.azp, machine.clientId);
  assert.equal(token.sub, undefined);
  assert.equal(await sdk.isAuthenticated(store), true);
});

test("machine is told why it gets no token", async () => {
  const nobody = { ...machine, clientSecret: machine.clientSecret.replace("03", "99") };
  const wrong = client(GrantType.CLIENT_CREDENTIALS, nobody, { audience: "https://api.example.test" });
  await assert.rejects(wrong.getToken(session()));
  const elsewhere = client(GrantType.CLIENT_CREDENTIALS, machine, { audience: "https://elsewhere.example.test" });
  await assert.rejects(elsewhere.getToken(session()), /not authorized for the audience/);
});
