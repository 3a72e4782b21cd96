// Starts the program `kinde-emulator` for one test file, and ends it with the tests.
//
// KINDE_EMULATOR names the program; without it, it has to be in the PATH.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

const world = fileURLToPath(new URL("world.toml", import.meta.url));

/** What world.toml says about its applications. */
export const web = {
  clientId: "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f01",
  clientSecret: "ThisIsNoSecretBecauseItIsPublishedWithTheTests01",
  callback: "http://localhost:3000/api/auth/kinde_callback",
  afterLogout: "http://localhost:3000/signed-out",
};
export const singlePage = {
  clientId: "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f02",
  callback: "http://localhost:3000/callback",
};
export const machine = {
  clientId: "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f03",
  clientSecret: "ThisIsNoSecretBecauseItIsPublishedWithTheTests03",
};

/** How many seconds a refresh token works after its first use. */
export const overlap = 10;

/** Starts an emulator on a free port, with the world of a seed: a file, or what would stand in one. */
export async function startEmulator(seed = world) {
  const program = process.env.KINDE_EMULATOR ?? "kinde-emulator";
  const file = typeof seed === "string" ? seed : await written(seed);
  const child = spawn(program, ["--port", "0", "--json", "--seed", file], { stdio: ["ignore", "pipe", "inherit"] });
  after(() => child.kill());
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(() => Promise.reject(new Error(`${program} ended before it was ready`))),
  ]);
  return new Emulator(JSON.parse(line).issuer);
}

async function written(seed) {
  const folder = await mkdtemp(join(tmpdir(), "kinde-emulator-seed-"));
  after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "world.json");
  await writeFile(file, JSON.stringify(seed));
  return file;
}

class Emulator {
  constructor(issuer) {
    this.issuer = issuer;
  }

  /** Asks the control API what is. */
  async asked(question) {
    return (await fetch(`${this.issuer}/_emulator/${question}`)).json();
  }

  /** Has the control API do something, under the names of the Rust API. */
  async control(operation, details = {}) {
    const response = await fetch(`${this.issuer}/_emulator/${operation}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(details),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${operation}: ${response.status} ${answer.error}`);
    return answer;
  }
}
