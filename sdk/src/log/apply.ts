// What comes from the server, written down.
//
// Invariant: whether an entry is the next one is decided in the transaction that writes it.

import type { Writer } from "../database/port.js";
import type { StoreName, ThreadRecord } from "../database/schema.js";
import { queueOf } from "../outbox/item.js";
import { outboxStores } from "../outbox/keep.js";
import { adopt, ensureIncarnation, peopleOf, settleSend } from "../outbox/settle.js";
import type { Entry, Message, MessagePage, SyncThread, Thread } from "../protocol/wire.js";
import { cover, coveredEnd, covering } from "./coverage.js";
import { putMessages, removeMessages } from "./pages.js";
import { judge, type Place, type Step } from "./place.js";
import { isDeparture, messageOf, moved, type Onlooker, reduce } from "./reduce.js";

/** Stores that these transactions need. */
export const logStores: readonly StoreName[] = [...outboxStores, "threads", "pages", "users"];

/** What became of entries. */
export interface Applied {
  /** Those that were the next ones, in order. */
  readonly entries: readonly Entry[];
  /** What stopped the rest; `apply` when nothing did, `unknown` when the thread is not held. */
  readonly step: Step | "unknown";
  /** The last entry tells that this person went. */
  readonly isGone: boolean;
}

/** Whose device it is, and what time it is. */
export interface Writing {
  readonly me: string;
  readonly now: number;
  /** The database of the connection that brought it. */
  readonly incarnation?: string | undefined;
}

/** Writes those entries that are next; repeats are ignored. */
export async function applyEntries(
  tx: Writer,
  by: Writing,
  thread_id: string,
  entries: readonly Entry[],
): Promise<Applied> {
  await ensureIncarnation(tx, by.incarnation);
  let record = await tx.get("threads", thread_id);
  if (record === undefined || record.former) return { entries: [], step: "unknown", isGone: false };
  const onlooker = await onlookerOf(tx, by.me, record.thread, entries);
  const applied: Entry[] = [];
  const messages: Message[] = [];
  let step: Applied["step"] = "apply";
  let isGone = false;
  for (const entry of entries) {
    const judged = judge(record, entry);
    if (judged === "repeat") continue;
    if (judged !== "apply") {
      step = judged;
      break;
    }
    record = follow(record, entry, onlooker);
    applied.push(entry);
    const message = messageOf(entry);
    if (message !== undefined && covering(record.coverage, message.seq)) messages.push(message);
    isGone = isDeparture(entry, by.me);
    if (isGone) break;
  }
  if (applied.length > 0) {
    if (isGone) record = { ...record, former: true };
    await putMessages(tx, thread_id, messages);
    await tx.put("threads", record);
    await settleOwn(tx, by, messages, record);
  }
  return { entries: applied, step, isGone };
}

/** A thread begins anew, with the newest messages as they are now. `head` is the place behind which the log goes on. */
export async function putSnapshot(
  tx: Writer,
  by: Writing,
  thread: Thread,
  messages: readonly Message[],
  place: Place,
): Promise<void> {
  await ensureIncarnation(tx, by.incarnation);
  const before = await tx.get("threads", thread.id);
  await removeMessages(tx, thread.id);
  const first = messages[0]?.seq;
  const last = Math.max(
    messages.at(-1)?.seq ?? 0,
    place.head === thread.last_rev ? thread.last_seq : 0,
  );
  const record: ThreadRecord = {
    id: thread.id,
    thread,
    head: place.head,
    epoch: place.epoch,
    ...(place.chain === undefined ? {} : { chain: place.chain }),
    coverage: first === undefined ? [] : [[first, last]],
    ...(before?.opened_at === undefined ? {} : { opened_at: before.opened_at }),
  };
  await putMessages(tx, thread.id, messages);
  await tx.put("threads", record);
  // What was answered since the snapshot was made is shown until its entry comes.
  const isOther = before !== undefined && before.epoch !== place.epoch;
  for (const landed of await tx.list("landed")) {
    const isIn = isOther || landed.message.seq <= last;
    if (landed.thread_id === thread.id && isIn) await tx.remove("landed", landed.client_id);
  }
  const people = peopleOf(thread, by.me);
  if (people !== undefined) await adopt(tx, queueOf(people, ""), thread.id);
  await settleOwn(tx, by, messages, record);
}

/** The whole of a thread of a `sync` answer, whose entries were applied. */
export async function refreshThread(tx: Writer, by: Writing, news: SyncThread): Promise<void> {
  const record = await tx.get("threads", news.thread.id);
  if (record === undefined || record.head !== news.thread.last_rev) return;
  let thread = news.thread;
  for (const one of record.thread.participants) thread = moved(thread, one.user_id, one, by.me);
  const { read_seq, unread_count } = record.thread;
  if (read_seq > news.thread.read_seq) thread = { ...thread, read_seq, unread_count };
  await tx.put("threads", { ...record, thread });
}

/** What a page of messages was asked for. */
export type PageAsk =
  | { readonly before: number }
  | { readonly after: number }
  | { readonly around: number };

/** Writes a page of history. `stale`: it shows less than the device has seen; ask again. */
export async function putHistory(
  tx: Writer,
  by: Writing,
  thread_id: string,
  ask: PageAsk,
  page: MessagePage,
): Promise<"done" | "stale" | "replaced"> {
  const record = await tx.get("threads", thread_id);
  if (record === undefined || record.epoch !== page.epoch) return "replaced";
  if (page.as_of_rev < record.head) return "stale";
  const end = coveredEnd(record.coverage);
  // What is newer than the log that was applied comes as entries.
  const messages = page.messages.filter((message) => message.seq <= end);
  let first = page.from_seq || messages[0]?.seq || 0;
  let last = Math.min(page.to_seq, end);
  if ("before" in ask) {
    last = ask.before - 1;
    if (first === 0 || !page.has_more) first = Math.min(record.thread.first_seq, last);
  } else if ("after" in ask) {
    first = ask.after + 1;
    if (!page.has_more) last = end;
  }
  await putMessages(tx, thread_id, messages);
  const coverage =
    first === 0 ? record.coverage : cover(record.coverage, [Math.max(1, first), last]);
  await tx.put("threads", { ...record, coverage });
  await settleOwn(tx, by, messages, record);
  return "done";
}

/** The person is not in this thread any more. What was read stays. */
export async function putFormer(tx: Writer, thread_id: string): Promise<boolean> {
  const record = await tx.get("threads", thread_id);
  if (record === undefined || record.former) return false;
  await tx.put("threads", { ...record, former: true });
  return true;
}

function follow(record: ThreadRecord, entry: Entry, onlooker: Onlooker): ThreadRecord {
  const { chain: _, ...rest } = record;
  const message = messageOf(entry);
  const end = coveredEnd(record.coverage);
  const isNew = message !== undefined && message.seq > end;
  const first = record.coverage.length === 0 ? message?.seq : end + 1;
  return {
    ...rest,
    thread: reduce(record.thread, entry, onlooker),
    head: entry.rev,
    ...(entry.chain ? { chain: entry.chain } : {}),
    // Entries between are ones that this person may not see: their messages are not missing.
    coverage:
      isNew && first !== undefined ? cover(record.coverage, [first, message.seq]) : record.coverage,
  };
}

async function settleOwn(
  tx: Writer,
  { me, now }: Writing,
  messages: readonly Message[],
  record: ThreadRecord,
): Promise<void> {
  for (const message of messages) {
    if (message.sender_id === me) await settleSend(tx, message, now, record.coverage, "echo");
  }
}

async function onlookerOf(
  tx: Writer,
  me: string,
  thread: Thread,
  entries: readonly Entry[],
): Promise<Onlooker> {
  const names = new Map(thread.participants.map((one) => [one.user_id, one.display_name]));
  for (const entry of entries) {
    if (entry.type !== "participants_added") continue;
    for (const user_id of entry.user_ids) {
      const user = await tx.get("users", user_id);
      if (user !== undefined) names.set(user_id, user.display_name);
    }
  }
  return { me, nameOf: (user_id) => names.get(user_id) ?? user_id };
}
