// Several requests at once with tokens that are nearly over: the SDK has each of them refresh with the same refresh token.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startStage } from "./stage.mjs";

const rows = [
  { name: "with the usual overlap all of them are served", tokens: {}, expected: (served) => served === 4 },
  {
    name: "without an overlap some of them are sent to sign in",
    tokens: { refresh_overlap_seconds: 0 },
    expected: (served) => served < 4,
  },
];

for (const { name, tokens, expected } of rows) {
  test(name, async () => {
    const { kinde, signedIn } = await startStage(tokens);
    await kinde.control("set_time", { unix_seconds: Math.floor(Date.now() / 1000) - 3_600 + 15 });
    const page = await signedIn("Ada");
    await kinde.control("follow_system_time");
    const statuses = await page.evaluate(async () => {
      const paths = ["/dashboard", "/todos", "/dashboard?2", "/todos?2"];
      const responses = await Promise.all(paths.map((path) => fetch(path, { redirect: "manual" })));
      return responses.map((response) => response.status);
    });
    // A redirect that is not followed shows no status to a page.
    assert.ok(expected(statuses.filter((status) => status === 200).length), String(statuses));
  });
}
