// Entries and messages as events of a history (HI-21).

import { messageOf } from "../log/reduce.js";
import type { Entry, Message } from "../protocol/wire.js";
import { fingerprint, uuidBytes } from "./fingerprint.js";

/** One event; what is 0 is left out. */
export interface HistoryEvent {
  readonly kind: string;
  readonly action?: string;
  readonly code?: number;
  readonly session?: number;
  readonly call?: number;
  readonly user?: number;
  readonly thread?: number;
  readonly version?: number;
  readonly key?: string;
  readonly hash?: string;
  readonly seq?: number;
  readonly rev?: number;
  readonly id?: string;
}

const ACTIONS: Readonly<Record<string, string>> = {
  message: "send",
  message_edited: "edit",
  message_deleted: "delete",
  reaction_added: "react",
  reaction_removed: "unreact",
  thread_created: "create",
  participants_added: "add",
  participant_removed: "remove",
  participant_left: "leave",
  role_changed: "role",
  title_changed: "title",
  settings_changed: "settings",
  hidden: "hidden",
};

/** Of a message: who sent it and the sender's own id for it. */
export function messageKey(client_id: string, sender_id: string): string {
  return fingerprint(uuidBytes(client_id), sender_id);
}

/** What an entry says, without its thread. */
export function entryEvent(
  kind: "wire" | "apply" | "final" | "row",
  entry: Entry,
  numberOf: (user_id: string) => number,
): HistoryEvent {
  const message = messageOf(entry);
  const seq = message?.seq ?? ("message_seq" in entry ? entry.message_seq : 0);
  return {
    kind,
    action: ACTIONS[entry.type] ?? "unknown",
    rev: entry.rev,
    seq,
    user: entry.actor_id ? numberOf(entry.actor_id) : 0,
    ...(message === undefined ? {} : messageFields(message)),
  };
}

function messageFields(message: Message): Partial<HistoryEvent> {
  const { id, client_id, sender_id, deleted_at, content, rev, seq } = message;
  return {
    seq,
    id: fingerprint(uuidBytes(id)),
    version: rev,
    ...(client_id ? { key: messageKey(client_id, sender_id) } : {}),
    ...(deleted_at ? {} : { hash: fingerprint(content) }),
  };
}
