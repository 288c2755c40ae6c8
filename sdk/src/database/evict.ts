// Makes room: forgets old messages of threads that were not opened for the longest time. They can be fetched again.

import type { Writer } from "./port.js";
import { PAGE_SIZE, type ThreadRecord } from "./schema.js";

/** The newest messages of a thread that always stay. */
const KEPT = 2 * PAGE_SIZE;
/** Of all threads with more than that, the part that is shortened at once. */
const PART = 4;

/** Forgets a quarter. False: there is nothing to forget. */
export async function evict(tx: Writer): Promise<boolean> {
  const long = (await tx.list("threads")).filter((record) => keptFrom(record) > 0);
  long.sort((a, b) => (a.opened_at ?? 0) - (b.opened_at ?? 0));
  for (const record of long.slice(0, Math.ceil(long.length / PART))) {
    const first = keptFrom(record);
    const page = Math.floor(first / PAGE_SIZE);
    const last = record.coverage.at(-1);
    if (last === undefined) continue;
    await tx.remove("pages", { from: [record.id], to: [record.id, page - 1] });
    await tx.put("threads", { ...record, coverage: [[first, last[1]]] });
  }
  return long.length > 0;
}

/** First seq that stays; 0 when nothing would go. */
function keptFrom({ coverage }: ThreadRecord): number {
  const last = coverage.at(-1);
  const oldest = coverage[0]?.[0];
  if (last === undefined || oldest === undefined) return 0;
  const first = Math.max(last[0], Math.floor((last[1] - KEPT) / PAGE_SIZE) * PAGE_SIZE);
  return first >= PAGE_SIZE && oldest < first ? first : 0;
}
