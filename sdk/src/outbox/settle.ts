// The outbox as transactions: what is told to the server, and what it answered.

import type { Reader, Writer } from "../database/port.js";
import type { Interval } from "../database/schema.js";
import { SemelError } from "../errors.js";
import { coveredEnd } from "../log/coverage.js";
import * as limits from "../protocol/limits.js";
import type { Message, Thread } from "../protocol/wire.js";
import { type Item, isSend, queueOf, type SendWork, threadOf } from "./item.js";
import { giveUp, wholeQueue } from "./keep.js";

/** Milliseconds for which an answered send is remembered (P-SYNC-4). */
export const ACKNOWLEDGED_MAX_AGE = 24 * 3_600_000;
/** How many answered sends are remembered; the oldest go first. */
export const ACKNOWLEDGED_MAX = 2_000;
/** Milliseconds after which the person is asked before something is still sent; not before something is deleted. */
export const OUTBOX_MAX_AGE = 7 * 24 * 3_600_000;
/** Bytes of JSON of one batch, about, unless one message alone has more. */
const BATCH_BYTES_MAX = 256 * 1024;
const ITEM_BYTES = 96;
/** Answered sends that are looked at when one is added. */
const FORGET_AT_ONCE = 8;

/** What is told next of a queue: one change, one message, or the first messages as a batch. */
export async function take(
  tx: Writer,
  queue: string,
  now: number,
  most: number,
): Promise<readonly Item[]> {
  const limit = Math.min(most, limits.BATCH_MESSAGES_MAX);
  let items = await tx.list("outbox", { ...wholeQueue(queue), limit });
  for (const item of items) {
    if (now - item.made_at <= OUTBOX_MAX_AGE || (await isToGo(tx, item))) continue;
    await giveUp(tx, item, { code: "expired", detail: "it waited for more than seven days" });
    return take(tx, queue, now, most);
  }
  const first = items[0];
  if (first === undefined) return [];
  if (first.work.type !== "send" && first.work.message_id === undefined) {
    await giveUp(tx, first, { code: "unknown_message", detail: "its message was never stored" });
    return take(tx, queue, now, most);
  }
  items = items.slice(0, batchLength(items));
  for (const item of items) {
    if (!item.attempted) await tx.put("outbox", { ...item, attempted: true });
    else if (!item.repeated) await tx.put("outbox", { ...item, repeated: true });
  }
  return items;
}

/**
 * Throws when the database is another one than the connection's: an answer that comes late is of a server that was replaced
 * since, and says nothing about the one that is there now.
 */
export async function ensureIncarnation(
  tx: Reader,
  incarnation: string | undefined,
): Promise<void> {
  const known = (await tx.get("meta", "incarnation"))?.value;
  if (incarnation !== undefined && known !== incarnation) {
    throw new SemelError("network", "this answer is of a database that was replaced");
  }
}

/**
 * A message is stored. `coverage` is what the device holds of its thread. An `echo` is what the log says; an `answer` is what
 * the server said to this very item.
 */
export async function settleSend(
  tx: Writer,
  message: Message,
  now: number,
  coverage: readonly Interval[] | undefined,
  from: "answer" | "echo",
): Promise<void> {
  const { client_id, thread_id } = message;
  if (!client_id) return;
  const item = (await tx.find("outbox", client_id)) ?? (await tx.find("failed", client_id));
  const isApplied = coverage !== undefined && coveredEnd(coverage) >= message.seq;
  if (isApplied) await tx.remove("landed", client_id);
  if (item === undefined || !isSend(item)) return;
  // Other words under this client id: edited since, or never ours. The server knows which, and is asked again.
  if (from === "echo" && message.content !== item.work.content) return;
  if (!isApplied) await tx.put("landed", { client_id, thread_id, message });
  if (item.failure === undefined) await tx.remove("outbox", [item.queue, item.number]);
  else await tx.remove("failed", item.number);
  const { then, ...sent } = item;
  const { number } = sent;
  const { seq } = message;
  await tx.put("acknowledged", { number, client_id, at: now, item: sent, thread_id, seq });
  if (then !== undefined) await tx.put("outbox", { ...then, queue: item.queue });
  await forgetOld(tx, now);
  await tellDependants(tx, item, message);
  const { destination } = item.work;
  if (destination.type === "people" && destination.distinct !== false) {
    await adopt(tx, queueOf(destination, client_id), thread_id);
  } else if (destination.type === "people") {
    await moveQueue(tx, item.queue, thread_id);
  }
}

/**
 * A deletion never waits too long, nor does the message that it deletes: the person has said what they want. Such a message was
 * attempted (else it was taken back at once), so it may be stored, and only its answer says as which: it is told again, then deleted.
 */
async function isToGo(tx: Reader, { queue, client_id: id }: Item): Promise<boolean> {
  const all = await tx.list("outbox", wholeQueue(queue));
  return all.some(
    ({ client_id, work }) =>
      work.type === "delete" && (client_id === id || work.of_client_id === id),
  );
}

/** A set of people turned out to have this thread: what waits for them goes there. */
export async function adopt(tx: Writer, queue: string, thread_id: string): Promise<void> {
  const alias = await tx.get("aliases", queue);
  if (alias?.thread_id !== thread_id) await tx.put("aliases", { queue, thread_id });
  await moveQueue(tx, queue, thread_id);
}

/**
 * The server's database is this one. If another one was known, it was restored from a backup: what was acknowledged within
 * a day is offered again, before everything newer. Returns how many those are.
 */
export async function begin(
  tx: Writer,
  me: string,
  incarnation: string,
  now: number,
): Promise<number> {
  const known = (await tx.get("meta", "incarnation"))?.value;
  if (known === incarnation) return 0;
  await tx.put("meta", { name: "incarnation", value: incarnation });
  if (known === undefined) return 0;
  await tx.remove("meta", "since");
  // What is known of people may be newer than what was restored: whatever is told now counts.
  for (const user of await tx.list("users")) await tx.put("users", { ...user, updated_at: "" });
  // All of these are told anew.
  for (const store of ["contacts", "blocks", "aliases", "landed"] as const)
    await tx.remove(store, {});
  const again = (await tx.list("acknowledged")).filter(
    ({ at }) => now - at <= ACKNOWLEDGED_MAX_AGE,
  );
  await tx.remove("acknowledged", {});
  const waiting = await tx.list("outbox");
  for (const item of [...again.map((record) => record.item), ...waiting]) {
    const { failure: _, ...rest } = item;
    const moved = await byPeople(tx, me, rest);
    await tx.remove("outbox", [item.queue, item.number]);
    await tx.put("outbox", moved);
  }
  return again.length;
}

/** Threads of two and notes are found by their people: the restored server may not have the thread any more. */
async function byPeople(tx: Writer, me: string, item: Item): Promise<Item> {
  if (!isSend(item)) return item;
  const { destination } = item.work;
  const id = destination.type === "thread" ? destination.thread_id : undefined;
  const thread = id === undefined ? undefined : (await tx.get("threads", id))?.thread;
  const found = thread === undefined ? undefined : peopleOf(thread, me);
  const isPlain = item.work.reply_to === undefined && item.work.attachments === undefined;
  const to = found !== undefined && isPlain ? found : destination;
  return { ...item, queue: queueOf(to, item.client_id), work: { ...item.work, destination: to } };
}

/** The people by which a thread of two, or notes, can be found. */
export function peopleOf(
  thread: Thread,
  me: string,
): Extract<SendWork["destination"], { type: "people" }> | undefined {
  const { thread_type } = thread;
  if (thread_type === "self") return { type: "people", participants: [], thread_type };
  const other = thread.participants.find((one) => one.user_id !== me);
  if (thread_type !== "direct" || other === undefined) return undefined;
  return { type: "people", participants: [other.user_id], thread_type };
}

async function moveQueue(tx: Writer, queue: string, thread_id: string): Promise<void> {
  for (const item of await tx.list("outbox", wholeQueue(queue))) {
    await tx.remove("outbox", [item.queue, item.number]);
    await tx.put("outbox", { ...item, queue: `thread:${thread_id}` });
  }
}

async function tellDependants(tx: Writer, sent: Item, message: Message): Promise<void> {
  for (const item of await tx.list("outbox", wholeQueue(sent.queue))) {
    const { work } = item;
    if (work.type === "send" || work.of_client_id !== sent.client_id) continue;
    const known = { message_id: message.id, thread_id: message.thread_id };
    await tx.put("outbox", { ...item, work: { ...work, ...known } });
  }
}

/** At most a day, and at most so many. Called once for every one that is added, so that a few at a time are enough. */
async function forgetOld(tx: Writer, now: number): Promise<void> {
  const oldest = await tx.list("acknowledged", { limit: FORGET_AT_ONCE });
  const newest = await tx.list("acknowledged", { limit: 1, order: "descending" });
  const floor = (newest[0]?.number ?? 0) - ACKNOWLEDGED_MAX;
  for (const { at, number } of oldest) {
    const isOld = now - at > ACKNOWLEDGED_MAX_AGE || number <= floor;
    if (isOld) await tx.remove("acknowledged", number);
  }
}

function batchLength(items: readonly Item[]): number {
  const isTogether = (item: Item) => isSend(item) && threadOf(item) !== undefined;
  let bytes = 0;
  let length = 0;
  for (const item of items) {
    if (!isTogether(item)) break;
    bytes += ITEM_BYTES + bytesOf(item.work as SendWork);
    if (bytes > BATCH_BYTES_MAX) break;
    length += 1;
  }
  return Math.max(1, length);
}

function bytesOf(work: SendWork): number {
  return new TextEncoder().encode(JSON.stringify(work)).length;
}
