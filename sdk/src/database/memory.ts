// Stores in memory: for programs without IndexedDB, for people who keep nothing on the device, and for tests.

import { Lane } from "../lane.js";
import type { Database, Durability, Key, Query, Range, Reader, Writer } from "./port.js";
import { type StoreName, type Stores, schema, storeNames } from "./schema.js";

interface Row {
  readonly key: Key;
  readonly record: unknown;
}

class Table {
  readonly rows = new Map<string, Row>();
  readonly index = new Map<string, string>();
  #sorted: Row[] | undefined;

  set(name: string, row: Row | undefined): void {
    if (row === undefined) this.rows.delete(name);
    else this.rows.set(name, row);
    this.#sorted = undefined;
  }

  sorted(): readonly Row[] {
    this.#sorted ??= [...this.rows.values()].sort((a, b) => compareKeys(a.key, b.key));
    return this.#sorted;
  }
}

/** Everything in memory. Transactions come one after the other. */
export class MemoryDatabase implements Database {
  readonly #tables = new Map<StoreName, Table>(storeNames.map((name) => [name, new Table()]));
  readonly #lane = new Lane();

  read<T>(_stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T> {
    return this.#lane.run(() => work(new Transaction(this.#tables)));
  }

  write<T>(
    _stores: readonly StoreName[],
    _durability: Durability,
    work: (tx: Writer) => Promise<T>,
  ): Promise<T> {
    return this.#lane.run(async () => {
      const tx = new Transaction(this.#tables);
      try {
        return await work(tx);
      } catch (error) {
        tx.undo();
        throw error;
      }
    });
  }

  close(): void {}
}

class Transaction implements Writer {
  readonly #tables: ReadonlyMap<StoreName, Table>;
  readonly #undo: (() => void)[] = [];

  constructor(tables: ReadonlyMap<StoreName, Table>) {
    this.#tables = tables;
  }

  async get<S extends StoreName>(store: S, key: Key): Promise<Stores[S] | undefined> {
    return copy<S>(this.#table(store).rows.get(nameOf(key)));
  }

  async find<S extends StoreName>(store: S, indexed: string): Promise<Stores[S] | undefined> {
    const table = this.#table(store);
    const name = table.index.get(indexed);
    return name === undefined ? undefined : copy<S>(table.rows.get(name));
  }

  async list<S extends StoreName>(store: S, query: Query = {}): Promise<Stores[S][]> {
    const rows = this.#table(store)
      .sorted()
      .filter((row) => isWithin(row.key, query));
    if (query.order === "descending") rows.reverse();
    return rows.slice(0, query.limit ?? rows.length).map((row) => copy<S>(row) as Stores[S]);
  }

  async put<S extends StoreName>(store: S, record: Stores[S]): Promise<void> {
    const key = keyOf(store, record);
    this.#set(store, nameOf(key), { key, record: structuredClone(record) });
  }

  async remove(store: StoreName, key: Key | Range): Promise<void> {
    if (!isRange(key)) {
      this.#set(store, nameOf(key), undefined);
      return;
    }
    const gone = this.#table(store)
      .sorted()
      .filter((row) => isWithin(row.key, key));
    for (const row of gone) this.#set(store, nameOf(row.key), undefined);
  }

  undo(): void {
    for (const step of this.#undo.reverse()) step();
  }

  #set(store: StoreName, name: string, row: Row | undefined): void {
    const table = this.#table(store);
    const before = table.rows.get(name);
    const set = (from: Row | undefined, to: Row | undefined) => {
      const field = schema[store].index;
      if (field !== undefined) {
        const was = indexedOf(from, field);
        const is = indexedOf(to, field);
        if (was !== undefined && table.index.get(was) === name) table.index.delete(was);
        if (is !== undefined) {
          const owner = table.index.get(is);
          if (owner !== undefined && owner !== name) throw new Error(`${store}: ${is} is taken`);
          table.index.set(is, name);
        }
      }
      table.set(name, to);
    };
    set(before, row);
    this.#undo.push(() => set(row, before));
  }

  #table(store: StoreName): Table {
    return this.#tables.get(store) as Table;
  }
}

function indexedOf(row: Row | undefined, field: string): string | undefined {
  return row === undefined ? undefined : String((row.record as Record<string, unknown>)[field]);
}

function copy<S extends StoreName>(row: Row | undefined): Stores[S] | undefined {
  return row === undefined ? undefined : (structuredClone(row.record) as Stores[S]);
}

function keyOf<S extends StoreName>(store: S, record: Stores[S]): Key {
  const path = schema[store].key;
  const fields = record as unknown as Record<string, Key>;
  return typeof path === "string" ? (fields[path] as Key) : path.map((name) => fields[name] as Key);
}

/** Whether it is a range and not a key. */
export function isRange(key: Key | Range): key is Range {
  return typeof key === "object" && !Array.isArray(key);
}

function isWithin(key: Key, range: Range): boolean {
  const isAfter = range.from === undefined || compareKeys(key, range.from) >= 0;
  return isAfter && (range.to === undefined || compareKeys(key, range.to) <= 0);
}

function nameOf(key: Key): string {
  return JSON.stringify(key);
}

/** The order of IndexedDB: numbers, texts, arrays. */
export function compareKeys(a: Key, b: Key): number {
  const rank = (key: Key) => (typeof key === "number" ? 0 : typeof key === "string" ? 1 : 2);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (!Array.isArray(a) || !Array.isArray(b)) return a < b ? -1 : a > b ? 1 : 0;
  for (let place = 0; place < Math.min(a.length, b.length); place += 1) {
    const order = compareKeys(a[place] as Key, b[place] as Key);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
