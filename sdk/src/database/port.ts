// What a device keeps: stores of records in transactions.
//
// Invariant: what is decided is decided inside a transaction, so that several tabs, and an engine that wakes up late, all
// come to the same.

import type { StoreName, Stores } from "./schema.js";

/** A key; arrays sort after texts, texts after numbers, as in IndexedDB. */
export type Key = number | string | readonly Key[];

/** Keys from one to another, both included. */
export interface Range {
  readonly from?: Key;
  readonly to?: Key;
}

/** Which records to read. */
export interface Query extends Range {
  readonly limit?: number;
  readonly order?: "ascending" | "descending";
}

/** Reads inside a transaction. */
export interface Reader {
  get<S extends StoreName>(store: S, key: Key): Promise<Stores[S] | undefined>;
  /** By the store's unique index. */
  find<S extends StoreName>(store: S, indexed: string): Promise<Stores[S] | undefined>;
  list<S extends StoreName>(store: S, query?: Query): Promise<Stores[S][]>;
}

/** Reads and writes inside a transaction. Nothing else may be awaited in it. */
export interface Writer extends Reader {
  put<S extends StoreName>(store: S, record: Stores[S]): Promise<void>;
  remove(store: StoreName, key: Key | Range): Promise<void>;
}

/** Whether a write has to be on the disk before it counts: `strict` for what only this device has. */
export type Durability = "strict" | "relaxed";

/** Stores of one account. */
export interface Database {
  /** Reads one state of the named stores. */
  read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T>;
  /** Does all of it or, when `work` throws, nothing. `work` may be called again when the first try was lost. */
  write<T>(
    stores: readonly StoreName[],
    durability: Durability,
    work: (tx: Writer) => Promise<T>,
  ): Promise<T>;
  /** No more calls. */
  close(): void;
}
