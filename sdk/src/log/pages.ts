// Messages in blocks of 64 seqs.

import type { Reader, Writer } from "../database/port.js";
import { type Interval, PAGE_SIZE, type PageRecord } from "../database/schema.js";
import type { Message } from "../protocol/wire.js";

/** Puts messages in; one that is there stays if it is not older (P-ORDER-4). */
export async function putMessages(
  tx: Writer,
  thread_id: string,
  messages: readonly Message[],
): Promise<void> {
  for (const [page, added] of groupByPage(messages)) {
    const record = await tx.get("pages", [thread_id, page]);
    const merged = merge(record?.messages ?? [], added);
    if (merged !== undefined) await tx.put("pages", { thread_id, page, messages: merged });
  }
}

/** Messages of an interval, in order of seq. */
export async function readMessages(
  tx: Reader,
  thread_id: string,
  [first, last]: Interval,
): Promise<Message[]> {
  if (last < first) return [];
  const range = { from: [thread_id, pageOf(first)], to: [thread_id, pageOf(last)] };
  const pages = await tx.list("pages", range);
  return messagesOf(pages).filter(({ seq }) => first <= seq && seq <= last);
}

/** Forgets every message of a thread. */
export async function removeMessages(tx: Writer, thread_id: string): Promise<void> {
  await tx.remove("pages", { from: [thread_id], to: [thread_id, []] });
}

/** The block of a seq. */
export function pageOf(seq: number): number {
  return Math.floor(seq / PAGE_SIZE);
}

function messagesOf(pages: readonly PageRecord[]): Message[] {
  return pages.flatMap((page) => page.messages);
}

function groupByPage(messages: readonly Message[]): Map<number, Message[]> {
  const blocks = new Map<number, Message[]>();
  for (const message of messages) {
    const page = pageOf(message.seq);
    const block = blocks.get(page);
    if (block === undefined) blocks.set(page, [message]);
    else block.push(message);
  }
  return blocks;
}

/** None when nothing changes. */
function merge(held: readonly Message[], added: readonly Message[]): Message[] | undefined {
  const bySeq = new Map(held.map((message) => [message.seq, message]));
  let isChanged = false;
  for (const message of added) {
    const known = bySeq.get(message.seq);
    if (known !== undefined && known.rev >= message.rev) continue;
    bySeq.set(message.seq, message);
    isChanged = true;
  }
  return isChanged ? [...bySeq.values()].sort((a, b) => a.seq - b.seq) : undefined;
}
