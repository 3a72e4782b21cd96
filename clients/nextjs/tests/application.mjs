// Starts the application for one test file, and ends it with the tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

export const folder = fileURLToPath(new URL("..", import.meta.url));
export const next = fileURLToPath(new URL("../node_modules/next/dist/bin/next", import.meta.url));

/** Finds a port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Serves what `next build` built, at `http://localhost:PORT`, with the settings that a developer keeps in .env.local. */
export async function startApplication(port, settings) {
  const application = spawn(process.execPath, [next, "start", "--port", port, "--hostname", "localhost"], {
    cwd: folder,
    env: { ...process.env, ...settings, NEXT_TELEMETRY_DISABLED: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = [];
  application.stdout.on("data", (data) => lines.push(data));
  application.stderr.on("data", (data) => lines.push(data));
  after(() => application.kill());
  for (let waited = 0; !lines.join("").includes("Ready in"); waited += 50) {
    if (application.exitCode !== null || waited > 60_000) throw new Error(`the application did not start: ${lines.join("")}`);
    await new Promise((passed) => setTimeout(passed, 50));
  }
}
