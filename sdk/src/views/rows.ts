// Rows of a timeline: what is confirmed and what is on its way, as one list. Pure.

import type { LandedRecord } from "../database/schema.js";
import {
  type ChangeWork,
  type Failure,
  type Item,
  isSend,
  type SendWork,
  wordsOf,
} from "../outbox/item.js";
import type { Message, Participant, Reaction } from "../protocol/wire.js";

/** How far a message of this person has come; `received` for those of others. */
export type RowState =
  /** Waits to be sent. */
  | "queued"
  /** On its way; it may be stored already. */
  | "sending"
  | "stored"
  /** It reached a device of everybody else. */
  | "delivered"
  /** Everybody else has read it. */
  | "read"
  /** It was given up: `failure` says why. Send it again, change it or remove it. */
  | "failed"
  | "received";

/** One line of a timeline. */
export interface Row {
  /** Stays the same from the first moment on: made of sender and client id. */
  readonly key: string;
  /** The message as it will be when everything that waits was done. Of one that is not stored, `seq` and `rev` are 0. */
  readonly message: Message;
  readonly state: RowState;
  readonly isOwn: boolean;
  /** A change of it (edit, deletion, reaction) waits. */
  readonly hasPendingChange: boolean;
  readonly failure?: Failure;
  /** A change of it was given up; its client id, to dismiss or retry it. */
  readonly failedChange?: { readonly client_id: string; readonly type: string } & Failure;
}

/** What rows are made of. */
export interface RowSource {
  readonly me: string;
  readonly thread_id: string;
  /** Confirmed, in order of seq. */
  readonly messages: readonly Message[];
  /** Whether the newest message is among them: only then comes what is on its way. */
  readonly isLive: boolean;
  /** Answered, and not yet among the confirmed ones. */
  readonly landed: readonly LandedRecord[];
  /** Of this conversation. */
  readonly outbox: readonly Item[];
  readonly failed: readonly Item[];
  readonly participants: readonly Participant[];
}

/** The rows, in order: confirmed by seq, then what is on its way, in the order in which it was written. */
export function buildRows(source: RowSource, before: ReadonlyMap<string, Row>): Row[] {
  const { me, messages, isLive } = source;
  const changes = changesOf(source);
  const others = source.participants.filter((one) => one.user_id !== me);
  const reach: Reach = {
    isAlone: others.length === 0,
    read: Math.min(...others.map((one) => one.read_seq)),
    delivered: Math.min(...others.map((one) => one.delivered_seq)),
  };
  const rows = messages.map((message) => confirmed(message, source, changes, reach, before));
  if (!isLive) return rows;
  const known = new Set(rows.map((row) => row.key));
  const add = (row: Row) => {
    if (known.has(row.key)) return;
    known.add(row.key);
    rows.push(kept(row, before));
  };
  const landed = [...source.landed].sort((a, b) => a.message.seq - b.message.seq);
  for (const { message } of landed) add(confirmed(message, source, changes, reach, before));
  const waiting = [...source.failed, ...source.outbox].filter(isSend);
  waiting.sort((a, b) => a.number - b.number);
  for (const item of waiting) add(pending(item, source, changes));
  return rows;
}

/** The key of a message's row. */
export function rowKey(message: Message): string {
  return message.client_id ? `${message.sender_id}:${message.client_id}` : message.id;
}

/** How far everybody else is. */
interface Reach {
  readonly isAlone: boolean;
  readonly read: number;
  readonly delivered: number;
}

type Changes = ReadonlyMap<string, readonly (Item & { readonly work: ChangeWork })[]>;

function changesOf({ outbox, failed }: RowSource): Changes {
  const changes = new Map<string, (Item & { work: ChangeWork })[]>();
  for (const item of [...failed, ...outbox]) {
    if (item.work.type === "send") continue;
    const { message_id, of_client_id } = item.work;
    for (const target of new Set([message_id, of_client_id])) {
      if (target === undefined) continue;
      const known = changes.get(target) ?? [];
      changes.set(target, [...known, item as Item & { work: ChangeWork }]);
    }
  }
  return changes;
}

function confirmed(
  message: Message,
  { me }: RowSource,
  changes: Changes,
  reach: Reach,
  before: ReadonlyMap<string, Row>,
): Row {
  const isOwn = message.sender_id === me && message.kind !== "system";
  const all = changes.get(message.id) ?? changes.get(message.client_id ?? "") ?? [];
  const key = rowKey(message);
  const state = isOwn ? reached(message.seq, reach) : "received";
  const known = before.get(key);
  // Almost all of them, each time.
  const isPlain = all.length === 0 && !known?.hasPendingChange && !known?.failedChange;
  if (isPlain && known?.message === message && known.state === state) return known;
  return kept({ key, ...withChanges(message, all, me), state, isOwn }, before);
}

function pending(
  item: Item & { readonly work: SendWork },
  { me, thread_id }: RowSource,
  changes: Changes,
): Row {
  const { work, client_id, made_at, failure } = item;
  const message: Message = {
    id: client_id,
    thread_id,
    seq: 0,
    rev: 0,
    sender_id: me,
    client_id,
    kind: "text",
    content: wordsOf(item),
    reply_to: work.reply_to ?? null,
    attachments: [...(work.attachments ?? [])],
    reactions: [],
    created_at: new Date(made_at).toISOString(),
    edited_at: null,
    deleted_at: null,
  };
  const state = failure !== undefined ? "failed" : item.attempted ? "sending" : "queued";
  return {
    key: rowKey(message),
    ...withChanges(message, changes.get(client_id) ?? [], me),
    state,
    isOwn: true,
    ...(failure === undefined ? {} : { failure }),
  };
}

function withChanges(
  message: Message,
  changes: Changes extends ReadonlyMap<string, infer V> ? V : never,
  me: string,
): Pick<Row, "message" | "hasPendingChange" | "failedChange"> {
  const waiting = changes.filter((item) => item.failure === undefined);
  const failed = changes.find((item) => item.failure !== undefined);
  const result = waiting.reduce((now, { work }) => after(now, work, me), message);
  if (failed?.failure === undefined) {
    return { message: result, hasPendingChange: waiting.length > 0 };
  }
  const failedChange = { client_id: failed.client_id, type: failed.work.type, ...failed.failure };
  return { message: result, hasPendingChange: waiting.length > 0, failedChange };
}

/** A message after a change that was not told yet. */
function after(message: Message, work: ChangeWork, me: string): Message {
  if (message.deleted_at) return message;
  switch (work.type) {
    case "edit":
      return { ...message, content: work.content ?? message.content };
    case "delete":
      return { ...message, content: "", reactions: [], deleted_at: message.created_at };
    case "react":
      return { ...message, reactions: reacted(message.reactions, work.emoji ?? "", me) };
    default:
      return { ...message, reactions: unreacted(message.reactions, work.emoji ?? "", me) };
  }
}

function reacted(reactions: readonly Reaction[], emoji: string, me: string): Reaction[] {
  const known = reactions.find((reaction) => reaction.emoji === emoji);
  if (known === undefined) return [...reactions, { emoji, count: 1, user_ids: [me] }];
  if (known.user_ids.includes(me)) return [...reactions];
  const more = { ...known, count: known.count + 1, user_ids: [...known.user_ids, me] };
  return reactions.map((reaction) => (reaction === known ? more : reaction));
}

function unreacted(reactions: readonly Reaction[], emoji: string, me: string): Reaction[] {
  return reactions.flatMap((reaction) => {
    if (reaction.emoji !== emoji || !reaction.user_ids.includes(me)) return [reaction];
    const user_ids = reaction.user_ids.filter((user_id) => user_id !== me);
    return reaction.count > 1 ? [{ ...reaction, count: reaction.count - 1, user_ids }] : [];
  });
}

function reached(seq: number, { isAlone, read, delivered }: Reach): RowState {
  if (isAlone) return "stored";
  if (read >= seq) return "read";
  return delivered >= seq ? "delivered" : "stored";
}

/** The same object as before when nothing changed, so that nothing is drawn again. */
function kept(row: Row, before: ReadonlyMap<string, Row>): Row {
  const known = before.get(row.key);
  return known !== undefined && isSame(known, row) ? known : row;
}

function isSame(a: Row, b: Row): boolean {
  const isPlain = !a.hasPendingChange && !b.hasPendingChange;
  return (
    a.state === b.state &&
    a.message.rev === b.message.rev &&
    a.message.seq === b.message.seq &&
    a.failure?.code === b.failure?.code &&
    a.failedChange?.client_id === b.failedChange?.client_id &&
    (isPlain ? a.message.content === b.message.content : JSON.stringify(a) === JSON.stringify(b))
  );
}
