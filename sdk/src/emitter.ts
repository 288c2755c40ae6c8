// Something whose state can be looked at and listened to.

/** A value that changes; made for `useSyncExternalStore`, and for everything else. */
export interface Observable<T> {
  /** The state now. The same object until something changed. */
  get(): T;
  /** Calls back after every change. The returned function ends it. */
  subscribe(listener: () => void): () => void;
}

/** An observable that its owner sets. */
export class Value<T> implements Observable<T> {
  #value: T;
  readonly #listeners = new Listeners();

  constructor(value: T) {
    this.#value = value;
  }

  readonly get = (): T => this.#value;

  readonly subscribe = (listener: () => void): (() => void) => this.#listeners.add(listener);

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.#listeners.call();
  }
}

/** A part of something, which is the same object as long as it did not change. */
export function partOf<S, T>(whole: Observable<S>, part: (whole: S) => T): Observable<T> {
  const get = () => part(whole.get());
  const subscribe = (listener: () => void) => {
    let shown = get();
    return whole.subscribe(() => {
      const now = get();
      if (now === shown) return;
      shown = now;
      listener();
    });
  };
  return { get, subscribe };
}

/** Who is called when something happens. What a listener throws does not reach the others or the caller. */
export class Listeners {
  readonly #all = new Set<() => void>();

  get size(): number {
    return this.#all.size;
  }

  add(listener: () => void): () => void {
    // Wrapped, so that the same function may listen twice.
    const own = () => listener();
    this.#all.add(own);
    return () => {
      this.#all.delete(own);
    };
  }

  call(): void {
    for (const listener of [...this.#all]) callSafely(listener);
  }
}

/** Calls what an application gave us. What it throws is reported, and changes nothing here. */
export function callSafely<A extends readonly unknown[]>(
  listener: (...values: A) => void,
  ...values: A
): void {
  try {
    listener(...values);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
