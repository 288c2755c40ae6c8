// Calls as a page makes them, and a browser's cookies.

/** The JSON of an answer to a POST. */
export async function post(server, path, body, headers = {}) {
  const answer = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return answer.json();
}

/** A browser, as far as redirects and cookies go. */
export class Browser {
  #cookies = new Map();

  /** One request, with the cookies of its host. */
  async ask(url, options = {}) {
    const { origin } = new URL(url);
    const jar = this.#cookies.get(origin) ?? new Map();
    this.#cookies.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...options.headers, ...(cookie && { cookie }) };
    const answer = await fetch(url, { ...options, headers, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  }

  /** Goes where it is sent, up to an address that begins like this; there it stops before it asks. */
  async follow(url, until) {
    for (let steps = 0; steps < 20; steps += 1) {
      if (url.startsWith(until)) return { url };
      const answer = await this.ask(url);
      const next = answer.headers.get("location");
      if (!next) return { url, page: await answer.text() };
      url = new URL(next, url).href;
    }
    throw new Error(`sent around too often, last to ${url}`);
  }

  /** A form of a page, filled in. */
  async submit(url, fields) {
    const answer = await this.ask(url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(fields),
    });
    return new URL(answer.headers.get("location"), url).href;
  }

  /** A call of a page of the server. */
  async call(server, path, body, headers = {}) {
    const answer = await this.ask(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: server.url, ...headers },
      body: JSON.stringify(body),
    });
    return answer.json();
  }
}
