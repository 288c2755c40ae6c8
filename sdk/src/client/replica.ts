// What a tab shows, read from the database, and read again when a tab says that it changed.
//
// Invariant: nothing is shown that is not kept, except messages of this tab on their way into the database.

import type { Database } from "../database/port.js";
import type {
  ContactRecord,
  DraftRecord,
  Interval,
  LandedRecord,
  ThreadRecord,
} from "../database/schema.js";
import { type Observable, Value } from "../emitter.js";
import type { Item } from "../outbox/item.js";
import type { User } from "../protocol/wire.js";
import type { Change } from "../tabs/news.js";

/** Everything but the messages themselves. */
export interface ReplicaState {
  readonly isLoaded: boolean;
  readonly threads: ReadonlyMap<string, ThreadRecord>;
  /** Read positions that the server does not know yet. */
  readonly reads: ReadonlyMap<string, number>;
  /** In the order in which they are sent. */
  readonly outbox: readonly Item[];
  readonly failed: readonly Item[];
  readonly landed: readonly LandedRecord[];
  readonly aliases: ReadonlyMap<string, string>;
  readonly drafts: ReadonlyMap<string, DraftRecord>;
  readonly contacts: readonly ContactRecord[];
  readonly users: ReadonlyMap<string, User>;
  /** What this person calls their contacts. */
  readonly ownNames: ReadonlyMap<string, string>;
  /** Whom this person has blocked. */
  readonly blocked: ReadonlySet<string>;
}

const NOTHING: ReplicaState = {
  isLoaded: false,
  threads: new Map(),
  reads: new Map(),
  outbox: [],
  failed: [],
  landed: [],
  aliases: new Map(),
  drafts: new Map(),
  contacts: [],
  users: new Map(),
  ownNames: new Map(),
  blocked: new Set(),
};

/** Every message of a thread. */
const ALL: Interval = [0, Number.MAX_SAFE_INTEGER];

/** Between which seqs messages of a thread changed; none: nowhere. */
type Changed = (thread_id: string) => Interval | undefined;

const EVERYTHING: Change = { outbox: true, drafts: true, contacts: true };

export class Replica {
  readonly #database: Database;
  readonly #state = new Value<ReplicaState>(NOTHING);
  readonly #dirtyThreads = new Set<string>();
  readonly #followers = new Set<(changed: Changed) => void>();
  #dirty: Change | undefined;
  #areAllThreadsDirty = false;
  #reading: Promise<void> | undefined;
  #isClosed = false;
  /** Messages of this tab that are not in the database yet. */
  #shadows: Item[] = [];

  constructor(database: Database) {
    this.#database = database;
  }

  get state(): Observable<ReplicaState> {
    return this.#state;
  }

  /** Calls back when messages changed, before the state says anything of it. The returned function ends it. */
  follow(follower: (changed: Changed) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Reads everything. */
  async load(): Promise<void> {
    this.#areAllThreadsDirty = true;
    this.#tell(() => ALL);
    await this.refresh(EVERYTHING);
  }

  /** Reads what changed. Resolves when it is shown. */
  async refresh(change: Change): Promise<void> {
    const { threads = [], messages } = change;
    for (const id of threads) this.#dirtyThreads.add(id);
    if (threads.length > 0) {
      this.#tell((id) => {
        if (messages !== undefined) return messages[id];
        return threads.includes(id) ? ALL : undefined;
      });
    }
    this.#dirty = { ...this.#dirty, ...change };
    const before = this.#reading;
    if (before !== undefined) {
      await before;
      if (this.#dirty === undefined) return this.#reading;
      return this.refresh({});
    }
    this.#reading = this.#readDirty().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Shows messages that are being kept. */
  shadow(items: readonly Item[]): void {
    this.#shadows.push(...items);
    this.#state.set(this.#shaded(this.#state.get()));
  }

  /** They are kept now, or never will be. */
  unshadow(client_ids: ReadonlySet<string>): void {
    this.#shadows = this.#shadows.filter((item) => !client_ids.has(item.client_id));
    this.#state.set(this.#shaded(this.#state.get()));
  }

  #tell(changed: Changed): void {
    for (const follower of this.#followers) follower(changed);
  }

  async #readDirty(): Promise<void> {
    const dirty = this.#dirty ?? {};
    const ids = [...this.#dirtyThreads];
    const isAll = this.#areAllThreadsDirty;
    this.#dirty = undefined;
    this.#dirtyThreads.clear();
    this.#areAllThreadsDirty = false;
    const parts: Partial<ReplicaState>[] = [];
    // The outbox first: what goes from there into a thread in between is seen twice, which does no harm, and not nowhere.
    if (dirty.outbox) parts.push(await this.#readOutbox());
    if (isAll || ids.length > 0) parts.push(await this.#readThreads(isAll ? undefined : ids));
    if (dirty.drafts) parts.push(await this.#readDrafts());
    if (dirty.contacts) parts.push(await this.#readPeople());
    if (this.#isClosed) return;
    const next = Object.assign({ ...this.#state.get() }, ...parts) as ReplicaState;
    this.#state.set(this.#shaded({ ...next, isLoaded: true }));
  }

  #shaded(state: ReplicaState): ReplicaState {
    const isShaded = state.outbox.some((item) => item.number === SHADOW);
    if (this.#shadows.length === 0 && !isShaded) return state;
    const kept = state.outbox.filter((item) => item.number !== SHADOW);
    const known = new Set(kept.map((item) => item.client_id));
    for (const item of [...state.failed, ...state.landed]) known.add(item.client_id);
    const shadows = this.#shadows.filter((item) => !known.has(item.client_id));
    return { ...state, outbox: shadows.length === 0 ? kept : [...kept, ...shadows] };
  }

  async #readThreads(ids: readonly string[] | undefined): Promise<Partial<ReplicaState>> {
    const { records, reads } = await this.#database.read(["threads", "reads"], async (tx) => ({
      records:
        ids === undefined
          ? await tx.list("threads")
          : (await Promise.all(ids.map((id) => tx.get("threads", id)))).filter(isThere),
      reads: await tx.list("reads"),
    }));
    const threads = new Map(ids === undefined ? [] : this.#state.get().threads);
    for (const record of records) threads.set(record.id, record);
    return { threads, reads: new Map(reads.map(({ thread_id, seq }) => [thread_id, seq])) };
  }

  async #readOutbox(): Promise<Partial<ReplicaState>> {
    return this.#database.read(["outbox", "failed", "landed", "aliases"], async (tx) => {
      const outbox = await tx.list("outbox");
      outbox.sort((a, b) => a.number - b.number);
      const failed = await tx.list("failed");
      const landed = await tx.list("landed");
      const aliases = await tx.list("aliases");
      const to = new Map(aliases.map(({ queue, thread_id }) => [queue, thread_id]));
      return { outbox, failed, landed, aliases: to };
    });
  }

  async #readDrafts(): Promise<Partial<ReplicaState>> {
    const drafts = await this.#database.read(["drafts"], (tx) => tx.list("drafts"));
    return { drafts: new Map(drafts.map((draft) => [draft.peer, draft])) };
  }

  async #readPeople(): Promise<Partial<ReplicaState>> {
    return this.#database.read(["contacts", "users", "blocks"], async (tx) => {
      const contacts = await tx.list("contacts");
      const users = await tx.list("users");
      const named = contacts.map(({ user_id, own_name = "" }) => [user_id, own_name] as const);
      const ownNames = new Map(named.filter(([, name]) => name !== ""));
      const blocked = new Set((await tx.list("blocks")).map(({ user_id }) => user_id));
      const before = this.#state.get();
      return {
        contacts,
        users: new Map(users.map((user) => [user.user_id, user])),
        ownNames: isSame(before.ownNames, ownNames) ? before.ownNames : ownNames,
        blocked: isSame(before.blocked, blocked) ? before.blocked : blocked,
      };
    });
  }
}

/** The number of an item that has none yet. */
export const SHADOW = Number.MAX_SAFE_INTEGER;

function isThere<T>(record: T | undefined): record is T {
  return record !== undefined;
}

function isSame(a: Iterable<unknown>, b: Iterable<unknown>): boolean {
  return JSON.stringify([...a]) === JSON.stringify([...b]);
}
