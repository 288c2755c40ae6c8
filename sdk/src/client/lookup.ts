// A message that something else names by its id: what an answer answers may be far from what is loaded.

import type { Database, Key } from "../database/port.js";
import type { Interval, PageRecord } from "../database/schema.js";
import { type Observable, Value } from "../emitter.js";
import { hasCode } from "../errors.js";
import { covering } from "../log/coverage.js";
import { readMessages } from "../log/pages.js";
import { segment } from "../network/api.js";
import type { Message, MessagePage } from "../protocol/wire.js";
import type { Client } from "./client.js";
import { contextOf, replicaOf } from "./contexts.js";

/** Pages of the newest messages that are searched before the server is asked: 4,096 messages. */
const NEAR_PAGES = 64;
/** Lookups whose answers are remembered while nobody listens. */
export const LOOKUPS_MAX = 256;

/** A message that is looked up by its id. */
export interface Lookup {
  readonly state: /** It is not known yet. */
    | "looking"
    | "found"
    /** It cannot be had now. As long as somebody listens, it is asked for again once there is a connection. */
    | "missing"
    /** There is none, or it is not for this person. */
    | "gone";
  readonly message: Message | undefined;
}

const LOOKING: Lookup = { state: "looking", message: undefined };

/** A message by its id: from this device, else from the server. It follows what becomes of it while somebody listens. */
export function lookUp(client: Client, thread_id: string, message_id: string): Observable<Lookup> {
  let lookups = all.get(client);
  if (lookups === undefined) {
    lookups = new Lookups(client);
    all.set(client, lookups);
  }
  return lookups.of(thread_id, message_id);
}

const all = new WeakMap<Client, Lookups>();

class Lookups {
  readonly #client: Client;
  readonly #known = new Map<string, One>();

  constructor(client: Client) {
    this.#client = client;
    replicaOf(client).follow((changed) => {
      for (const one of this.#known.values()) one.note(changed(one.thread_id));
    });
    client.connection.subscribe(() => {
      if (client.connection.get().phase !== "online") return;
      for (const one of this.#known.values()) one.again();
    });
  }

  of(thread_id: string, message_id: string): One {
    const key = `${thread_id} ${message_id}`;
    let one = this.#known.get(key);
    if (one === undefined) {
      this.#forget();
      one = new One(this.#client, thread_id, message_id);
      this.#known.set(key, one);
    }
    return one;
  }

  /** The oldest that nobody listens to. */
  #forget(): void {
    if (this.#known.size < LOOKUPS_MAX) return;
    for (const [key, one] of this.#known) {
      if (!one.isUsed) return void this.#known.delete(key);
    }
  }
}

class One implements Observable<Lookup> {
  readonly thread_id: string;
  readonly #client: Client;
  readonly #message_id: string;
  readonly #value = new Value(LOOKING);
  #listeners = 0;
  #isLooking = false;
  /** Something may have become of it since it was looked up. */
  #isStale = true;

  constructor(client: Client, thread_id: string, message_id: string) {
    this.#client = client;
    this.thread_id = thread_id;
    this.#message_id = message_id;
  }

  get isUsed(): boolean {
    return this.#listeners > 0;
  }

  readonly get = (): Lookup => this.#value.get();

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#value.subscribe(listener);
    this.#listeners += 1;
    this.#look();
    return () => {
      unsubscribe();
      this.#listeners -= 1;
    };
  };

  /** Messages between these seqs changed. */
  note(changed: Interval | undefined): void {
    const seq = this.get().message?.seq;
    if (changed === undefined || seq === undefined || seq < changed[0] || seq > changed[1]) return;
    this.#isStale = true;
    this.#look();
  }

  /** There is a connection. */
  again(): void {
    this.#isStale ||= this.get().state === "missing";
    this.#look();
  }

  #look(): void {
    if (!this.isUsed || !this.#isStale || this.#isLooking) return;
    this.#isLooking = true;
    this.#isStale = false;
    void this.#find().then((found) => {
      this.#isLooking = false;
      const { message } = this.get();
      // What cannot be had anew is shown as it was.
      if (found.state !== "missing" || message === undefined) this.#value.set(found);
      this.#look();
    });
  }

  async #find(): Promise<Lookup> {
    const { database, api } = contextOf(this.#client);
    const id = this.#message_id;
    const before = this.get().message;
    const of = (message: Message): Lookup => ({ state: "found", message });
    try {
      const near =
        (before && (await heldAt(database, before))) ??
        (await searchHeld(database, this.thread_id, id, NEAR_PAGES));
      if (near !== undefined) return of(near);
      const path = `/api/chat/threads/${segment(this.thread_id)}/messages`;
      const query = { around_id: id, limit: 1 };
      const page = await api.once<MessagePage>({ method: "GET", path, query });
      const message = page.messages.find((one) => one.id === id);
      return message === undefined ? { state: "gone", message } : of(message);
    } catch (error) {
      if (hasCode(error, "not_found")) return { state: "gone", message: undefined };
      const far = await searchHeld(database, this.thread_id, id).catch(() => undefined);
      return far === undefined ? { state: "missing", message: undefined } : of(far);
    }
  }
}

/** A message as the device keeps it, where it keeps all messages around it. */
async function heldAt(
  database: Database,
  { thread_id, seq, id }: Message,
): Promise<Message | undefined> {
  const found = await database.read(["threads", "pages"], async (tx) => {
    const record = await tx.get("threads", thread_id);
    const isHeld = covering(record?.coverage ?? [], seq) !== undefined;
    return isHeld ? readMessages(tx, thread_id, [seq, seq]) : [];
  });
  return found.find((message) => message.id === id);
}

/** Through what the device keeps of a thread, from its end: `most` pages of it, or all. */
async function searchHeld(
  database: Database,
  thread_id: string,
  id: string,
  most = Number.POSITIVE_INFINITY,
): Promise<Message | undefined> {
  let to: Key = [thread_id, []];
  for (let count = 0; count < most; ) {
    const query = { from: [thread_id], to, order: "descending", limit: NEAR_PAGES } as const;
    const pages: PageRecord[] = await database.read(["pages"], (tx) => tx.list("pages", query));
    for (const { messages } of pages) {
      const found = messages.find((message) => message.id === id);
      if (found !== undefined) return found;
    }
    const last = pages.at(-1);
    if (last === undefined || pages.length < NEAR_PAGES) return undefined;
    to = [thread_id, last.page - 1];
    count += pages.length;
  }
  return undefined;
}
