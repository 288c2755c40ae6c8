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

/** The rows with their places; those that stand as they stood `before` are the same objects, so that they are not drawn again. */
export function placesOf(
  rows: readonly Row[],
  firstUnread: number,
  before: readonly Place[] = [],
): Place[] {
  const unread = unreadPlace(rows, firstUnread);
  const known = new Map(before.map((place) => [place.row, place]));
  const isFirst = rows.map((row, index) => startsGroup(rows[index - 1], row) || index === unread);
  return rows.map((row, index) => {
    const place: Place = {
      key: row.key,
      row,
      startsDay: startsDay(rows[index - 1], row),
      startsGroup: isFirst[index] ?? true,
      endsGroup: isFirst[index + 1] ?? true,
      startsUnread: index === unread,
    };
    const same = known.get(row);
    return same !== undefined && isSame(same, place) ? same : place;
  });
}

function isSame(a: Place, b: Place): boolean {
  return (
    a.startsDay === b.startsDay &&
    a.startsGroup === b.startsGroup &&
    a.endsGroup === b.endsGroup &&
    a.startsUnread === b.startsUnread
  );
}
