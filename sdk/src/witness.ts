// Who writes down what a device does and sees (docs/HISTORY.md); `@semel/sdk/history` has one.

import type { Destination } from "./outbox/item.js";
import type { Entry, Message, Problem } from "./protocol/wire.js";

/** One try of a message. */
export interface Attempt {
  readonly client_id: string;
  readonly destination: Destination;
  readonly content: string;
  /** Whether it keeps its place among those that this device sends to the same thread. */
  readonly in_order: boolean;
}

/** What became of a try. */
export type Outcome =
  | { readonly type: "stored"; readonly message: Message; readonly duplicate: boolean }
  | { readonly type: "refused"; readonly problem: Problem }
  /** The connection ended before the answer. */
  | { readonly type: "lost" };

/**
 * A witness of one life of a device. An attempt is told before its first byte leaves, its outcome after the whole answer was
 * read.
 */
export interface Witness {
  /** The returned number comes back with the outcome. */
  attempt(attempt: Attempt): number;
  outcome(attempt: number, outcome: Outcome): void;
  /** An entry was pushed to this device, in whatever order. */
  arrival(entry: Entry): void;
  /** An entry was applied: what the person sees. */
  apply(entry: Entry): void;
  /** The device goes on behind this entry. */
  reset(thread_id: string, epoch: number, head: number): void;
  /** The person is not in this thread any more. */
  left(thread_id: string): void;
}
