// @kinde/js-utils in a real browser: tokens are asked for from the application's own origin, with credentials.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { startEmulator } from "./emulator.mjs";

const clientId = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f04";
const folder = await mkdtemp(join(tmpdir(), "kinde-emulator-page-"));
after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

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

const seed = join(folder, "world.json");
const page = { name: "single page", kind: "public", client_id: clientId, callbacks: [`${origin}/callback`] };
const ada = { name: "ada", email: "ada+kinde@example.test", given_name: "Ada", family_name: "Løvelace" };
await writeFile(seed, JSON.stringify({ applications: [page], people: [ada] }));
const kinde = await startEmulator(seed);

test("person signs in to a single page application, which refreshes its tokens", async () => {
  const result = once(application, "result", { signal: AbortSignal.timeout(60_000) });
  const browser = spawn("chromium", [
    "--headless",
    `--user-data-dir=${join(folder, "profile")}`,
    "--no-first-run",
    "--disable-gpu",
    "--remote-debugging-port=0", // keeps it open after the page has loaded
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), // Chromium as root starts in no other way
    origin,
  ], { stdio: "ignore" });
  try {
    const [told] = await result;
    assert.equal(told.error, undefined);
    assert.deepEqual([told.exchanged, told.refreshed], [true, true]);
    assert.equal(told.profile.familyName, "Løvelace");
  } finally {
    const ended = once(browser, "exit");
    browser.kill();
    await ended;
  }
});
