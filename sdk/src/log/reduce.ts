// What an entry makes of a thread: state + entry = state. Pure.

import * as limits from "../protocol/limits.js";
import type { Entry, Message, Participant, Thread } from "../protocol/wire.js";

/** Whose device it is, and what people are called. */
export interface Onlooker {
  readonly me: string;
  nameOf(user_id: string): string;
}

/**
 * The thread after an entry. An entry that the thread shows already, or one of a type that is not known, changes nothing
 * but the place.
 */
export function reduce(thread: Thread, entry: Entry, onlooker: Onlooker): Thread {
  if (entry.rev <= thread.last_rev) return thread;
  const next = { ...thread, last_rev: entry.rev };
  if (entry.type === "hidden") return next;
  if (entry.chain) next.chain = entry.chain;
  if (entry.created_at) next.updated_at = entry.created_at;
  switch (entry.type) {
    case "message":
      return said(next, entry.message, onlooker);
    case "message_edited":
    case "message_deleted":
    case "reaction_added":
    case "reaction_removed":
      return changed(next, entry.message);
    case "participants_added": {
      const more = added(next, entry.user_ids, entry.message, onlooker);
      return said({ ...more, title: titleOf(more, entry.title) }, entry.message, onlooker);
    }
    case "participant_removed":
    case "participant_left":
      return said(removed(next, entry.user_ids, entry.title), entry.message, onlooker);
    case "title_changed":
      next.title = entry.title ?? null;
      next.title_is_automatic = entry.title_is_automatic;
      return said(next, entry.message, onlooker);
    case "role_changed":
      return withPeople(next, (one) =>
        entry.user_ids.includes(one.user_id) ? { ...one, role: entry.role } : one,
      );
    case "settings_changed":
      return {
        ...next,
        settings: entry.settings,
        description: entry.description ?? null,
        picture: entry.picture ?? null,
      };
    default:
      return next;
  }
}

/** The thread after somebody read or received up to a message (P-READ-1: positions only grow). */
export function moved(
  thread: Thread,
  user_id: string,
  position: { readonly read_seq?: number; readonly delivered_seq?: number },
  me: string,
): Thread {
  const isOwn = user_id === me && (position.read_seq ?? 0) > thread.read_seq;
  const own = isOwn ? { ...thread, read_seq: position.read_seq ?? 0 } : thread;
  return withPeople(own, (one) => {
    if (one.user_id !== user_id) return one;
    const read_seq = Math.max(one.read_seq, position.read_seq ?? 0);
    const delivered_seq = Math.max(one.delivered_seq, position.delivered_seq ?? 0, read_seq);
    const isSame = read_seq === one.read_seq && delivered_seq === one.delivered_seq;
    return isSame ? one : { ...one, read_seq, delivered_seq };
  });
}

/** Whether an entry tells that this person went. */
export function isDeparture(entry: Entry, me: string): boolean {
  const isGone = entry.type === "participant_removed" || entry.type === "participant_left";
  return isGone && entry.user_ids.includes(me);
}

/** The message that an entry brings or concerns, as it is now. */
export function messageOf(entry: Entry): Message | undefined {
  const message = "message" in entry ? entry.message : undefined;
  return (message ?? undefined) as Message | undefined;
}

/** The title of a direct thread is the other's name, which entries do not tell. */
function titleOf(thread: Thread, title: string | null | undefined): string | null {
  return thread.thread_type === "group" ? (title ?? null) : (thread.title ?? null);
}

function said(thread: Thread, wire: unknown, { me }: Onlooker): Thread {
  const message = wire as Message;
  const next = { ...thread, last_seq: message.seq, last_message: message };
  if (message.kind === "system") return next;
  next.message_count += 1;
  const position = { read_seq: message.seq, delivered_seq: message.seq };
  if (message.sender_id === me) next.unread_count = 0;
  // It may have been read on another device before its entry came here.
  else if (message.seq > thread.read_seq) next.unread_count += 1;
  return moved(next, message.sender_id, position, me);
}

function changed(thread: Thread, wire: unknown): Thread {
  const message = wire as Message | null | undefined;
  const last = thread.last_message;
  const isLast = message && last && last.id === message.id && message.rev > last.rev;
  return isLast ? { ...thread, last_message: message } : thread;
}

function added(
  thread: Thread,
  user_ids: readonly string[],
  wire: unknown,
  onlooker: Onlooker,
): Thread {
  const { seq } = wire as Message;
  const known = new Set(thread.participants.map((one) => one.user_id));
  const newcomers = user_ids
    .filter((user_id) => !known.has(user_id))
    .map((user_id): Participant => {
      const display_name = onlooker.nameOf(user_id);
      return { user_id, display_name, role: "participant", read_seq: seq, delivered_seq: seq };
    });
  const participants = [...thread.participants, ...newcomers];
  return {
    ...thread,
    participant_count: thread.participant_count + user_ids.length,
    participants: participants.slice(0, limits.THREAD_PARTICIPANTS_SHOWN_MAX),
  };
}

function removed(
  thread: Thread,
  user_ids: readonly string[],
  title: string | null | undefined,
): Thread {
  return {
    ...thread,
    title: title ?? null,
    participant_count: thread.participant_count - user_ids.length,
    participants: thread.participants.filter((one) => !user_ids.includes(one.user_id)),
  };
}

function withPeople(thread: Thread, change: (one: Participant) => Participant): Thread {
  const participants = thread.participants.map(change);
  const isSame = participants.every((one, place) => one === thread.participants[place]);
  return isSame ? thread : { ...thread, participants };
}
