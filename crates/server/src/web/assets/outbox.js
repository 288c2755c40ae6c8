// What waits to be sent. Each message is written down, with its client id, before the first attempt, and stays until the
// server has acknowledged it; so a reload, another tab or a lost answer repeats it with the same id, and it exists once.

let last = 0n;

/** A time-ordered UUID (version 7), always greater than the one before from this page. */
export function clientId() {
  const random = crypto.getRandomValues(new Uint8Array(10));
  let value = BigInt(Date.now()) << 80n;
  for (const [at, byte] of random.entries()) value |= BigInt(byte) << BigInt(8 * (9 - at));
  value = (value & ~(0xfn << 76n)) | (0x7n << 76n);
  value = (value & ~(0x3n << 62n)) | (0x2n << 62n);
  // Within one millisecond the random part could go back: count on in it, below the version and variant bits.
  if (value <= last) value = last + 1n;
  last = value;
  const hex = value.toString(16).padStart(32, "0");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, "$1-$2-$3-$4-$5");
}

export class Outbox {
  #prefix; #send; #changed; #busy = new Set(); #failed = new Map(); #timer = 0;

  /** send(item) resolves when the server has it. */
  constructor(user, send, changed) {
    this.#prefix = `semel:out:${user}:`;
    this.#send = send;
    this.#changed = changed;
    addEventListener("storage", (event) => { if (event.key?.startsWith(this.#prefix)) changed(); });
  }

  items(threadId) {
    const items = [];
    for (let at = 0; at < localStorage.length; at++) {
      const key = localStorage.key(at);
      if (!key.startsWith(this.#prefix)) continue;
      const item = JSON.parse(localStorage.getItem(key));
      if (!threadId || item.thread_id === threadId) items.push({ ...item, error: this.#failed.get(item.client_id) });
    }
    return items.sort((a, b) => (a.client_id < b.client_id ? -1 : 1));
  }

  add(threadId, content) {
    const item = { client_id: clientId(), thread_id: threadId, content, created_at: new Date().toISOString() };
    localStorage.setItem(this.#prefix + item.client_id, JSON.stringify(item));
    this.#changed();
    this.run();
  }

  /** The message is known to be stored, however that became known. */
  done(id) {
    if (localStorage.getItem(this.#prefix + id) === null) return;
    localStorage.removeItem(this.#prefix + id);
    this.#failed.delete(id);
    this.#changed();
  }

  discard(id) { this.done(id); this.run(); }

  retry(id) { this.#failed.delete(id); this.#changed(); this.run(); }

  /** One message under way per thread, oldest first: their order is the order in which they were written. One that the
   *  server refused waits for the person, and the others pass it. */
  run() {
    clearTimeout(this.#timer);
    const firsts = new Map();
    for (const item of this.items()) {
      if (!item.error && !firsts.has(item.thread_id)) firsts.set(item.thread_id, item);
    }
    for (const item of firsts.values()) if (!this.#busy.has(item.thread_id)) this.#attempt(item);
  }

  async #attempt(item) {
    this.#busy.add(item.thread_id);
    let wait = 0;
    try {
      await this.#send(item);
      this.done(item.client_id);
    } catch (error) {
      if (error.problem && !error.retryable) this.#failed.set(item.client_id, error.message);
      else wait = error.problem?.retry_after_ms ?? 2000;
      this.#changed();
    }
    this.#busy.delete(item.thread_id);
    if (wait) this.#timer = setTimeout(() => this.run(), wait);
    else this.run();
  }
}
