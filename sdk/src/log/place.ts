// A device's place in a thread's log. Pure.

import type { ThreadRecord } from "../database/schema.js";
import type { Cursor, Entry } from "../protocol/wire.js";

/** What to do with an entry. */
export type Step =
  /** It is the next one. */
  | "apply"
  /** It was there before: ignore it. */
  | "repeat"
  /** Entries before it are missing: fetch them. */
  | "gap"
  /** It is of another log that replaced this one: begin anew. */
  | "replaced";

/** Where a log is known up to. */
export interface Place {
  readonly head: number;
  readonly epoch: number;
  readonly chain?: string;
}

/** Judges an entry (P-ORDER-3). */
export function judge(place: Place, entry: Entry): Step {
  if (entry.epoch !== place.epoch) return "replaced";
  if (entry.rev <= place.head) return "repeat";
  return entry.rev === place.head + 1 ? "apply" : "gap";
}

/** The place as `sync` wants it. */
export function cursorOf(record: ThreadRecord): Cursor {
  const { head: rev, epoch, chain } = record;
  return chain === undefined ? { rev, epoch } : { rev, epoch, chain };
}
