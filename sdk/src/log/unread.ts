// How far a person has read a thread, and how much is unread after that (P-READ-2).
//
// Invariant: the count is of the messages that this device knows of. What the server counts may include some whose entries are
// still on their way, and they would be counted again when they come.

import type { Reader } from "../database/port.js";
import type { ThreadRecord } from "../database/schema.js";
import type { Thread } from "../protocol/wire.js";
import { isCovered } from "./coverage.js";
import { readMessages } from "./pages.js";
import { moved } from "./reduce.js";

/** The thread after this person read up to `seq`, here or on another device. */
export async function readUpTo(
  tx: Reader,
  record: ThreadRecord,
  me: string,
  seq: number,
): Promise<Thread> {
  const thread = moved(record.thread, me, { read_seq: seq }, me);
  if (thread.read_seq === record.thread.read_seq) return thread;
  return { ...thread, unread_count: await unreadAfter(tx, record, thread.read_seq) };
}

/** Unread messages of the person when they have read up to `seq`; at most so many where not all of them are held. */
async function unreadAfter(tx: Reader, record: ThreadRecord, seq: number): Promise<number> {
  const { thread, coverage } = record;
  const rest = [seq + 1, thread.last_seq] as const;
  if (seq >= thread.last_seq) return 0;
  if (!isCovered(coverage, rest)) return Math.min(thread.unread_count, thread.last_seq - seq);
  const messages = await readMessages(tx, record.id, rest);
  return messages.filter((message) => message.kind !== "system").length;
}
