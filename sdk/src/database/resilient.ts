// A database that goes on when the browser's fails: opened again, or continued in memory.
//
// Invariant: what only this device has is mirrored in memory, so that nothing of it is lost with a broken handle.

import { Value } from "../emitter.js";
import { type Environment, pause } from "../environment.js";
import { fixAll } from "../outbox/keep.js";
import { evict } from "./evict.js";
import { MemoryDatabase } from "./memory.js";
import type { Database, Durability, Reader, Writer } from "./port.js";
import { durableStores, type StoreName, type Stores, storeNames } from "./schema.js";

/** Pauses before opening again, in milliseconds. */
const REOPEN_AFTER = [0, 100, 500, 2_000];
/** Errors after which a handle is of no use any more; WebKit has them when its database process died. */
const LOST = /^(InvalidState|Unknown|Abort|TransactionInactive)Error$/;

/** Where things are kept. */
export type KeptIn =
  | { readonly type: "disk" }
  /** They are gone with the page, and no other tab has them; `reason` says why. */
  | { readonly type: "memory"; readonly reason: "chosen" | "unavailable" | "failed" | "full" };

/** Opens a database; `onLost` is called when it is closed from outside. */
export type Open = (onLost: () => void) => Promise<Database>;

export class ResilientDatabase implements Database {
  readonly keptIn = new Value<KeptIn>({ type: "disk" });
  readonly #open: Open;
  readonly #environment: Environment;
  readonly #mirror = new MemoryDatabase();
  #database: Promise<Database> | undefined;
  #moving: Promise<void> | undefined;
  #isClosed = false;

  constructor(open: Open, environment: Environment) {
    this.#open = open;
    this.#environment = environment;
  }

  read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T> {
    return this.#mirrored((database, record) => database.read(stores, (tx) => work(record(tx))));
  }

  write<T>(
    stores: readonly StoreName[],
    durability: Durability,
    work: (tx: Writer) => Promise<T>,
  ): Promise<T> {
    return this.#mirrored((database, record) =>
      database.write(stores, durability, (tx) => work(record(tx))),
    );
  }

  async #mirrored<T>(
    work: (database: Database, record: (tx: Reader) => Writer) => Promise<T>,
  ): Promise<T> {
    let steps: Step[] = [];
    const record = (tx: Reader) => {
      steps = [];
      return recording(tx as Writer, steps);
    };
    const result = await this.#persist((database) => work(database, record));
    if (steps.length > 0 && this.keptIn.get().type === "disk") await this.#mirrorSteps(steps);
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
      await this.#replay(steps);
    } catch {
      const database = await this.#current();
      if (database !== this.#mirror)
        await this.#copy(database, durableStores).catch(() => undefined);
    }
  }

  async #persist<T>(work: (database: Database) => Promise<T>): Promise<T> {
    let isEvicted = false;
    for (let tries = 0; ; ) {
      // What is written during the move would be left behind, and nothing comes back from memory.
      const moving = this.#moving;
      await moving;
      const database = moving === undefined ? await this.#current() : this.#mirror;
      if (moving !== this.#moving) continue;
      try {
        return await work(database);
      } catch (error) {
        const name = error instanceof DOMException ? error.name : "";
        if (database === this.#mirror || this.#isClosed) throw error;
        if (name === "QuotaExceededError") {
          if (isEvicted || !(await makeRoom(database))) await this.#goOnInMemory("full", database);
          isEvicted = true;
        } else if (LOST.test(name)) {
          tries += 1;
          this.#forget(database);
          if (tries >= REOPEN_AFTER.length) await this.#goOnInMemory("failed");
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
        // Other tabs write as well: what is on the disk counts.
        await this.#copy(database, durableStores);
        if (this.#moving !== undefined) database.close();
        return database;
      } catch {
        // Told by `keptIn` when it stays so.
      }
    }
    await this.#goOnInMemory("unavailable");
    return this.#mirror;
  }

  #forget(database: Database): void {
    if (database === this.#mirror) return;
    database.close();
    if (this.#moving === undefined) this.#database = undefined;
  }

  /**
   * What can still be read of the old one comes along, else what was mirrored. Once: what was written in memory since is newer
   * than what a second one would bring.
   */
  #goOnInMemory(reason: "unavailable" | "failed" | "full", old?: Database): Promise<void> {
    this.#moving ??= this.#moveToMemory(reason, old);
    return this.#moving;
  }

  async #moveToMemory(
    reason: "unavailable" | "failed" | "full",
    old: Database | undefined,
  ): Promise<void> {
    // Other tabs, or this one after a reload, go on with what the disk has, and may send it as well.
    const fix = (database: Database) => database.write(["outbox"], "strict", fixAll);
    if (old !== undefined) {
      await fix(old).catch(() => undefined);
      await this.#copy(old, storeNames, true).catch(() => undefined);
    }
    await fix(this.#mirror);
    this.#database = Promise.resolve(this.#mirror);
    old?.close();
    this.keptIn.set({ type: "memory", reason });
  }

  async #copy(from: Database, stores: readonly StoreName[], isMove = false): Promise<void> {
    const steps: Step[] = [];
    await from.read(stores, async (tx) => {
      for (const store of stores) steps.push(putAll(store, await tx.list(store)));
    });
    // What was written in memory since a move is newer.
    if (isMove || this.#moving === undefined) await this.#replay(steps);
  }

  async #replay(steps: readonly Step[]): Promise<void> {
    await this.#mirror.write(storeNames, "relaxed", async (tx) => {
      for (const step of steps) await step(tx);
    });
  }
}

type Step = (tx: Writer) => Promise<void>;

/** Writes down what a transaction does to durable stores, and what it finds there: other tabs write as well. */
function recording(tx: Writer, steps: Step[]): Writer {
  const record = (store: StoreName, step: Step) => {
    if (durableStores.includes(store)) steps.push(step);
  };
  return {
    get: (store, key) => tx.get(store, key),
    find: (store, indexed) => tx.find(store, indexed),
    async list(store, query) {
      const found = await tx.list(store, query);
      if (query === undefined) record(store, putAll(store, found));
      return found;
    },
    async put(store, put) {
      await tx.put(store, put);
      record(store, (to) => to.put(store, put));
    },
    async remove(store, key) {
      await tx.remove(store, key);
      record(store, (to) => to.remove(store, key));
    },
  };
}

function putAll<S extends StoreName>(store: S, records: readonly Stores[S][]): Step {
  return async (tx) => {
    await tx.remove(store, {});
    for (const record of records) await tx.put(store, record);
  };
}

/** Makes room. False: there is nothing to give up. */
async function makeRoom(database: Database): Promise<boolean> {
  return database.write(["threads", "pages"], "relaxed", evict).catch(() => false);
}
