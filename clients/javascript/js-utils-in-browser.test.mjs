// @kinde/js-utils in a real browser: tokens are asked for from the application's own origin, with credentials.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { startChromium } from "./chromium.mjs";
import { startEmulator } from "./emulator.mjs";

const clientId = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f04";

/** The application: serves its page, the client as it was published, and takes the result. */
const application = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/js-utils.js") {
    response.setHeader("content-type", "text/javascript");
    response.end(await readFile(fileURLToPath(import.meta.resolve("@kinde/js-utils"))));
  } else if (pathname === "/settings") {
    response.end(JSON.stringify({ domain: kinde.issuer, clientId }));
  } else if (pathname === "/result") {
    application.emit("result", await json(request));
    response.end();
  } else {
    response.setHeader("content-type", "text/html");
    response.end(await readFile(new URL("page.html", import.meta.url)));
  }
});
await once(application.listen(0, "127.0.0.1"), "listening");
after(() => application.close());
const origin = `http://127.0.0.1:${application.address().port}`;

const page = { name: "single page", kind: "public", client_id: clientId, callbacks: [`${origin}/callback`] };
const ada = { name: "ada", email: "ada+kinde@example.test", given_name: "Ada", family_name: "Løvelace" };
ada.memberships = [{ org: "acme", permissions: ["create:todos"] }];
const kinde = await startEmulator({ applications: [page], organizations: [{ handle: "acme" }], people: [ada] });
const chromium = await startChromium();

test("person signs in to a single page application, which refreshes its tokens and asks the Account API", async () => {
  const result = once(application, "result", { signal: AbortSignal.timeout(60_000) });
  const visitor = await chromium.visitor();
  await visitor.open(origin);
  const [told] = await result;
  assert.equal(told.error, undefined);
  assert.deepEqual([told.exchanged, told.refreshed], [true, true]);
  assert.equal(told.profile.familyName, "Løvelace");
  assert.deepEqual(told.permissions, ["create:todos"]);
});
