// Work that is done one after the other, in the order in which it was given.

/** A queue of one. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();

  /** Does this after everything before it, whether or not that failed. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when everything that was given until now is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
