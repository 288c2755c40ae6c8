// Who is there and who types.

import { type Observable, Value } from "../emitter.js";
import type { EngineContext } from "../engine/context.js";
import type { Cancel } from "../environment.js";
import { canonicalUserId } from "../ids.js";
import type { Presence } from "../protocol/wire.js";
import type { Interest, Notice } from "../tabs/news.js";

/** Milliseconds after which a typing notice is forgotten (P-READ-4). */
const TYPING_LASTS = 6_000;
/** Milliseconds between two notices that this person types. */
const TYPING_EVERY = 4_000;

const NOBODY: readonly string[] = [];

/** What passes and is kept nowhere. */
export class People {
  readonly #context: EngineContext;
  readonly #onInterest: (interest: Interest) => void;
  readonly #presence = new Map<string, Value<Presence | undefined>>();
  readonly #watched = new Map<string, number>();
  readonly #open = new Map<string, number>();
  readonly #typing = new Map<string, Value<readonly string[]>>();
  readonly #forget = new Map<string, Cancel>();
  readonly #told = new Map<string, number>();

  constructor(context: EngineContext, onInterest: (interest: Interest) => void) {
    this.#context = context;
    this.#onInterest = onInterest;
  }

  /** Whether somebody is there; only contacts are told. Unknown is not the same as away. */
  presence(user_id: string): Observable<Presence | undefined> {
    const id = canonicalUserId(user_id);
    const value = this.#presenceOf(id);
    return {
      get: value.get,
      subscribe: (listener) => {
        const unsubscribe = value.subscribe(listener);
        const unwatch = this.#count(this.#watched, id);
        return () => {
          unsubscribe();
          unwatch();
        };
      },
    };
  }

  /** Who types in a thread, except this person. */
  typing(thread_id: string): Observable<readonly string[]> {
    return this.#typingIn(thread_id);
  }

  /** This tab has a thread on screen. The returned function ends it. */
  open(thread_id: string): () => void {
    return this.#count(this.#open, thread_id);
  }

  /** Whether it is time to tell again that this person types. */
  mayTell(thread_id: string): boolean {
    const now = this.#context.environment.monotonic();
    if (now - (this.#told.get(thread_id) ?? Number.NEGATIVE_INFINITY) < TYPING_EVERY) return false;
    this.#told.set(thread_id, now);
    return true;
  }

  stopTelling(thread_id: string): boolean {
    return this.#told.delete(thread_id);
  }

  get interest(): Interest {
    return { threads: [...this.#open.keys()], people: [...this.#watched.keys()] };
  }

  take(notice: Notice): void {
    if (notice.type === "presence") {
      const { presence } = notice;
      this.#presenceOf(presence.user_id).set(presence);
      return;
    }
    const { thread_id, user_id, typing } = notice.notice;
    if (user_id !== this.#context.me) this.#types(thread_id, user_id, typing);
  }

  /** Without a connection nothing is known. */
  forget(): void {
    for (const value of this.#presence.values()) value.set(undefined);
    for (const value of this.#typing.values()) value.set(NOBODY);
  }

  #types(thread_id: string, user_id: string, typing: boolean): void {
    const value = this.#typingIn(thread_id);
    const others = value.get().filter((one) => one !== user_id);
    const key = `${thread_id} ${user_id}`;
    this.#forget.get(key)?.();
    this.#forget.delete(key);
    if (typing) {
      const end = () => this.#types(thread_id, user_id, false);
      this.#forget.set(key, this.#context.environment.after(TYPING_LASTS, end));
      value.set([...others, user_id]);
    } else if (others.length < value.get().length) value.set(others);
  }

  #presenceOf(user_id: string): Value<Presence | undefined> {
    let value = this.#presence.get(user_id);
    if (value === undefined) {
      value = new Value<Presence | undefined>(undefined);
      this.#presence.set(user_id, value);
    }
    return value;
  }

  #typingIn(thread_id: string): Value<readonly string[]> {
    let value = this.#typing.get(thread_id);
    if (value === undefined) {
      value = new Value<readonly string[]>(NOBODY);
      this.#typing.set(thread_id, value);
    }
    return value;
  }

  #count(counts: Map<string, number>, key: string): () => void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (counts.get(key) === 1) this.#onInterest(this.interest);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (counts.get(key) ?? 1) - 1;
      if (left > 0) counts.set(key, left);
      else {
        counts.delete(key);
        this.#onInterest(this.interest);
      }
    };
  }
}
