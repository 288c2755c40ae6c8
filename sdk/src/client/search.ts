// Search in what this device holds.

import type { Database, Key, Query } from "../database/port.js";
import type { PageRecord } from "../database/schema.js";
import type { Message } from "../protocol/wire.js";

/** Pages that are read in one go. */
const PAGES_AT_ONCE = 64;

/** What is searched for, and where. */
export interface SearchOptions {
  /** In one thread only. */
  readonly thread_id?: string;
  /** Hits at most; 50 when left out. */
  readonly limit?: number;
  /** Ends the search. */
  readonly signal?: AbortSignal;
}

/** Messages with all of these words, newest of each thread first, threads that moved last first. */
export async function searchMessages(
  database: Database,
  text: string,
  { thread_id, limit = 50, signal }: SearchOptions = {},
): Promise<Message[]> {
  const words = foldCase(text).split(/\s+/u).filter(Boolean);
  if (words.length === 0) return [];
  const records = await database.read(["threads"], (tx) => tx.list("threads"));
  records.sort((a, b) => b.thread.updated_at.localeCompare(a.thread.updated_at));
  const hits: Message[] = [];
  for (const { id } of records) {
    if (thread_id !== undefined && id !== thread_id) continue;
    for await (const message of newestFirst(database, id)) {
      if (signal?.aborted || hits.length >= limit) return hits;
      const content = foldCase(message.content);
      const isHit = message.kind !== "system" && words.every((word) => content.includes(word));
      if (isHit) hits.push(message);
    }
  }
  return hits;
}

async function* newestFirst(database: Database, id: string): AsyncGenerator<Message> {
  let to: Key = [id, []];
  for (;;) {
    const query: Query = { from: [id], to, order: "descending", limit: PAGES_AT_ONCE };
    const pages: PageRecord[] = await database.read(["pages"], (tx) => tx.list("pages", query));
    for (const page of pages) yield* [...page.messages].reverse();
    const last = pages.at(-1);
    if (last === undefined || pages.length < PAGES_AT_ONCE) return;
    to = [id, last.page - 1];
  }
}

/** Without case and accents. */
function foldCase(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
