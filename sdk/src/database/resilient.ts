// A database that goes on when the browser's fails: opened again, or continued in memory.
//
// Invariant: what only this device has is mirrored in memory, so that nothing of it is lost with a broken handle.

import { Value } from "../emitter.js";
import { type Environment, pause } from "../environment.js";
import { evict } from "./evict.js";
import { MemoryDatabase } from "./memory.js";
import type { Database, Durability, Key, Query, Range, Reader, Writer } from "./port.js";
import { durableStores, type StoreName, type Stores, storeNames } from "./schema.js";

/** Pauses before opening again, in milliseconds. */
const REOPEN_AFTER = [0, 100, 500, 2_000];
/** Errors after which a handle is of no use any more; WebKit has them when its database process died. */
const LOST = new Set([
  "InvalidStateError",
  "UnknownError",
  "AbortError",
  "TransactionInactiveError",
]);

/** Where things are kept. */
export type KeptIn =
  | { readonly type: "disk" }
  /** They are gone with the page; `reason` says why. */
  | { readonly type: "memory"; readonly reason: "chosen" | "unavailable" | "failed" | "full" };

/** Opens a database; `onLost` is called when it is closed from outside. */
export type Open = (onLost: () => void) => Promise<Database>;

export class ResilientDatabase implements Database {
  readonly keptIn = new Value<KeptIn>({ type: "disk" });
  readonly #open: Open;
  readonly #environment: Environment;
  readonly #mirror = new MemoryDatabase();
  #database: Promise<Database> | undefined;
  #memory: MemoryDatabase | undefined;
  #moving: Promise<void> | undefined;
  #isClosed = false;

  constructor(open: Open, environment: Environment) {
    this.#open = open;
    this.#environment = environment;
  }

  async read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T> {
    return this.#persist((database) => database.read(stores, work));
  }

  async write<T>(
    stores: readonly StoreName[],
    durability: Durability,
    work: (tx: Writer) => Promise<T>,
  ): Promise<T> {
    let steps: Step[] = [];
    const result = await this.#persist((database) =>
      database.write(stores, durability, (tx) => {
        steps = [];
        return work(new Recording(tx, steps));
      }),
    );
    if (steps.length > 0 && this.#memory === undefined) await this.#mirrorSteps(steps);
    return result;
  }

  close(): void {
    this.#isClosed = true;
    void this.#database?.then((database) => database.close()).catch(() => undefined);
  }

  /**
   * What was written counts as written, whatever becomes of its mirror: other tabs write as well, so that a step may not fit
   * what is there. Then everything is mirrored anew.
   */
  async #mirrorSteps(steps: readonly Step[]): Promise<void> {
    try {
      await replay(this.#mirror, steps);
    } catch {
      const database = await this.#current();
      if (database !== this.#mirror) await mirrorAll(database, this.#mirror).catch(() => undefined);
    }
  }

  async #persist<T>(work: (database: Database) => Promise<T>): Promise<T> {
    let isEvicted = false;
    for (let tries = 0; ; ) {
      const database = this.#memory ?? (await this.#current());
      try {
        return await work(database);
      } catch (error) {
        const name = error instanceof DOMException ? error.name : "";
        if (database === this.#memory || this.#isClosed) throw error;
        if (name === "QuotaExceededError") {
          if (isEvicted || !(await evictFrom(database))) await this.#goOnInMemory("full", database);
          isEvicted = true;
        } else if (LOST.has(name)) {
          tries += 1;
          this.#forget(database);
          if (tries >= REOPEN_AFTER.length) await this.#goOnInMemory("failed", database);
          else await pause(this.#environment, REOPEN_AFTER[tries] ?? 0);
        } else throw error;
      }
    }
  }

  #current(): Promise<Database> {
    this.#database ??= this.#openAgain();
    return this.#database;
  }

  async #openAgain(): Promise<Database> {
    for (const wait of REOPEN_AFTER) {
      if (wait > 0) await pause(this.#environment, wait);
      try {
        const database: Database = await this.#open(() => this.#forget(database));
        await mirrorAll(database, this.#mirror);
        return database;
      } catch {
        // Told by `keptIn` when it stays so.
      }
    }
    await this.#goOnInMemory("unavailable", undefined);
    return this.#mirror;
  }

  #forget(database: Database): void {
    if (database === this.#memory) return;
    database.close();
    this.#database = undefined;
  }

  /**
   * What can still be read of the old one comes along; the mirror has what only this device has. Once: what was written in
   * memory since is newer than what a second one would bring.
   */
  #goOnInMemory(
    reason: "unavailable" | "failed" | "full",
    old: Database | undefined,
  ): Promise<void> {
    this.#moving ??= this.#moveToMemory(reason, old);
    return this.#moving;
  }

  async #moveToMemory(
    reason: "unavailable" | "failed" | "full",
    old: Database | undefined,
  ): Promise<void> {
    if (old !== undefined) await mirrorCache(old, this.#mirror).catch(() => undefined);
    this.#memory = this.#mirror;
    this.#database = Promise.resolve(this.#mirror);
    old?.close();
    this.keptIn.set({ type: "memory", reason });
  }
}

type Step = (tx: Writer) => Promise<void>;

/** Writes down what a transaction does to durable stores. */
class Recording implements Writer {
  readonly #tx: Writer;
  readonly #steps: Step[];

  constructor(tx: Writer, steps: Step[]) {
    this.#tx = tx;
    this.#steps = steps;
  }

  get<S extends StoreName>(store: S, key: Key): Promise<Stores[S] | undefined> {
    return this.#tx.get(store, key);
  }

  find<S extends StoreName>(store: S, indexed: string): Promise<Stores[S] | undefined> {
    return this.#tx.find(store, indexed);
  }

  list<S extends StoreName>(store: S, query?: Query): Promise<Stores[S][]> {
    return this.#tx.list(store, query);
  }

  async put<S extends StoreName>(store: S, record: Stores[S]): Promise<void> {
    await this.#tx.put(store, record);
    this.#record(store, (tx) => tx.put(store, record));
  }

  async remove(store: StoreName, key: Key | Range): Promise<void> {
    await this.#tx.remove(store, key);
    this.#record(store, (tx) => tx.remove(store, key));
  }

  #record(store: StoreName, step: Step): void {
    if (durableStores.includes(store)) this.#steps.push(step);
  }
}

async function replay(to: Database, steps: readonly Step[]): Promise<void> {
  await to.write(durableStores, "relaxed", async (tx) => {
    for (const step of steps) await step(tx);
  });
}

/** Other tabs write as well: what is on the disk counts. */
async function mirrorAll(from: Database, to: Database): Promise<void> {
  await copyStores(from, to, durableStores);
}

async function mirrorCache(from: Database, to: Database): Promise<void> {
  await copyStores(
    from,
    to,
    storeNames.filter((name) => !durableStores.includes(name)),
  );
}

async function copyStores(
  from: Database,
  to: Database,
  stores: readonly StoreName[],
): Promise<void> {
  const found = await from.read(stores, async (tx) => {
    const all: [StoreName, Stores[StoreName][]][] = [];
    for (const store of stores) all.push([store, await tx.list(store)]);
    return all;
  });
  await to.write(stores, "relaxed", async (tx) => {
    for (const [store, records] of found) {
      await tx.remove(store, {});
      for (const record of records) await tx.put(store, record);
    }
  });
}

/** Makes room. False: there is nothing to give up. */
async function evictFrom(database: Database): Promise<boolean> {
  return database.write(["threads", "pages"], "relaxed", evict).catch(() => false);
}
