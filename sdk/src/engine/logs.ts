// Keeping the logs whole: what is pushed, what a `sync` brings, what has to be fetched.

import type { Reader } from "../database/port.js";
import type { ThreadRecord } from "../database/schema.js";
import { hasCode, isRefused } from "../errors.js";
import {
  type Applied,
  applyEntries,
  logStores,
  type PageAsk,
  putFormer,
  putHistory,
  putSnapshot,
  refreshThread,
  type Writing,
} from "../log/apply.js";
import { ownStores, putBlock, putContact } from "../log/own.js";
import { called, peopleStores, putUsers } from "../log/people.js";
import { cursorOf } from "../log/place.js";
import { messageOf } from "../log/reduce.js";
import { segment } from "../network/api.js";
import { begin } from "../outbox/settle.js";
import * as limits from "../protocol/limits.js";
import type {
  Cursor,
  Entry,
  EntryPage,
  Message,
  MessagePage,
  SyncRequest,
  SyncResult,
  SyncThread,
  Thread,
  User,
} from "../protocol/wire.js";
import { changeOf } from "../tabs/news.js";
import { type EngineContext, writing } from "./context.js";

/** Rounds in which a thread must be caught up; what is missing then comes with the next `sync`. */
const ROUNDS_MAX = 1_000;
/** Messages of the page with which a thread begins here. */
const NEWEST_MESSAGES = 64;

export class Logs {
  readonly #context: EngineContext;
  /** Threads that have entries up to this rev which are not here. */
  readonly #behind = new Map<string, number>();
  /** Places of which the witness knows. */
  readonly #told = new Map<string, number>();
  /** Of whom was told since the `sync` was asked: its pages may show what was before. */
  readonly #news = new Set<string>();
  #isSyncing = false;
  /** Where the person's own log was at the first page of a `sync`: what changed while others were taken is told again. */
  #since: number | undefined;
  #incarnation: string | undefined;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Tells the witness where the device goes on. */
  async wake(): Promise<void> {
    const { database, witness } = this.#context;
    if (witness === undefined) return;
    for (const { id, epoch, head, former } of await database.read(["threads"], (tx) =>
      tx.list("threads"),
    )) {
      if (!former) this.#tellReset(id, epoch, head);
    }
  }

  /** The database that the connection is to. */
  get incarnation(): string | undefined {
    return this.#incarnation;
  }

  /** What a `sync` has to say. Until it is taken, gaps are not fetched: its pages bring most of it. */
  async ask(): Promise<SyncRequest> {
    this.#isSyncing = true;
    this.#since = undefined;
    this.#news.clear();
    const { threads, meta } = await this.#context.database.read(
      ["threads", "meta"],
      async (tx) => ({
        threads: await tx.list("threads"),
        meta: new Map((await tx.list("meta")).map(({ name, value }) => [name, value])),
      }),
    );
    const since = meta.get("since") as number | undefined;
    const incarnation = meta.get("incarnation") as string | undefined;
    return {
      threads: cursorsOf(threads),
      ...(since === undefined ? {} : { since }),
      ...(incarnation === undefined ? {} : { incarnation }),
    };
  }

  /** Takes one page of a `sync` answer. */
  async take(page: SyncResult): Promise<void> {
    const { database, me, environment } = this.#context;
    const now = environment.now();
    const stores = [...logStores, ...ownStores] as const;
    const users = [...page.profiles, ...page.contacts.map(({ user }) => user)];
    this.#incarnation = page.incarnation;
    this.#since ??= page.since;
    const since = this.#since;
    const threads = await database.write([...stores], "strict", async (tx) => {
      await begin(tx, me, page.incarnation, now);
      for (const contact of page.contacts) await putContact(tx, contact);
      for (const block of page.blocks) await putBlock(tx, block);
      return putUsers(tx, users, me);
    });
    for (const thread_id of page.left) await this.#leave(thread_id);
    for (const news of page.threads) await this.#takeThread(news);
    if (!page.next_cursor) {
      // Only when every page is taken, nothing before `since` is missing.
      await database.write(["meta"], "relaxed", (tx) =>
        tx.put("meta", { name: "since", value: since }),
      );
    }
    this.#context.changed({ threads, contacts: true, outbox: true });
  }

  /** Somebody has another profile. */
  async rename(user: User): Promise<void> {
    const { database, me } = this.#context;
    if (this.#isSyncing) this.#news.add(user.user_id);
    const threads = await database.write([...peopleStores], "relaxed", (tx) =>
      putUsers(tx, [user], me),
    );
    this.#context.changed({ threads, contacts: true });
  }

  /** The last page was taken: what is still missing is fetched. */
  async synced(): Promise<void> {
    this.#isSyncing = false;
    this.#news.clear();
    await this.#catchUp();
  }

  /** Pushed entries, in the order in which they came. */
  async push(entries: readonly Entry[]): Promise<void> {
    for (const run of runsOf(entries)) await this.#pushRun(run);
    await this.#catchUp();
  }

  /** Threads moved up to these revs. */
  async heads(heads: Readonly<Record<string, number>>): Promise<void> {
    for (const [thread_id, rev] of Object.entries(heads)) await this.#want(thread_id, rev);
    await this.#catchUp();
  }

  /** A thread about which an answer told something: it is here afterwards. */
  async hold(thread_id: string): Promise<void> {
    const record = await this.#record(thread_id);
    if (record === undefined || record.former) await this.#want(thread_id, 1);
    await this.#catchUp();
  }

  async #pushRun(run: readonly Entry[]): Promise<void> {
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) return;
    for (const entry of run) this.#context.witness?.arrival(entry);
    const applied = await this.#apply(first.thread_id, run);
    // Of a log that replaced ours, the answer to our cursor says where it goes on.
    if (applied.step === "replaced") this.#behind.set(first.thread_id, Number.MAX_SAFE_INTEGER);
    else if (applied.step !== "apply") await this.#want(first.thread_id, last.rev);
  }

  async #takeThread(news: SyncThread): Promise<void> {
    const { database } = this.#context;
    const { id } = news.thread;
    const record = await this.#record(id);
    const isKnown = record !== undefined && !record.former;
    if (!isKnown || news.too_old) {
      await this.#reset(news.thread, news.messages, news.head_rev, news.epoch);
      return;
    }
    await this.#apply(id, news.entries);
    await database.write([...logStores], "relaxed", async (tx) =>
      refreshThread(tx, this.#by(), { ...news, thread: await this.#called(tx, news.thread) }),
    );
    this.#context.changed(changeOf(id, []));
    await this.#want(id, news.head_rev);
  }

  async #apply(thread_id: string, entries: readonly Entry[]): Promise<Applied> {
    const { database } = this.#context;
    const applied = await database.write([...logStores], "relaxed", (tx) =>
      applyEntries(tx, this.#by(), thread_id, entries),
    );
    for (const entry of applied.entries) this.#tellApply(entry);
    if (applied.isGone) this.#context.witness?.left(thread_id);
    // Repeats as well: a try that was lost may have written them. (Nothing is told while the thread is not held.)
    if (entries.length > 0 && applied.step !== "unknown") {
      const isOwn = entries.some((entry) => entry.actor_id === this.#context.me);
      // Also messages that are not held here: somebody may show one all the same.
      const messages = entries.flatMap((entry) => messageOf(entry) ?? []);
      const change = changeOf(thread_id, messages);
      this.#context.changed(isOwn ? { ...change, outbox: true } : change);
    }
    return applied;
  }

  async #want(thread_id: string, rev: number): Promise<void> {
    const head = (await this.#record(thread_id))?.head ?? 0;
    const known = this.#behind.get(thread_id) ?? 0;
    if (rev > head) this.#behind.set(thread_id, Math.max(rev, known));
  }

  async #catchUp(): Promise<void> {
    while (!this.#isSyncing) {
      const [next] = this.#behind;
      if (next === undefined) return;
      const [thread_id, rev] = next;
      this.#behind.delete(thread_id);
      await this.#fetch(thread_id, rev);
    }
  }

  async #fetch(thread_id: string, rev: number): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const record = await this.#record(thread_id);
      if (record === undefined || record.former) return this.#fetchNewest(thread_id);
      if (record.head >= rev) return;
      const page = await this.#entriesAfter(thread_id, cursorOf(record));
      if (page === undefined) return;
      if (page.too_old || page.epoch !== record.epoch) return this.#fetchNewest(thread_id);
      const { step, entries } = await this.#apply(thread_id, page.entries);
      if (step !== "apply" && step !== "repeat") return this.#fetchNewest(thread_id);
      if (entries.length === 0) return;
    }
  }

  async #entriesAfter(thread_id: string, cursor: Cursor): Promise<EntryPage | undefined> {
    const { rev, chain, epoch } = cursor;
    const limit = limits.PAGE_ENTRIES_MAX;
    const path = `/api/chat/threads/${segment(thread_id)}/entries`;
    return this.#readable<EntryPage>(path, { after_rev: rev, chain, epoch, limit });
  }

  async #fetchNewest(thread_id: string): Promise<void> {
    const path = `/api/chat/threads/${segment(thread_id)}`;
    const page = await this.#readable<MessagePage>(`${path}/messages`, { limit: NEWEST_MESSAGES });
    const found = page && (await this.#readable<{ thread: Thread }>(path, {}));
    if (page === undefined || found === undefined) return this.#leave(thread_id);
    // Restored in between: they are of two logs, and say nothing together.
    if (page.epoch !== found.thread.epoch) return this.#fetchNewest(thread_id);
    await this.#reset(found.thread, page.messages, page.as_of_rev, page.epoch);
  }

  /** What is read, unless it is not this person's to read: then `sync` tells. */
  async #readable<T>(
    path: string,
    query: Record<string, string | number | undefined>,
  ): Promise<T | undefined> {
    try {
      return await this.#context.api.once<T>({ method: "GET", path, query });
    } catch (error) {
      if (hasCode(error, "not_found") || (isRefused(error) && error.code === "forbidden")) {
        return undefined;
      }
      throw error;
    }
  }

  async #reset(
    thread: Thread,
    messages: readonly Message[],
    head: number,
    epoch: number,
  ): Promise<void> {
    const { database } = this.#context;
    const place = { head, epoch, ...(head === thread.last_rev ? { chain: thread.chain } : {}) };
    await database.write([...logStores], "relaxed", async (tx) =>
      putSnapshot(tx, this.#by(), await this.#called(tx, thread), messages, place),
    );
    this.#tellReset(thread.id, epoch, head);
    this.#context.changed({ threads: [thread.id], outbox: true });
  }

  async #leave(thread_id: string): Promise<void> {
    const { database, witness } = this.#context;
    this.#behind.delete(thread_id);
    const isNews = await database.write(["threads"], "relaxed", (tx) => putFormer(tx, thread_id));
    if (!isNews) return;
    witness?.left(thread_id);
    this.#context.changed(changeOf(thread_id, []));
  }

  /** A thread of a page, with the names that were told since the `sync` was asked. */
  async #called(tx: Reader, thread: Thread): Promise<Thread> {
    const told = await Promise.all([...this.#news].map((id) => tx.get("users", id)));
    return called(thread, told, this.#context.me);
  }

  #by(): Writing {
    return { ...writing(this.#context), incarnation: this.#incarnation };
  }

  #tellApply(entry: Entry): void {
    const { thread_id, rev, epoch } = entry;
    // What lies between was applied by another tab of this device, which has a witness of its own.
    const isNext = this.#told.get(thread_id) === rev - 1;
    if (!isNext) this.#tellReset(thread_id, epoch, rev - 1);
    this.#told.set(thread_id, rev);
    this.#context.witness?.apply(entry);
  }

  #tellReset(thread_id: string, epoch: number, head: number): void {
    this.#told.set(thread_id, head);
    this.#context.witness?.reset(thread_id, epoch, head);
  }

  async #record(thread_id: string): Promise<ThreadRecord | undefined> {
    return this.#context.database.read(["threads"], (tx) => tx.get("threads", thread_id));
  }
}

/** Fetches a page of history and writes it down. Works in every tab. */
export async function fetchHistory(
  context: EngineContext,
  thread_id: string,
  ask: PageAsk,
  limit: number,
): Promise<"done" | "replaced"> {
  const query = {
    ...("before" in ask ? { before_seq: ask.before } : {}),
    ...("after" in ask ? { after_seq: ask.after } : {}),
    ...("around" in ask ? { around_seq: ask.around } : {}),
    limit,
  };
  const path = `/api/chat/threads/${segment(thread_id)}/messages`;
  for (;;) {
    const page = await context.api.call<MessagePage>({ method: "GET", path, query });
    const done = await context.database.write([...logStores], "relaxed", (tx) =>
      putHistory(tx, writing(context), thread_id, ask, page),
    );
    if (done === "stale") continue;
    context.changed(changeOf(thread_id, page.messages));
    return done;
  }
}

function cursorsOf(threads: readonly ThreadRecord[]): Record<string, Cursor> {
  const held = threads.filter((record) => !record.former);
  held.sort((a, b) => b.thread.updated_at.localeCompare(a.thread.updated_at));
  const named = held.slice(0, limits.SYNC_THREADS_MAX);
  return Object.fromEntries(named.map((record) => [record.id, cursorOf(record)]));
}

/** Entries that follow each other and are of one thread, so that they are written together. */
function runsOf(entries: readonly Entry[]): Entry[][] {
  const byThread = new Map<string, Entry[]>();
  for (const entry of entries) {
    const run = byThread.get(entry.thread_id);
    if (run === undefined) byThread.set(entry.thread_id, [entry]);
    else run.push(entry);
  }
  return [...byThread.values()];
}
