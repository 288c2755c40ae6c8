// What tabs tell each other.

import type { Interval } from "../database/schema.js";
import type { ConnectionState } from "../engine/state.js";
import type { Presence, TypingNotice } from "../protocol/wire.js";

/** What changed in the database: every tab reads it again. */
export interface Change {
  readonly threads?: readonly string[];
  /**
   * By thread, between which seqs messages changed; of a thread that is not named here none did. Left out: any of them, as
   * tabs of older versions say it.
   */
  readonly messages?: Readonly<Record<string, Interval>>;
  readonly outbox?: true;
  readonly drafts?: true;
  readonly contacts?: true;
}

/** A thread changed, and these of its messages. */
export function changeOf(
  thread_id: string,
  messages: readonly { readonly seq: number }[],
): Pick<Change, "threads" | "messages"> {
  const seqs = messages.map(({ seq }) => seq);
  const span: Interval = [Math.min(...seqs), Math.max(...seqs)];
  return { threads: [thread_id], messages: seqs.length === 0 ? {} : { [thread_id]: span } };
}

/** Something that passes and is kept nowhere. */
export type Notice =
  | { readonly type: "typing"; readonly notice: TypingNotice }
  | { readonly type: "presence"; readonly presence: Presence };

/** What this tab has on screen; the leader tells the server. */
export interface Interest {
  /** Threads that are open. */
  readonly threads: readonly string[];
  /** People whose presence is shown. */
  readonly people: readonly string[];
}

/** A message from one tab to all others. */
export type News =
  | { readonly type: "changed"; readonly change: Change }
  | { readonly type: "notice"; readonly notice: Notice }
  | { readonly type: "state"; readonly state: ConnectionState }
  | { readonly type: "beat" }
  | { readonly type: "interest"; readonly tab: string; readonly interest: Interest }
  | { readonly type: "typing"; readonly thread_id: string; readonly typing: boolean }
  /** The outbox or the read positions have something. */
  | { readonly type: "work" }
  /** A tab is new: the leader says where things are, and every tab what it has on screen. */
  | { readonly type: "hello" }
  /** Try to connect now. */
  | { readonly type: "wake" }
  /** `isForgotten`: not by its person, so that what was not sent stays. */
  | { readonly type: "signed_out"; readonly isForgotten?: true };
