// Builds the application as for production, before the tests start it with the settings of each emulator.

import { execFileSync } from "node:child_process";

import { folder, next } from "./application.mjs";

// handleAuth() wants its settings while building too; none of these stay in what is built.
const settings = {
  KINDE_ISSUER_URL: "http://127.0.0.1:4100",
  KINDE_CLIENT_ID: "set-when-started",
  KINDE_CLIENT_SECRET: "set-when-started",
  KINDE_SITE_URL: "http://localhost:3000",
};

execFileSync(process.execPath, [next, "build"], {
  cwd: folder,
  env: { ...process.env, ...settings, NEXT_TELEMETRY_DISABLED: "1" },
  stdio: "inherit",
});
