// The outbox as transactions: what is written by the person.
//
// Invariant: an item is kept before anything of it leaves the device. Until it is marked as attempted it may be changed or
// taken back; from then on a change follows as an item of its own.

import type { Reader, Writer } from "../database/port.js";
import type { StoreName } from "../database/schema.js";
import { SemelError } from "../errors.js";
import {
  type ChangeWork,
  type Failure,
  type Item,
  isSend,
  queueOf,
  type SendWork,
} from "./item.js";

/** Stores that these transactions need. */
export const outboxStores: readonly StoreName[] = [
  "meta",
  "outbox",
  "failed",
  "acknowledged",
  "landed",
  "aliases",
];

/** Codes after which the same message needs another client id. */
const SPENT = new Set(["client_id_reused", "idempotency_key_reused"]);
/** Codes of words that no server stored under this client id, whatever became of earlier attempts. */
const NEVER_STORED = new Set([...SPENT, "invalid_request", "malformed_body", "body_too_large"]);

/** Keeps a message behind the others of its destination. One that is there already stays as it is. */
export async function keepSend(
  tx: Writer,
  client_id: string,
  work: SendWork,
  made_at: number,
): Promise<Item> {
  const known =
    (await tx.find("outbox", client_id)) ??
    (await tx.find("failed", client_id)) ??
    (await tx.find("acknowledged", client_id))?.item;
  if (known !== undefined) return known;
  const queue = await currentQueue(tx, queueOf(work.destination, client_id));
  const number = await nextNumber(tx);
  const item: Item = { queue, number, client_id, made_at, attempted: false, work };
  await tx.put("outbox", item);
  return item;
}

/** Which message is changed. */
export interface Target {
  readonly thread_id?: string;
  readonly message_id?: string;
  /** Of a message that this person wrote on this device. */
  readonly client_id?: string;
}

/**
 * Keeps a change. Of a message that never left the device, or was refused, the message itself is changed, or forgotten. New words
 * of one that was given up are sent: under its client id while nothing is stored under that, else after it, as an edit. So does a
 * deletion follow one that may be stored: only its answer says which message to delete. A reaction sends nothing again.
 */
export async function keepChange(
  tx: Writer,
  key: string,
  target: Target,
  change: Pick<ChangeWork, "type" | "content" | "emoji">,
  made_at: number,
): Promise<void> {
  const { client_id, message_id, thread_id } = target;
  const waiting = client_id === undefined ? undefined : await waitingSend(tx, client_id);
  const isPlain = waiting !== undefined && !waiting.attempted;
  if (isPlain && (await rewrite(tx, waiting, change, key, made_at))) return;
  const landed = client_id === undefined ? undefined : await tx.get("landed", client_id);
  const id = message_id ?? landed?.message.id;
  const thread = thread_id ?? landed?.thread_id;
  let queue = waiting?.queue ?? (thread === undefined ? undefined : `thread:${thread}`);
  if (queue === undefined || (waiting === undefined && id === undefined)) {
    throw new SemelError("unknown_message", "this message is not on the device any more");
  }
  if (waiting?.failure !== undefined) {
    const { then, ...plain } = waiting;
    // Refused with its deletion: who deletes it once more has done with it.
    const isAgain = change.type === "delete" && then?.work.type === "delete";
    if (isAgain && waiting.failure.code !== "expired") {
      return dismissFailed(tx, waiting.client_id);
    }
    if (change.emoji === undefined) queue = await putBack(tx, plain, made_at);
    else if (id === undefined) {
      throw new SemelError("invalid_argument", "this message was given up: send it again first");
    }
  }
  if (change.type === "edit") await forgetEdits(tx, id, client_id);
  const work: ChangeWork = {
    ...change,
    ...(thread === undefined ? {} : { thread_id: thread }),
    ...(id === undefined ? {} : { message_id: id }),
    ...(client_id === undefined ? {} : { of_client_id: client_id }),
  };
  const number = await nextNumber(tx);
  await tx.put("outbox", { queue, number, client_id: key, made_at, attempted: false, work });
}

/** Tries again what was given up. Returns its client id, which is a new one when the old one is spent. */
export async function retryFailed(
  tx: Writer,
  client_id: string,
  fresh: string,
  made_at: number,
): Promise<string> {
  const item = await tx.find("failed", client_id);
  if (item === undefined) {
    throw new SemelError("unknown_message", "nothing failed under this client id");
  }
  const again = unspent(item, fresh);
  await putBack(tx, again, made_at, item);
  return again.client_id;
}

/** With another client id, if its own stands for something else. */
function unspent(item: Item, fresh: string): Item {
  if (!SPENT.has(item.failure?.code ?? "")) return item;
  const { repeated: _, ...anew } = item;
  return { ...anew, client_id: fresh, attempted: false };
}

/** Edits that were given up, of a message that has newer words now. */
async function forgetEdits(
  tx: Writer,
  message_id: string | undefined,
  client_id: string | undefined,
): Promise<void> {
  for (const { number, work } of await tx.list("failed")) {
    if (work.type !== "edit") continue;
    const isById = message_id !== undefined && work.message_id === message_id;
    const isByClientId = client_id !== undefined && work.of_client_id === client_id;
    if (isById || isByClientId) await tx.remove("failed", number);
  }
}

/** Forgets a change that was given up. */
export async function dismissFailed(tx: Writer, client_id: string): Promise<void> {
  const item = await tx.find("failed", client_id);
  if (item !== undefined) await tx.remove("failed", item.number);
}

/** Gives an item up. What hung on a message that is given up goes into it. */
export async function giveUp(tx: Writer, item: Item, failure: Failure): Promise<void> {
  await tx.remove("outbox", [item.queue, item.number]);
  // Refused means that nothing was stored, so that its words may still be changed; unless an attempt before had no answer, and
  // this one was refused for something that came in between. Expired says nothing.
  const isOpen =
    failure.code === "expired" || (item.repeated === true && !NEVER_STORED.has(failure.code));
  const attempted = item.attempted && isOpen;
  if (!isSend(item)) {
    await tx.put("failed", { ...item, failure });
    return;
  }
  let work: SendWork | undefined = item.work;
  let { then } = item;
  for (const other of await tx.list("outbox", wholeQueue(item.queue))) {
    if (other.work.type === "send" || other.work.of_client_id !== item.client_id) continue;
    await tx.remove("outbox", [other.queue, other.number]);
    const { type, content } = other.work;
    if (type !== "edit" && type !== "delete") continue;
    // What may be stored is not forgotten: what became of it comes with its echo, or when it is sent again; then this follows.
    if (attempted) then = other;
    // A deletion has none.
    else if (content === undefined) work = undefined;
    else if (work !== undefined) work = { ...work, content };
  }
  if (work === undefined) return;
  const follows = then === undefined ? {} : { then };
  // What was not attempted was not repeated either.
  const { repeated: _, ...anew } = item;
  await tx.put("failed", { ...(attempted ? item : anew), work, attempted, failure, ...follows });
}

/** What is in two places may be sent from both: it stays as it is, so that it is the same message in both. */
export async function fixAll(tx: Writer): Promise<void> {
  for (const item of await tx.list("outbox")) await tx.put("outbox", { ...item, attempted: true });
}

/** All items of a queue. */
export function wholeQueue(queue: string): { from: readonly [string]; to: readonly [string, []] } {
  return { from: [queue], to: [queue, []] };
}

/** The queue into which a destination's items go now. */
export async function currentQueue(tx: Reader, queue: string): Promise<string> {
  const alias = await tx.get("aliases", queue);
  return alias === undefined ? queue : `thread:${alias.thread_id}`;
}

async function waitingSend(tx: Reader, client_id: string) {
  const item = (await tx.find("outbox", client_id)) ?? (await tx.find("failed", client_id));
  return item !== undefined && isSend(item) ? item : undefined;
}

/** Changes a message of which nothing is stored. False: that cannot be done. */
async function rewrite(
  tx: Writer,
  item: Item & { readonly work: SendWork },
  change: Pick<ChangeWork, "type" | "content">,
  fresh: string,
  made_at: number,
): Promise<boolean> {
  const store = item.failure === undefined ? "outbox" : "failed";
  if (change.type === "edit" && change.content !== undefined) {
    const edited = { ...item, work: { ...item.work, content: change.content } };
    if (item.failure === undefined) await tx.put(store, edited);
    else await putBack(tx, unspent(edited, fresh), made_at, item);
    return true;
  }
  if (change.type !== "delete") return false;
  await tx.remove(store, store === "outbox" ? [item.queue, item.number] : item.number);
  for (const other of await tx.list("outbox", wholeQueue(item.queue))) {
    const hangsOnIt = other.work.type !== "send" && other.work.of_client_id === item.client_id;
    if (hangsOnIt) await tx.remove("outbox", [other.queue, other.number]);
  }
  return true;
}

/** Into the queue where its destination's items go now, which is returned. It waits anew: the person has been asked. */
async function putBack(tx: Writer, item: Item, made_at: number, old = item): Promise<string> {
  await tx.remove("failed", old.number);
  const { failure: _, then, ...again } = item;
  const named = isSend(item) ? queueOf(item.work.destination, item.client_id) : item.queue;
  const queue = await currentQueue(tx, named);
  for (const one of then === undefined ? [again] : [again, then])
    await tx.put("outbox", { ...one, queue, made_at, number: await nextNumber(tx) });
  return queue;
}

async function nextNumber(tx: Writer): Promise<number> {
  const name = "last_number";
  const number = (((await tx.get("meta", name))?.value as number | undefined) ?? 0) + 1;
  await tx.put("meta", { name, value: number });
  return number;
}
