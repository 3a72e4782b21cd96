// What Kinde tells this application: its webhook endpoint.

import { decodeWebhook } from "@kinde/webhooks";

import { received } from "../../../received.js";

export async function POST(request) {
  let event = null;
  try {
    event = await decodeWebhook(await request.text(), process.env.KINDE_ISSUER_URL);
  } catch (error) {
    console.warn(`a webhook was refused: ${error.message}`);
  }
  // The package decodes any token that Kinde's keys signed, so look whether it is an event.
  if (!event?.type || !event.data) return new Response("not an event", { status: 400 });
  received.push({ type: event.type, email: event.data.user?.email });
  return new Response(null, { status: 200 });
}

/** For the tests of this repository: what arrived. */
export function GET() {
  return Response.json(received);
}
