// Chromium without a window, driven over a pipe by its DevTools protocol, so that no package has to be installed for it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** Starts Chromium for one test file; it ends with the tests. */
export async function startChromium() {
  const folder = await mkdtemp(join(tmpdir(), "kinde-emulator-chromium-"));
  const chromium = spawn("chromium", [
    "--headless",
    `--user-data-dir=${folder}`,
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), // Chromium as root starts in no other way
  ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => chromium.once("exit", resolve));
  after(async () => {
    chromium.kill();
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return new Chromium(chromium.stdio[3], chromium.stdio[4], ended);
}

class Chromium {
  #requests = new Map();
  #asked = 0;
  #output;

  constructor(output, input, ended) {
    this.#output = output;
    let unread = "";
    input.setEncoding("utf8").on("data", (data) => {
      const messages = (unread + data).split("\0");
      unread = messages.pop();
      for (const message of messages) this.#answered(JSON.parse(message));
    });
    const over = () => this.#requests.forEach(({ reject }) => reject(new Error("Chromium ended")));
    output.on("error", over);
    ended.then(over);
  }

  /** Asks for one command of the DevTools protocol. */
  ask(method, params = {}, sessionId = undefined) {
    const id = (this.#asked += 1);
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve, reject });
      this.#output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  #answered({ id, result, error }) {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    if (error) request?.reject(new Error(error.message));
    else request?.resolve(result);
  }

  /** An empty page for somebody with cookies of their own. */
  async visitor() {
    const { browserContextId } = await this.ask("Target.createBrowserContext");
    const { targetId } = await this.ask("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await this.ask("Target.attachToTarget", { targetId, flatten: true });
    return new Page((method, params) => this.ask(method, params, sessionId));
  }
}

/** What one visitor looks at. */
class Page {
  #ask;

  constructor(ask) {
    this.#ask = ask;
  }

  /** Opens an address and waits for the page it ends at. */
  async open(url) {
    await this.#leave(() => this.#ask("Page.navigate", { url }));
  }

  /** Clicks on the link or the button with this name and waits for the page it leads to. */
  async follow(name) {
    await this.#leave(() => this.click(name));
  }

  /** Clicks on the link or the button with this name. */
  async click(name) {
    await this.until(`a link or a button "${name}"`, (wanted) => {
      const words = (text) => text.replace(/\s+/g, " ").trim();
      const found = [...document.querySelectorAll("a, button")].find(
        (element) => element.checkVisibility() && words(element.ariaLabel ?? element.textContent).includes(wanted),
      );
      // Once the command has been answered: the page may be gone by then.
      if (found) setTimeout(() => found.click());
      return Boolean(found);
    }, name);
  }

  /** Writes into the field of this name. */
  async fill(field, text) {
    await this.until(`a field "${field}"`, (wanted) => {
      const found = document.querySelector(`input[name="${wanted}"]`);
      found?.focus();
      found?.select();
      return Boolean(found);
    }, field);
    await this.#ask("Input.insertText", { text });
  }

  /** Sends the form that the page is about, as Kinde's tests do, and waits for the page that follows. */
  async submit() {
    await this.#leave(() =>
      this.until("a main button", () => {
        const found = document.querySelector('button[data-kinde-button-variant="primary"]');
        if (found) setTimeout(() => found.click());
        return Boolean(found);
      }),
    );
  }

  /** Waits until the page shows a text. */
  async shows(text) {
    await this.until(`the text "${text}"`, (wanted) => document.body.innerText.includes(wanted), text);
  }

  /** Waits until the page has this element, and returns its text. */
  async text(selector) {
    const found = (wanted) => Boolean(document.querySelector(wanted));
    await this.until(`an element ${selector}`, found, selector);
    return this.evaluate((wanted) => document.querySelector(wanted).innerText, selector);
  }

  /** The address the page has now. */
  async address() {
    return new URL(await this.evaluate(() => location.href));
  }

  /** The visitor's cookies for the page, as the browser keeps them. */
  async cookies() {
    return (await this.#ask("Network.getCookies")).cookies;
  }

  /** Runs a function in the page, with what JSON can carry, and returns what it returns. */
  async evaluate(run, ...details) {
    const { result, exceptionDetails } = await this.#ask("Runtime.evaluate", {
      expression: `(${run})(...${JSON.stringify(details)})`,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Runs a function in the page again and again until it returns something true. */
  async until(wanted, run, ...details) {
    const end = Date.now() + PATIENCE_MILLISECONDS;
    for (;;) {
      // A page that is being left answers nothing.
      const found = await this.evaluate(run, ...details).catch(() => undefined);
      if (found) return found;
      if (Date.now() > end) throw new Error(`no ${wanted} on ${await this.#described()}`);
      await new Promise((passed) => setTimeout(passed, 50));
    }
  }

  async #leave(act) {
    const before = await this.evaluate(() => performance.timeOrigin);
    await act();
    await this.until("other page", (old) => performance.timeOrigin !== old && document.readyState === "complete", before);
  }

  async #described() {
    return this.evaluate(() => `${location.href}:\n${document.body?.innerText}`);
  }
}

/** A page of a busy computer may take long; a test that waits in vain takes this much. */
const PATIENCE_MILLISECONDS = 30_000;
