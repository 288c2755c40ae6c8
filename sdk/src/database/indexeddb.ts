// Stores in IndexedDB.

import { deleteDB, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";

import { forgetCache } from "./forget.js";
import { isRange } from "./memory.js";
import type { Database, Durability, Key, Query, Range, Reader, Writer } from "./port.js";
import {
  CACHE_VERSION,
  cacheStores,
  SCHEMA_VERSION,
  type StoreName,
  type Stores,
  schema,
  storeNames,
} from "./schema.js";

/** Opens the database of this name, or makes it. */
export async function openIndexedDb(name: string, onLost: () => void): Promise<IndexedDbDatabase> {
  const open = (version?: number) =>
    openDB(name, version, {
      upgrade(database) {
        for (const store of storeNames) {
          if (database.objectStoreNames.contains(store)) continue;
          const { key, index } = schema[store];
          const made = database.createObjectStore(store, {
            keyPath: typeof key === "string" ? key : [...key],
          });
          if (index !== undefined) made.createIndex(index, index, { unique: true });
        }
      },
      // Another tab has a newer program: it must not wait for us.
      blocking: () => onLost(),
      terminated: () => onLost(),
    });
  // After a rolled-back release the database is newer than this program; stores are only ever added, so it fits.
  const database = await open(SCHEMA_VERSION).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "VersionError") return open();
    throw error;
  });
  const opened = new IndexedDbDatabase(database);
  await forgetOldCache(opened);
  return opened;
}

/** Removes the database of this name. */
export async function deleteIndexedDb(name: string): Promise<void> {
  await deleteDB(name);
}

async function forgetOldCache(database: Database): Promise<void> {
  const name = "cache_version";
  const known = await database.read(["meta"], (tx) => tx.get("meta", name));
  // A newer program's is left to it: it would be emptied in turns.
  if (Number(known?.value ?? 0) >= CACHE_VERSION) return;
  await database.write(["meta", ...cacheStores], "relaxed", async (tx) => {
    await forgetCache(tx);
    await tx.put("meta", { name, value: CACHE_VERSION });
  });
}

/** One open IndexedDB database. */
export class IndexedDbDatabase implements Database {
  readonly #database: IDBPDatabase;

  constructor(database: IDBPDatabase) {
    this.#database = database;
  }

  async read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T> {
    const tx = this.#database.transaction([...stores], "readonly");
    return work(new Transaction(tx));
  }

  async write<T>(
    stores: readonly StoreName[],
    durability: Durability,
    work: (tx: Writer) => Promise<T>,
  ): Promise<T> {
    const tx = this.#database.transaction([...stores], "readwrite", { durability });
    try {
      const result = await work(new Transaction(tx));
      await tx.done;
      return result;
    } catch (error) {
      // It may be over already: then there is nothing to undo.
      try {
        tx.abort();
      } catch {}
      // When the transaction itself failed, that says more than what failed in it.
      throw await tx.done.then(() => error).catch((cause: unknown) => toldCause(cause, error));
    }
  }

  close(): void {
    this.#database.close();
  }
}

function toldCause(cause: unknown, error: unknown): unknown {
  const isOurAbort = (cause as DOMException | null)?.name === "AbortError";
  return isOurAbort ? error : (cause ?? error);
}

type Mode = "readonly" | "readwrite";

class Transaction implements Writer {
  readonly #tx: IDBPTransaction<unknown, string[], Mode>;

  constructor(tx: IDBPTransaction<unknown, string[], Mode>) {
    this.#tx = tx;
  }

  async get<S extends StoreName>(store: S, key: Key): Promise<Stores[S] | undefined> {
    return this.#tx.objectStore(store).get(valid(key));
  }

  async find<S extends StoreName>(store: S, indexed: string): Promise<Stores[S] | undefined> {
    const field = schema[store].index as string;
    return this.#tx.objectStore(store).index(field).get(indexed);
  }

  async list<S extends StoreName>(store: S, query: Query = {}): Promise<Stores[S][]> {
    const range = rangeOf(query);
    const source = this.#tx.objectStore(store);
    if (query.order !== "descending") return source.getAll(range, query.limit);
    const found: Stores[S][] = [];
    let cursor = await source.openCursor(range, "prev");
    while (cursor !== null && found.length < (query.limit ?? Number.POSITIVE_INFINITY)) {
      found.push(cursor.value as Stores[S]);
      cursor = await cursor.continue();
    }
    return found;
  }

  async put<S extends StoreName>(store: S, record: Stores[S]): Promise<void> {
    await (this.#tx as IDBPTransaction<unknown, string[], "readwrite">)
      .objectStore(store)
      .put(record);
  }

  async remove(store: StoreName, key: Key | Range): Promise<void> {
    const source = (this.#tx as IDBPTransaction<unknown, string[], "readwrite">).objectStore(store);
    if (!isRange(key)) return source.delete(valid(key));
    const range = rangeOf(key);
    return range === undefined ? source.clear() : source.delete(range);
  }
}

function rangeOf({ from, to }: Range): IDBKeyRange | undefined {
  if (from !== undefined && to !== undefined) return IDBKeyRange.bound(valid(from), valid(to));
  if (from !== undefined) return IDBKeyRange.lowerBound(valid(from));
  return to === undefined ? undefined : IDBKeyRange.upperBound(valid(to));
}

/** The library's type of keys wants arrays that can be changed. */
function valid(key: Key): IDBValidKey {
  return key as IDBValidKey;
}
