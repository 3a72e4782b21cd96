// An emulator, the application that signs in there, and a browser: what the tests of one file play on.

import assert from "node:assert/strict";

import { startChromium } from "../../javascript/chromium.mjs";
import { startEmulator } from "../../javascript/emulator.mjs";
import { freePort, startApplication } from "./application.mjs";
import { web, world } from "./world.mjs";

/** Starts all three; `tokens` is what the seed says about tokens. */
export async function startStage(tokens) {
  const port = await freePort();
  const site = `http://localhost:${port}`;
  const kinde = await startEmulator(world(site, tokens));
  await startApplication(port, {
    KINDE_ISSUER_URL: kinde.issuer,
    KINDE_CLIENT_ID: web.clientId,
    KINDE_CLIENT_SECRET: web.clientSecret,
    KINDE_SITE_URL: site,
    KINDE_POST_LOGIN_REDIRECT_URL: `${site}/dashboard`,
    KINDE_POST_LOGOUT_REDIRECT_URL: `${site}/signed-out`,
    KINDE_AUDIENCE: "https://api.example.test convex",
  });
  const chromium = await startChromium();

  /** Somebody at the application's door, whose browser has never been here. */
  const visitor = () => chromium.visitor();

  /** Signs in with the link on the home page and a click on the sign-in page. */
  async function signedIn(name) {
    const page = await visitor();
    await page.open(site);
    await page.follow("Sign in");
    await page.follow(name);
    await page.shows(`Hello, ${name}`);
    await page.text("#browser"); // the page has asked for all it needs
    return page;
  }

  return { kinde, site, visitor, signedIn };
}

/** Asks the application as its own pages do. */
export const ask = (page, path) =>
  page.evaluate(async (path) => {
    const response = await fetch(path);
    return { status: response.status, body: await response.text() };
  }, path);

/** What the application tells its own pages about who is signed in. */
export async function setup(page) {
  const { status, body } = await ask(page, "/api/auth/setup");
  assert.equal(status, 200, body);
  return JSON.parse(body);
}
