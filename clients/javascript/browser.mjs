// As much of a browser as signing in needs: cookies, redirects, and one click on a page.

/** A browser with its own cookies, which stops at the first address that is not on `origin`. */
export class Browser {
  #cookies = new Map();

  constructor(origin) {
    this.origin = origin;
  }

  /** Opens an address; returns the page it ends at, or the URL of another origin that it is sent to. */
  async open(url, request = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...request, redirect: "manual", headers: { ...request.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/max-age=0/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    if (response.status < 300 || response.status > 399) {
      return { status: response.status, page: await response.text() };
    }
    const target = new URL(response.headers.get("location"), url);
    return target.origin === this.origin ? this.open(target) : { callback: target };
  }

  /** Opens the sign-in page and clicks on the person whose button shows `label`. */
  async signIn(url, label) {
    const shown = await this.open(url);
    if (!shown.page) return shown;
    const button = new RegExp(`<button[^>]* name="person" value="([^"]+)"[^>]*>((?!</button>)[^])*${label}`);
    return this.#submit(shown.page, { person: button.exec(shown.page)?.[1] });
  }

  /** Opens the registration page and fills it in. */
  async register(url, details) {
    const shown = await this.open(url);
    return shown.page ? this.#submit(shown.page, details) : shown;
  }

  /** Opens the sign-in page and goes back without signing in. */
  async cancel(url) {
    const shown = await this.open(url);
    return this.#submit(shown.page, { decision: "deny" });
  }

  #submit(page, fields) {
    const interaction = /name="interaction" value="([^"]+)"/.exec(page)?.[1];
    if (!interaction) throw new Error(`this is no sign-in page: ${page}`);
    const body = new URLSearchParams({ interaction, ...fields });
    return this.open(`${this.origin}/oauth2/auth/sign_in`, { method: "POST", body });
  }
}
