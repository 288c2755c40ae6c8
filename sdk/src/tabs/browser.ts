// Tabs of a browser: a Web Lock says who leads, a BroadcastChannel carries the news.

import { type Environment, pause } from "../environment.js";
import type { News } from "./news.js";
import type { Lead, SharedTabs } from "./port.js";

/** Milliseconds between two signs of life of the leader. */
const BEAT = 1_000;
/** Milliseconds of silence after which a tab that is looked at takes over: the leader is frozen. */
const SILENCE_MAX = 3_000;

/** This tab among those of the same name. Without Web Locks every tab leads, which costs connections only. */
export function browserTabs(name: string, environment: Environment): SharedTabs {
  return new BrowserTabs(name, environment);
}

class BrowserTabs implements SharedTabs {
  readonly name: string;
  readonly #lock: string;
  readonly #environment: Environment;
  readonly #channel: BroadcastChannel;
  readonly #end = new AbortController();
  #listeners: ((news: News) => void)[] = [];
  #isLeading = false;
  #isClosed = false;
  #heard: number;

  constructor(name: string, environment: Environment) {
    this.#lock = `${name}:leader`;
    this.#environment = environment;
    this.#heard = environment.monotonic();
    this.name = Math.floor(environment.random() * 2 ** 48).toString(36);
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<News>) => {
      if (data.type === "beat") this.#heard = environment.monotonic();
      else for (const listener of this.#listeners) listener(data);
    };
  }

  campaign(lead: Lead, now = false): void {
    if (this.#end.signal.aborted) return;
    if (!("locks" in navigator)) void lead(this.#end.signal);
    else void this.#campaign(lead, now);
  }

  tell(news: News): void {
    if (!this.#isClosed) this.#channel.postMessage(news);
  }

  listen(listener: (news: News) => void): void {
    this.#listeners.push(listener);
  }

  leave(): void {
    this.#end.abort();
  }

  close(): void {
    this.leave();
    this.#isClosed = true;
    this.#listeners = [];
    this.#channel.close();
  }

  async #campaign(lead: Lead, now: boolean): Promise<void> {
    const end = this.#end.signal;
    if (now) await this.#hold(lead, { steal: true });
    while (!end.aborted) {
      const change = new AbortController();
      const stopWaiting = () => change.abort();
      end.addEventListener("abort", stopWaiting);
      const isFrozen = this.#watch(change.signal);
      const won = this.#hold(lead, { signal: change.signal });
      const how = await Promise.race([isFrozen, won]);
      end.removeEventListener("abort", stopWaiting);
      change.abort();
      if (how === "frozen" && !end.aborted) await this.#hold(lead, { steal: true });
    }
  }

  /** Waits for the lock and leads while it is held. */
  async #hold(lead: Lead, options: LockOptions): Promise<"over"> {
    const lost = new AbortController();
    const over = () => lost.abort();
    let work: Promise<void> | undefined;
    try {
      await navigator.locks.request(this.#lock, options, async () => {
        if (this.#end.signal.aborted) return;
        this.#isLeading = true;
        this.#end.signal.addEventListener("abort", over);
        void this.#beat(lost.signal);
        work = lead(lost.signal);
        await work;
      });
    } catch {
      // Another tab took over, or this one does not want to lead any more.
    }
    this.#isLeading = false;
    this.#heard = this.#environment.monotonic();
    this.#end.signal.removeEventListener("abort", over);
    lost.abort();
    await work?.catch(() => undefined);
    return "over";
  }

  async #beat(lost: AbortSignal): Promise<void> {
    while (!lost.aborted) {
      this.tell({ type: "beat" });
      await pause(this.#environment, BEAT);
    }
  }

  /** Resolves when somebody looks at this tab and the leader has been silent. */
  async #watch(end: AbortSignal): Promise<"frozen" | "over"> {
    const patience = SILENCE_MAX * (1 + this.#environment.random() / 2);
    this.#heard = this.#environment.monotonic();
    while (!end.aborted) {
      await pause(this.#environment, BEAT / 2);
      const isLookedAt = typeof document === "undefined" || document.visibilityState === "visible";
      if (this.#isLeading || !isLookedAt) this.#heard = this.#environment.monotonic();
      if (this.#environment.monotonic() - this.#heard > patience) return "frozen";
    }
    return new Promise(() => {});
  }
}
