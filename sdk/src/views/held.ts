// Messages of a window as the device keeps them, read again only where they changed.

import type { Database } from "../database/port.js";
import type { Interval } from "../database/schema.js";
import { readMessages } from "../log/pages.js";
import type { Message } from "../protocol/wire.js";

const NOTHING: Interval = [1, 0];

export class HeldMessages {
  #messages: readonly Message[] = [];
  /** Between which seqs they are all here. */
  #window = NOTHING;
  /** Between which seqs some may be others by now. */
  #changed = NOTHING;
  /** Grows when everything was forgotten, so that what was read before is not put in. */
  #life = 0;

  /** In order of seq. What did not change is the same object as before. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** First seq of the window, of which there need not be a message; 1 when there is none. */
  get first(): number {
    return this.#window[0];
  }

  /** Last seq of the window; 0 when there is none. */
  get end(): number {
    return this.#window[1];
  }

  /** Between these seqs some may have changed. */
  note(changed: Interval): void {
    this.#changed = isEmpty(this.#changed)
      ? changed
      : [Math.min(this.#changed[0], changed[0]), Math.max(this.#changed[1], changed[1])];
  }

  /** They are of another log. */
  forget(): void {
    this.#life += 1;
    this.#messages = [];
    this.#window = NOTHING;
    this.#changed = NOTHING;
  }

  /** Lets go of what lies outside. Whether something is left, and something went. */
  cut(window: Interval): boolean {
    const kept = within(this.#window, window);
    const isCut = kept[0] !== this.#window[0] || kept[1] !== this.#window[1];
    if (!isCut) return false;
    this.#window = isEmpty(kept) ? NOTHING : kept;
    this.#messages = this.#messages.filter(({ seq }) => isIn(kept, seq));
    return this.#messages.length > 0;
  }

  /** Whether this window is here as the device keeps it. */
  isFresh(window: Interval): boolean {
    if (isEmpty(window)) return isEmpty(this.#window);
    const isSame = this.#window[0] === window[0] && this.#window[1] === window[1];
    return isSame && isEmpty(within(this.#changed, window));
  }

  /** Reads what of this window is not here, and what changed. */
  async read(database: Database, thread_id: string, window: Interval): Promise<void> {
    this.cut(window);
    const life = this.#life;
    const parts = this.#missing(window);
    const changed = this.#changed;
    // What changes from now on may not be among what is read.
    this.#changed = NOTHING;
    const read: Message[] = [];
    try {
      await database.read(["pages"], async (tx) => {
        read.length = 0;
        for (const part of parts) read.push(...(await readMessages(tx, thread_id, part)));
      });
    } catch (error) {
      this.note(changed);
      throw error;
    }
    if (life !== this.#life) return;
    const known = new Map(this.#messages.map((message) => [message.seq, message]));
    const messages = this.#messages.filter(({ seq }) => !parts.some((part) => isIn(part, seq)));
    for (const message of read) {
      const before = known.get(message.seq);
      messages.push(before?.rev === message.rev ? before : message);
    }
    this.#messages = messages.sort((a, b) => a.seq - b.seq);
    this.#window = window;
  }

  #missing(window: Interval): Interval[] {
    if (isEmpty(this.#window)) return [window];
    const [first, last] = this.#window;
    const parts: Interval[] = [
      [window[0], first - 1],
      within(this.#changed, [first, last]),
      [last + 1, window[1]],
    ];
    return parts.filter((part) => !isEmpty(part));
  }
}

function isEmpty([first, last]: Interval): boolean {
  return last < first;
}

function isIn([first, last]: Interval, seq: number): boolean {
  return first <= seq && seq <= last;
}

function within(a: Interval, b: Interval): Interval {
  return [Math.max(a[0], b[0]), Math.min(a[1], b[1])];
}
