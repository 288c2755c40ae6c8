// What passes: who types, who is there, what this device has on screen.

import type { Link } from "../network/port.js";
import * as limits from "../protocol/limits.js";
import type { Presence } from "../protocol/wire.js";
import type { Interest, Notice } from "../tabs/news.js";

export class Passing {
  readonly #tell: (notice: Notice) => void;
  readonly #interests = new Map<string, Interest>();
  #open = new Set<string>();
  #link: Link | undefined;

  constructor(tell: (notice: Notice) => void) {
    this.#tell = tell;
  }

  open(link: Link): void {
    this.#link = link;
    this.#open = new Set();
    this.#update();
  }

  close(): void {
    this.#link = undefined;
  }

  /** What a tab has on screen; nothing when it is gone. */
  show(tab: string, interest: Interest): void {
    if (interest.threads.length + interest.people.length === 0) this.#interests.delete(tab);
    else this.#interests.set(tab, interest);
    this.#update();
  }

  type(thread_id: string, typing: boolean): void {
    this.#send("typing", { thread_id, typing });
  }

  #update(): void {
    const interests = [...this.#interests.values()];
    const threads = new Set(interests.flatMap((one) => one.threads));
    const wanted = new Set([...threads].slice(-limits.OPEN_THREADS_PER_DEVICE_MAX));
    for (const thread_id of this.#open) {
      if (!wanted.has(thread_id)) this.#send("thread:close", { thread_id });
    }
    for (const thread_id of wanted) {
      if (!this.#open.has(thread_id)) this.#send("thread:open", { thread_id });
    }
    this.#open = wanted;
    const people = [...new Set(interests.flatMap((one) => one.people))];
    void this.#askPresence(people.slice(0, limits.PRESENCE_USERS_MAX));
  }

  async #askPresence(user_ids: readonly string[]): Promise<void> {
    if (this.#link === undefined || user_ids.length === 0) return;
    const ask = this.#link.ask<{ presence: Presence[] }>("presence", { user_ids });
    const ack = await ask.catch(() => undefined);
    if (ack?.status !== "success") return;
    for (const presence of ack.data.presence) this.#tell({ type: "presence", presence });
  }

  /** Best effort: on the next connection all of it is said again. */
  #send(name: string, data: unknown): void {
    this.#link?.ask(name, data).catch(() => undefined);
  }
}
