// The stores, their keys and their records.

import type { Item } from "../outbox/item.js";
import type { Message, Thread, User } from "../protocol/wire.js";

/** Number of the schema. Stores of `durable` are only ever added to; others are emptied when `CACHE_VERSION` changes. */
export const SCHEMA_VERSION = 2;
/** Changes when records of disposable stores have another form. */
export const CACHE_VERSION = 2;
/** Messages of one record of `pages`. */
export const PAGE_SIZE = 64;

/** A named value. */
export interface MetaRecord {
  readonly name: string;
  readonly value: unknown;
}

/** A place in a log and what is known of the thread there. */
export interface ThreadRecord {
  readonly id: string;
  /** As it is at `thread.last_rev`. */
  readonly thread: Thread;
  /** Last entry that was applied. */
  readonly head: number;
  readonly epoch: number;
  /** Chain of `head`, where known. */
  readonly chain?: string;
  /** Seqs of which every message is held, as disjoint ascending intervals. The last one ends at the head. */
  readonly coverage: readonly Interval[];
  /** The person is not in it any more; what was read stays readable. */
  readonly former?: true;
  /** When it was last opened here, to know what to drop first. */
  readonly opened_at?: number;
}

/** First and last seq, both included. */
export type Interval = readonly [first: number, last: number];

/** Up to `PAGE_SIZE` messages with seqs of one block. */
export interface PageRecord {
  readonly thread_id: string;
  readonly page: number;
  readonly messages: readonly Message[];
}

/** A message that was answered and whose entry has not come yet. */
export interface LandedRecord {
  readonly client_id: string;
  readonly thread_id: string;
  readonly message: Message;
}

/** A send that was answered, kept for a day in case that the server is restored from a backup. */
export interface AcknowledgedRecord {
  readonly number: number;
  readonly client_id: string;
  readonly at: number;
  readonly item: Item;
  /** Where it was stored. */
  readonly thread_id: string;
  readonly seq: number;
}

export interface ReadRecord {
  readonly thread_id: string;
  readonly seq: number;
}

export interface DraftRecord {
  readonly peer: string;
  readonly text: string;
  readonly reply_to?: string;
  readonly changed_at: number;
}

/** The thread that a set of people turned out to have. */
export interface AliasRecord {
  readonly queue: string;
  readonly thread_id: string;
}

export interface ContactRecord {
  readonly user_id: string;
  readonly since: string;
  /** What this person calls them. */
  readonly own_name?: string;
}

/** Whom this person has blocked. */
export interface BlockRecord {
  readonly user_id: string;
}

/** Records by store. */
export interface Stores {
  meta: MetaRecord;
  outbox: Item;
  failed: Item;
  acknowledged: AcknowledgedRecord;
  landed: LandedRecord;
  reads: ReadRecord;
  drafts: DraftRecord;
  aliases: AliasRecord;
  threads: ThreadRecord;
  pages: PageRecord;
  users: User;
  contacts: ContactRecord;
  blocks: BlockRecord;
}

/** Name of a store. */
export type StoreName = keyof Stores;

interface StoreSchema {
  readonly key: string | readonly string[];
  /** Field of the unique index. */
  readonly index?: string;
  /** `durable` is only on this device; `cache` can be had from the server again. */
  readonly kind: "durable" | "cache";
}

/** How each store is built. */
export const schema: Readonly<Record<StoreName, StoreSchema>> = {
  meta: { key: "name", kind: "durable" },
  outbox: { key: ["queue", "number"], index: "client_id", kind: "durable" },
  failed: { key: "number", index: "client_id", kind: "durable" },
  acknowledged: { key: "number", index: "client_id", kind: "durable" },
  landed: { key: "client_id", kind: "cache" },
  reads: { key: "thread_id", kind: "durable" },
  drafts: { key: "peer", kind: "durable" },
  aliases: { key: "queue", kind: "cache" },
  threads: { key: "id", kind: "cache" },
  pages: { key: ["thread_id", "page"], kind: "cache" },
  users: { key: "user_id", kind: "cache" },
  contacts: { key: "user_id", kind: "cache" },
  blocks: { key: "user_id", kind: "cache" },
};

/** All stores. */
export const storeNames = Object.keys(schema) as StoreName[];
/** Those that can be had from the server again. */
export const cacheStores = storeNames.filter((name) => schema[name].kind === "cache");
/** Those of which this device has the only copy. */
export const durableStores = storeNames.filter((name) => schema[name].kind === "durable");
