// Simulated time: nothing waits for the machine.

import type { Environment } from "../../src/environment.js";

/** A sequence of numbers from 0 to less than 1 that follows from its seed. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Timer {
  readonly at: number;
  readonly number: number;
  readonly work: () => void;
}

/** Timers of all devices and of the network, in one order. */
export class Clock {
  now = 1_800_000_000_000;
  #timers: Timer[] = [];
  #count = 0;

  after(milliseconds: number, work: () => void): () => void {
    this.#count += 1;
    const timer = { at: this.now + Math.max(0, milliseconds), number: this.#count, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Lets time pass: everything that is due happens, and what follows from it. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    for (;;) {
      await settle();
      const next = this.#next();
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.now = Math.max(this.now, next.at);
      next.work();
    }
    this.now = end;
  }

  /** The machine of one tab; its clock may be wrong, and may be set. */
  environment(random: () => number, skew: () => number): Environment {
    const begin = this.now;
    return {
      now: () => this.now + skew(),
      monotonic: () => this.now - begin,
      after: (milliseconds, work) => this.after(milliseconds, work),
      random,
    };
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      const isBefore =
        first === undefined ||
        timer.at < first.at ||
        (timer.at === first.at && timer.number < first.number);
      if (isBefore) first = timer;
    }
    return first;
  }
}

/** Everything that waits for nothing but promises is done. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
