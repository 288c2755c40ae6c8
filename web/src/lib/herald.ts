// What is said aloud of what comes in the open conversation. Pure: whoever has it keeps the time.

import type { Row } from "@semel/sdk";

/** What came since the last time that something was said. */
export interface News {
  /** Of others. */
  readonly fresh: readonly Row[];
  /** Up to here everything was heard. */
  readonly heard: number;
}

/** What a timeline shows, as far as it matters here. */
export interface Shown {
  readonly isLoaded: boolean;
  readonly isLive: boolean;
  readonly rows: readonly Row[];
  /** Seq of the newest message that this device knows of; none while there is no thread. */
  readonly last: number | undefined;
  /** Nobody has said anything yet: there is no thread, and the device would know. */
  readonly isNew: boolean;
}

/**
 * Seq of the newest message that was there already: history is no news, whether it is loaded now or gone back to. `before` is
 * what was known until now.
 */
export function heardAtFirst(before: number | undefined, shown: Shown): number | undefined {
  if (before !== undefined || !shown.isLoaded) return before;
  return shown.last ?? (shown.isNew ? 0 : undefined);
}

/**
 * What is to be said; none when there is nothing. What came while the view was elsewhere counts as heard; what is known of
 * and not here yet does not.
 */
export function newsSince(heard: number, { isLive, rows, last = heard }: Shown): News {
  if (!isLive) return { fresh: [], heard: Math.max(heard, last) };
  const fresh = rows.filter((row) => !row.isOwn && row.message.seq > heard);
  // Behind it is what waits to be sent.
  const newest = rows.findLast((row) => row.message.seq > 0)?.message.seq ?? heard;
  return { fresh, heard: Math.max(heard, newest) };
}

/** The people of whom they are, the last one first. */
export function sendersOf(fresh: readonly Row[]): readonly string[] {
  return [...new Set(fresh.map((row) => row.message.sender_id).reverse())];
}
