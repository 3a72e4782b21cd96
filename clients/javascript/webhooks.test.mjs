// @kinde/webhooks: reads the body of a webhook, which is a token of its own.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { text } from "node:stream/consumers";

import { decodeWebhook } from "@kinde/webhooks";

import { startEmulator } from "./emulator.mjs";

const kinde = await startEmulator();

/** The endpoint of an application: keeps the requests it gets. */
const receiver = createServer(async (request, response) => {
  const body = await text(request);
  response.end("ok");
  receiver.emit("webhook", { headers: request.headers, body });
});
await once(receiver.listen(0, "127.0.0.1"), "listening");
after(() => receiver.close());
await kinde.control("add_webhook", { endpoint: `http://127.0.0.1:${receiver.address().port}/hooks/kinde` });

async function delivered(event_type, set = {}) {
  const arrival = once(receiver, "webhook");
  const { event_id } = await kinde.control("trigger", { event_type, set });
  const [webhook] = await arrival;
  return { event_id, ...webhook };
}

test("event that is delivered is decoded", async () => {
  const { event_id, headers, body } = await delivered("user.created", { "data.user.first_name": "Løvelace" });
  assert.equal(headers["content-type"], "application/jwt");
  const event = await decodeWebhook(body, kinde.issuer);
  assert.equal(event.type, "user.created");
  assert.equal(event.event_id, event_id);
  assert.equal(event.data.user.first_name, "Løvelace");
  assert.ok(!Number.isNaN(Date.parse(event.timestamp)));
});

test("event signed by a rotated key is decoded", async () => {
  await kinde.control("rotate_keys");
  const { body } = await delivered("organization.updated");
  assert.equal((await decodeWebhook(body, kinde.issuer)).type, "organization.updated");
});

test("every documented event is decoded", async () => {
  const { event_types } = await kinde.asked("event_types");
  assert.ok(event_types.length >= 27, `${event_types.length}`);
  for (const event_type of event_types) {
    const { body } = await delivered(event_type);
    assert.equal((await decodeWebhook(body, kinde.issuer))?.type, event_type);
  }
});

test("event that somebody changed is not decoded", async () => {
  const { body } = await delivered("user.deleted");
  const [header, , signature] = body.split(".");
  const forged = Buffer.from(JSON.stringify({ type: "user.deleted", data: { user: { id: "kp_other" } } }));
  assert.equal(await decodeWebhook(`${header}.${forged.toString("base64url")}.${signature}`, kinde.issuer), null);
});
