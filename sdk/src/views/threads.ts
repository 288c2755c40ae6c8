// The list of chats. Pure, over the replica.

import type { ReplicaState } from "../client/replica.js";
import type { ThreadRecord } from "../database/schema.js";
import { type Item, isSend, wordsOf } from "../outbox/item.js";
import type { Message, Thread } from "../protocol/wire.js";
import { unreadOf } from "./timeline.js";

/** One line of the list of chats. */
export interface ThreadItem {
  /** Stays the same, also when the thread of new people comes to be known. */
  readonly key: string;
  /** None while the first message is on its way. */
  readonly thread: Thread | undefined;
  /** Title; in a direct thread the other person's name. */
  readonly title: string;
  /** The others of a direct thread that is not made yet. */
  readonly participants: readonly string[];
  /** The newest message that is stored. */
  readonly lastMessage: Message | undefined;
  /** What this person wrote last and is on its way. */
  readonly pending:
    | { readonly content: string; readonly count: number; readonly failed: number }
    | undefined;
  readonly unreadCount: number;
  readonly draft: string | undefined;
  /** Wall clock by the server's time, to show; the list is in this order. */
  readonly updatedAt: string;
}

/** The list, newest first. Lines that did not change are the same objects as before. */
export function buildThreads(
  state: ReplicaState,
  before: ReadonlyMap<string, ThreadItem>,
): ThreadItem[] {
  const sends = bySendQueue(state);
  const items: ThreadItem[] = [];
  const aliased = new Map([...state.aliases].map(([queue, thread_id]) => [thread_id, queue]));
  for (const record of state.threads.values()) {
    if (record.former) continue;
    const queue = `thread:${record.id}`;
    const key = aliased.get(record.id) ?? queue;
    const waiting = [...(sends.get(queue) ?? []), ...(key === queue ? [] : (sends.get(key) ?? []))];
    sends.delete(queue);
    sends.delete(key);
    items.push(ofThread(record, key, state, waiting));
  }
  for (const [queue, waiting] of sends) {
    const item = ofPeople(queue, waiting, state);
    if (item !== undefined) items.push(item);
  }
  items.sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0));
  return items.map((item) => keepItem(before.get(item.key), item));
}

function ofThread(
  record: ThreadRecord,
  key: string,
  state: ReplicaState,
  waiting: readonly Item[],
): ThreadItem {
  const { thread } = record;
  const pending = pendingOf(waiting);
  const draft = state.drafts.get(key) ?? state.drafts.get(`thread:${record.id}`);
  return {
    key,
    thread,
    title: thread.title ?? thread.participants.map((one) => one.display_name).join(", "),
    participants: [],
    lastMessage: thread.last_message ?? undefined,
    pending,
    unreadCount: unreadOf(record, state),
    draft: draft?.text,
    updatedAt: newest(thread.updated_at, waiting),
  };
}

function ofPeople(
  queue: string,
  waiting: readonly Item[],
  state: ReplicaState,
): ThreadItem | undefined {
  const first = waiting.find(isSend)?.work.destination;
  if (first?.type !== "people") return undefined;
  const names = first.participants.map((id) => state.users.get(id)?.display_name ?? id);
  return {
    key: queue,
    thread: undefined,
    title: first.title ?? names.join(", "),
    participants: first.participants,
    lastMessage: undefined,
    pending: pendingOf(waiting),
    unreadCount: 0,
    draft: state.drafts.get(queue)?.text,
    updatedAt: newest("", waiting),
  };
}

function bySendQueue({ outbox, failed }: ReplicaState): Map<string, Item[]> {
  const queues = new Map<string, Item[]>();
  for (const item of [...failed, ...outbox].filter(isSend)) {
    const known = queues.get(item.queue);
    if (known === undefined) queues.set(item.queue, [item]);
    else known.push(item);
  }
  return queues;
}

function pendingOf(waiting: readonly Item[]): ThreadItem["pending"] {
  const last = waiting
    .filter(isSend)
    .sort((a, b) => a.number - b.number)
    .at(-1);
  if (last === undefined) return undefined;
  const failed = waiting.filter((item) => item.failure !== undefined).length;
  return { content: wordsOf(last), count: waiting.length - failed, failed };
}

function newest(at: string, waiting: readonly Item[]): string {
  const times = waiting.map((item) => new Date(item.made_at).toISOString());
  return [at, ...times].reduce((a, b) => (a > b ? a : b));
}

function keepItem(before: ThreadItem | undefined, now: ThreadItem): ThreadItem {
  if (before === undefined) return now;
  const isSame =
    before.thread === now.thread &&
    before.unreadCount === now.unreadCount &&
    before.draft === now.draft &&
    before.title === now.title &&
    JSON.stringify(before.pending) === JSON.stringify(now.pending);
  return isSame ? before : now;
}
