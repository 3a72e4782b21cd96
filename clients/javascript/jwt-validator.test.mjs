// @kinde/jwt-validator: keeps the key set it fetched, and fetches it once more for a token it cannot verify.

import assert from "node:assert/strict";
import { test } from "node:test";

import { validateToken } from "@kinde/jwt-validator";

import { machine, startEmulator } from "./emulator.mjs";

const kinde = await startEmulator();

async function accessToken() {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: machine.clientId,
    client_secret: machine.clientSecret,
    audience: "https://api.example.test",
  });
  const response = await fetch(`${kinde.issuer}/oauth2/token`, { method: "POST", body });
  return (await response.json()).access_token;
}

const validate = (token) => validateToken({ token, domain: kinde.issuer });
const kid = (token) => JSON.parse(Buffer.from(token.split(".")[0], "base64url")).kid;

const keySetRequests = async () => (await kinde.asked("requests?path=/.well-known/jwks.json")).requests;

test("tokens of the old and of the new key are valid across a rotation", async () => {
  const old = await accessToken();
  assert.deepEqual(await validate(old), { valid: true, message: "Token is valid" });
  const rotated = await kinde.control("rotate_keys");
  const young = await accessToken();
  assert.equal(kid(young), rotated.kid);
  assert.notEqual(kid(young), kid(old));
  assert.equal((await validate(young)).valid, true);
  assert.equal((await validate(old)).valid, true);
});

test("token of a withdrawn key is refused as soon as the keys are fetched again", async () => {
  const old = await accessToken();
  await kinde.control("rotate_keys");
  await kinde.control("withdraw_key", { kid: kid(old) });
  const young = await accessToken();
  assert.equal((await validate(young)).valid, true);
  assert.match((await validate(old)).message, /JWK not found/);
});

test("token that somebody changed is refused", async () => {
  const [header, , signature] = (await accessToken()).split(".");
  const claims = Buffer.from(JSON.stringify({ sub: "kp_somebody_else" })).toString("base64url");
  assert.equal((await validate(`${header}.${claims}.${signature}`)).valid, false);
});

test("keys are fetched once for good tokens and once more for every bad one", async () => {
  const good = await accessToken();
  await validate(good);
  await kinde.control("reset_requests");
  await validate(good);
  await validate(await accessToken());
  assert.equal(await keySetRequests(), 0);
  const bad = `${good.slice(0, good.lastIndexOf("."))}.AAAA`;
  assert.equal((await validate(bad)).valid, false);
  assert.equal((await validate(bad)).valid, false);
  assert.equal(await keySetRequests(), 2);
});

// Not our wish but what this client does: it looks at the signature only, so its callers have to look at the claims.
test("expired token has a good signature and passes", async () => {
  await kinde.control("set_time", { unix_seconds: 1_600_000_000 });
  const expired = await accessToken();
  await kinde.control("follow_system_time");
  assert.equal((await validate(expired)).valid, true);
});
