// Which messages stand together. Pure functions of neighbours.

import type { Row } from "@semel/sdk";
import { dayOf } from "./dates";

/** Milliseconds between two messages of one person beyond which a new group begins. */
export const GROUP_WITHIN = 5 * 60_000;

/** How a row stands to its neighbours. */
export interface Place {
  readonly key: string;
  readonly row: Row;
  readonly startsDay: boolean;
  readonly startsGroup: boolean;
  readonly endsGroup: boolean;
  /** The unread messages begin here. */
  readonly startsUnread: boolean;
}

export function startsDay(before: Row | undefined, row: Row): boolean {
  if (before === undefined) return true;
  return dayOf(new Date(before.message.created_at)) !== dayOf(new Date(row.message.created_at));
}

export function startsGroup(before: Row | undefined, row: Row): boolean {
  if (before === undefined || startsDay(before, row)) return true;
  const [a, b] = [before.message, row.message];
  if (a.sender_id !== b.sender_id || a.kind === "system" || b.kind === "system") return true;
  return Date.parse(b.created_at) - Date.parse(a.created_at) > GROUP_WITHIN;
}

/** Where the unread messages begin, -1 when that is not among the rows. `firstUnread` is a seq, 0 when all was read. */
export function unreadPlace(rows: readonly Row[], firstUnread: number): number {
  const place = firstUnread === 0 ? -1 : rows.findIndex((row) => row.message.seq >= firstUnread);
  // What is before the first row is not known: the messages may begin further up.
  return place === 0 && rows[0]?.message.seq !== firstUnread ? -1 : place;
}

/** The rows with their places. */
export function placesOf(rows: readonly Row[], firstUnread: number): Place[] {
  const unread = unreadPlace(rows, firstUnread);
  return rows.map((row, index) => {
    const after = rows[index + 1];
    const divides = (place: number) => place === unread;
    return {
      key: row.key,
      row,
      startsDay: startsDay(rows[index - 1], row),
      startsGroup: startsGroup(rows[index - 1], row) || divides(index),
      endsGroup: after === undefined || startsGroup(row, after) || divides(index + 1),
      startsUnread: divides(index),
    };
  });
}
