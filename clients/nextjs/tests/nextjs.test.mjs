// @kinde-oss/kinde-auth-nextjs in a Next.js application, built for production and used through Chromium.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { ask, setup, startStage } from "./stage.mjs";
import { machine } from "./world.mjs";

const { kinde, site, signedIn, visitor } = await startStage();

afterEach(() => kinde.control("follow_system_time"));

const now = () => Math.floor(Date.now() / 1000);

describe("signing in", () => {
  test("person signs in and the server's pages know them", async () => {
    const page = await signedIn("Ada");
    assert.equal((await page.address()).href, `${site}/dashboard`);
    assert.equal(await page.text("#email"), "ada+kinde@example.test");
    assert.match(await page.text("#organization"), /^org_acme/);
    assert.equal(await page.text("#permissions"), "create:todos, read:todos");
    assert.equal(await page.text("#roles"), "admin");
  });

  test("component in the browser knows the person too", async () => {
    const page = await signedIn("Ada");
    assert.equal(await page.text("#browser"), "In the browser: ada+kinde@example.test may create todos.");
  });

  test("visitor who opens a page for members signs in and gets to that page", async () => {
    const page = await visitor();
    await page.open(`${site}/todos?page=2`);
    await page.follow("Ada");
    await page.shows("Todos of org_acme");
    assert.equal((await page.address()).href, `${site}/todos?page=2`);
  });

  test("tokens are kept in cookies that scripts cannot read", async () => {
    const page = await signedIn("Ada");
    const cookies = (await page.cookies()).filter(({ name }) => /_token\d*$/.test(name));
    assert.deepEqual(new Set(cookies.map(({ name }) => name)), new Set(["access_token", "id_token", "refresh_token"]));
    for (const { name, httpOnly, secure, sameSite } of cookies) {
      assert.deepEqual({ httpOnly, secure, sameSite }, { httpOnly: true, secure: true, sameSite: "Lax" }, name);
    }
  });

  test("somebody new registers, and the webhook tells the application", async () => {
    const page = await visitor();
    await page.open(site);
    await page.follow("Register");
    await page.fill("p_first_name", "Grace");
    await page.fill("p_last_name", "Hopper");
    await page.fill("p_email", "grace@example.test");
    await page.submit();
    await page.shows("Hello, Grace");
    assert.equal(await page.text("#email"), "grace@example.test");
    await page.until("webhook", async () => {
      const events = await (await fetch("/api/webhooks/kinde")).json();
      return events.some(({ type, email }) => type === "user.created" && email === "grace@example.test");
    });
  });

  test("person who cancels is asked again, as the SDK has it", async () => {
    const page = await visitor();
    await page.open(site);
    await page.follow("Sign in");
    await page.follow("Cancel");
    const address = await page.address();
    assert.equal(`${address.origin}${address.pathname}`, `${kinde.issuer}/oauth2/auth`);
    await page.follow("Ada");
    await page.shows("Hello, Ada");
  });

  test("person whose link expired starts again where they were", async () => {
    const page = await visitor();
    const before = Buffer.from(JSON.stringify({ login_hint: "bob@example.test" })).toString("base64");
    const answer = new URLSearchParams({ error: "login_link_expired", reauth_state: before });
    await page.open(`${site}/api/auth/kinde_callback?${answer}`);
    const address = await page.address();
    assert.equal(address.origin, kinde.issuer);
    assert.equal(address.searchParams.get("login_hint"), "bob@example.test");
  });

  test("answer that nobody asked for is refused", async () => {
    const page = await visitor();
    await page.open(`${site}/api/auth/kinde_callback?code=stolen&state=guessed`);
    await page.shows("State not found");
    assert.deepEqual((await page.cookies()).filter(({ name }) => name.endsWith("_token")), []);
  });
});

describe("what somebody may do", () => {
  test("person with the permission sees the page", async () => {
    const page = await signedIn("Ada");
    await page.follow("Todos");
    await page.shows("Todos of org_acme");
  });

  test("person without the permission is refused", async () => {
    const page = await signedIn("Bob");
    await page.follow("Todos");
    await page.shows("Not for you");
    await page.follow("Dashboard");
    assert.equal(await page.text("#browser"), "In the browser: bob@example.test may not create todos.");
  });

  test("flags are those of the person, and of the environment for others", async () => {
    const ada = await signedIn("Ada");
    assert.equal(await ada.text("#beta"), "You are trying the new board.");
    assert.equal(await ada.text("#seats"), "25");
    const bob = await signedIn("Bob");
    assert.equal(await bob.evaluate(() => document.querySelector("#beta")), null);
  });
});

describe("organizations", () => {
  test("person switches to another organization without signing in again", async () => {
    const page = await signedIn("Ada");
    await page.follow("Switch to org_globex");
    await page.shows("org_globex");
    assert.match(await page.text("#organization"), /^org_globex/);
    assert.equal(await page.text("#permissions"), "read:todos");
    await page.follow("Todos");
    await page.shows("Not for you");
  });

  test("person who asks for an organization of others lands in their own, as the SDK has it", async () => {
    const page = await signedIn("Bob");
    await page.open(`${site}/api/auth/login?org_code=org_globex`);
    await page.shows("Hello, Bob");
    assert.match(await page.text("#organization"), /^org_acme/);
    assert.ok((await page.address()).searchParams.has("state"), "the state of the refused request");
  });

  test("person creates an organization and is in it", async () => {
    const page = await signedIn("Dave");
    await page.follow("Create Initech");
    await page.shows("Hello, Dave");
    const { organization, userOrganizations } = await setup(page);
    assert.match(organization.orgCode, /^org_/);
    assert.deepEqual(userOrganizations.orgCodes, [organization.orgCode]);
  });
});

describe("tokens that grow old", () => {
  const until = async (page) => Number(/until (\d+)/.exec(await page.text("#token"))[1]);

  /** Signs Ada in at a time when tokens are given that last this many seconds from now. */
  async function nearlyOver(seconds) {
    await kinde.control("set_time", { unix_seconds: now() - 3_600 + seconds });
    const page = await signedIn("Ada");
    await kinde.control("follow_system_time");
    return { page, old: await until(page) };
  }

  test("tokens that are nearly over are refreshed before the page is shown", async () => {
    const { page, old } = await nearlyOver(15);
    await page.open(`${site}/dashboard`);
    assert.ok((await until(page)) > old + 3_000);
    const young = await setup(page);
    assert.ok(young.idToken.exp > old + 3_000);
    assert.equal(young.organization.orgCode, "org_acme");
    await page.follow("Dashboard");
    assert.equal((await setup(page)).accessTokenRaw, young.accessTokenRaw, "once is enough");
  });

  test("component in the browser gets tokens refreshed too", async () => {
    const { page, old } = await nearlyOver(15);
    assert.ok((await setup(page)).accessToken.exp > old + 3_000);
  });

  test("tokens with time left are kept", async () => {
    const { page, old } = await nearlyOver(120);
    await page.open(`${site}/dashboard`);
    assert.equal(await until(page), old);
  });
});

describe("signing out", () => {
  test("person who signs out is asked when they come again", async () => {
    const page = await signedIn("Ada");
    await page.follow("Sign out");
    await page.shows("You are signed out");
    assert.equal((await page.address()).href, `${site}/signed-out`);
    assert.deepEqual((await page.cookies()).filter(({ name }) => name.endsWith("_token")), []);
    await page.follow("Sign in again");
    assert.equal((await page.address()).origin, kinde.issuer);
    await page.follow("Bob");
    await page.shows("Hello, Bob");
  });

  test("person whose cookies are gone comes back without a question while single sign-on lasts", async () => {
    const page = await signedIn("Ada");
    assert.deepEqual(await ask(page, "/api/auth/end_session"), { status: 200, body: '{"success":true}' });
    assert.equal((await ask(page, "/api/auth/setup")).status, 401);
    await page.open(site);
    await page.follow("Sign in");
    await page.shows("Hello, Ada");
  });
});

describe("keys", () => {
  test("person stays signed in across a rotation", async () => {
    const page = await signedIn("Ada");
    const old = await setup(page);
    await kinde.control("rotate_keys");
    await page.open(`${site}/dashboard`);
    await page.shows("Hello, Ada");
    assert.equal((await setup(page)).accessTokenRaw, old.accessTokenRaw);
    await signedIn("Bob");
  });

  test("token of a withdrawn key is worth nothing once the SDK has seen one of the next key", async () => {
    const page = await signedIn("Ada");
    const { signing_kid: kid } = await kinde.asked("environment");
    await kinde.control("rotate_keys");
    await kinde.control("withdraw_key", { kid });
    assert.equal((await ask(page, "/api/auth/setup")).status, 200, "the SDK keeps keys for as long as it knows them all");
    await signedIn("Bob");
    assert.equal((await ask(page, "/api/auth/setup")).status, 401);
    await page.open(`${site}/dashboard`); // signs in again, by the single sign-on session
    await page.shows("Hello, Ada");
    await setup(page);
  });
});

describe("Kinde's Account API", () => {
  test("page shows the plan that the Account API knows of", async () => {
    assert.equal(await (await signedIn("Ada")).text("#plans"), "team");
    assert.equal(await (await signedIn("Bob")).text("#plans"), "");
  });

  test("person goes to the portal and comes back", async () => {
    const page = await signedIn("Ada");
    await page.follow("Your account");
    const address = await page.address();
    assert.equal(`${address.origin}${address.pathname}`, `${kinde.issuer}/portal_redirect`);
    await page.shows("ada+kinde@example.test");
    await page.follow("Go back");
    assert.equal((await page.address()).href, `${site}/dashboard`);
    await page.shows("Hello, Ada");
  });

  test("stranger who asks for the portal signs in first", async () => {
    const page = await visitor();
    await page.open(`${site}/api/auth/portal`);
    await page.follow("Ada");
    await page.shows("Hello, Ada");
  });
});

describe("Kinde's Management API", () => {
  test("person with the permission learns who there is", async () => {
    const { status, body } = await ask(await signedIn("Ada"), "/api/people");
    assert.equal(status, 200, body);
    assert.ok(JSON.parse(body).includes("bob@example.test"), body);
  });

  test("person without the permission and a stranger learn nothing", async () => {
    assert.equal((await ask(await signedIn("Bob"), "/api/people")).status, 403);
    assert.equal((await fetch(`${site}/api/people`)).status, 401);
  });
});

describe("routes of the SDK", () => {
  test("setup tells who is signed in", async () => {
    const page = await signedIn("Ada");
    const told = await setup(page);
    assert.equal(told.message, "OK");
    assert.equal(told.user.family_name, "Løvelace");
    assert.deepEqual(told.permissions, { permissions: ["create:todos", "read:todos"], orgCode: "org_acme" });
    assert.deepEqual(told.featureFlags.seat_cap, { t: "i", v: 25 });
    assert.deepEqual(told.accessToken.aud, ["https://api.example.test", "convex"]);
    assert.equal(told.accessToken.iss, kinde.issuer);
    assert.deepEqual(told.userOrganizations.orgCodes, ["org_acme", "org_globex"]);
  });

  test("setup tells a stranger nothing", async () => {
    const response = await fetch(`${site}/api/auth/setup`);
    assert.equal(response.status, 401);
    assert.equal((await response.json()).message, "NOT_LOGGED_IN");
  });

  test("health says that the settings are those of the emulator", async () => {
    const health = await (await fetch(`${site}/api/auth/health`)).json();
    assert.equal(health.clientSecret, "Set correctly");
    assert.equal(health.issuerURL, kinde.issuer);
    assert.equal(health.redirectURL, `${site}/api/auth/kinde_callback`);
    assert.deepEqual(health.audience, ["https://api.example.test", "convex"]);
  });
});

describe("an API of the application", () => {
  const todos = (authorization) => fetch(`${site}/api/todos`, { headers: authorization ? { authorization } : {} });

  async function machineToken(audience) {
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: machine.clientId,
      client_secret: machine.clientSecret,
      audience,
    });
    return (await (await fetch(`${kinde.issuer}/oauth2/token`, { method: "POST", body })).json()).access_token;
  }

  test("page asks by its session", async () => {
    const page = await signedIn("Bob");
    assert.deepEqual(await ask(page, "/api/todos"), { status: 200, body: '{"orgCode":"org_acme","todos":[]}' });
  });

  test("program asks by a bearer token of its user", async () => {
    const { accessTokenRaw } = await setup(await signedIn("Bob"));
    const response = await todos(`Bearer ${accessTokenRaw}`);
    assert.deepEqual([response.status, await response.json()], [200, { orgCode: "org_acme", todos: [] }]);
  });

  test("program without the permission, for another audience, or without a token is refused", async () => {
    const { accessTokenRaw } = await setup(await signedIn("Bob"));
    const rows = [
      ["no permission", 403, `Bearer ${await machineToken("https://api.example.test")}`],
      ["another audience", 401, `Bearer ${await machineToken("convex")}`],
      ["another signature", 401, `Bearer ${accessTokenRaw.replace(/\.[\w-](?=[^.]*$)/, (first) => (first === ".A" ? ".B" : ".A"))}`],
      ["no token", 401, undefined],
    ];
    for (const [name, status, authorization] of rows) {
      assert.equal((await todos(authorization)).status, status, name);
    }
  });

  test("what is no event of Kinde's is refused by the webhook", async () => {
    const token = await machineToken("convex");
    const rows = [
      ["a token that is no event", token],
      ["a token nobody signed", token.replace(/[^.]+$/, "")],
      ["no token", "user.created"],
    ];
    for (const [name, body] of rows) {
      const response = await fetch(`${site}/api/webhooks/kinde`, { method: "POST", body });
      assert.equal(response.status, 400, name);
    }
  });
});
