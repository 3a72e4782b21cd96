// @kinde-oss/kinde-auth-pkce-js in a real browser: the client that Kinde offers to pages without a framework.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { startChromium } from "./chromium.mjs";
import { startEmulator } from "./emulator.mjs";

const clientId = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f05";

/** The application: serves its page and the client as it was published. */
const application = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/pkce-js.js") {
    response.setHeader("content-type", "text/javascript");
    response.end(await readFile(fileURLToPath(import.meta.resolve("@kinde-oss/kinde-auth-pkce-js"))));
  } else if (pathname === "/settings") {
    response.end(JSON.stringify({ domain: kinde.issuer, clientId }));
  } else {
    response.setHeader("content-type", "text/html");
    response.end(await readFile(new URL("pkce-js.html", import.meta.url)));
  }
});
await once(application.listen(0, "127.0.0.1"), "listening");
after(() => application.close());
const origin = `http://127.0.0.1:${application.address().port}`;

const page = { name: "page", kind: "public", client_id: clientId, callbacks: [origin], logout_urls: [origin] };
const ada = { name: "ada", given_name: "Ada", memberships: [{ org: "acme", permissions: ["create:todos"] }] };
const kinde = await startEmulator({ applications: [page], organizations: [{ handle: "acme" }], people: [ada] });
const chromium = await startChromium();

test("person signs in, comes back with refreshed tokens, and signs out", async () => {
  const visitor = await chromium.visitor();
  await visitor.open(origin);
  await visitor.shows("nobody");
  await visitor.follow("Sign in");
  await visitor.follow("Ada");
  await visitor.shows("ada@example.test may create todos");
  const { requests } = await kinde.asked("requests?path=/oauth2/token");
  await visitor.open(origin);
  await visitor.shows("ada@example.test may create todos");
  assert.equal((await kinde.asked("requests?path=/oauth2/token")).requests, requests + 1, "a page that is opened again refreshes");
  await visitor.follow("Sign out");
  await visitor.shows("nobody");
  await visitor.follow("Sign in");
  assert.equal((await visitor.address()).origin, kinde.issuer);
  await visitor.shows("Ada");
});
