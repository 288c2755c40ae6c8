// What waits to be told to the server.

import type { Attachment, ThreadType } from "../protocol/wire.js";

/** Where a message goes. */
export type Destination =
  | { readonly type: "thread"; readonly thread_id: string }
  | {
      /** The one thread of these people, which the first message makes. */
      readonly type: "people";
      /** The others; the sender is left out. */
      readonly participants: readonly string[];
      readonly thread_type: ThreadType;
      readonly title?: string;
      /** `false`: a new group, even if these people have one. */
      readonly distinct?: false;
    };

/** Words on their way. */
export interface SendWork {
  readonly type: "send";
  readonly destination: Destination;
  readonly content: string;
  readonly reply_to?: string;
  readonly attachments?: readonly Attachment[];
}

/** A change of a message. One that is still on its way is named by its client id. */
export interface ChangeWork {
  readonly type: "edit" | "delete" | "react" | "unreact";
  readonly thread_id?: string;
  readonly message_id?: string;
  readonly of_client_id?: string;
  /** Of an edit. */
  readonly content?: string;
  /** Of a reaction. */
  readonly emoji?: string;
}

/** One line of the outbox. */
export interface Item {
  /** Items of one queue are told one after the other. */
  readonly queue: string;
  /** Grows with every item of this device. */
  readonly number: number;
  /** The message's client id; for a change, its idempotency key. */
  readonly client_id: string;
  readonly made_at: number;
  /** It may have reached the server: from now on it stays as it is. */
  readonly attempted: boolean;
  /** An attempt before the last one had no answer. */
  readonly repeated?: true;
  readonly work: SendWork | ChangeWork;
  /** Of a failed message that may be stored all the same: its new words, or its deletion, which follow it. */
  readonly then?: Item;
  /** Why it was given up; only of failed ones. */
  readonly failure?: Failure;
}

/** Why something was not done. */
export interface Failure {
  readonly code: string;
  readonly detail: string;
}

/** The queue of a destination. */
export function queueOf(destination: Destination, client_id: string): string {
  if (destination.type === "thread") return `thread:${destination.thread_id}`;
  if (destination.distinct === false) return `new:${client_id}`;
  const people = [...new Set(destination.participants)].sort();
  return `people:${destination.thread_type}:${JSON.stringify(people)}`;
}

/** The thread into which an item goes, once that is known; its `destination` still tells what the person meant. */
export function threadOf({ queue }: Pick<Item, "queue">): string | undefined {
  return queue.startsWith("thread:") ? queue.slice("thread:".length) : undefined;
}

/** A direct thread with one other person. */
export function directTo(user_id: string): Destination {
  return { type: "people", participants: [user_id], thread_type: "direct" };
}

/** Notes to oneself. */
export const toSelf: Destination = { type: "people", participants: [], thread_type: "self" };

/** The words of a message as it will be. */
export function wordsOf({ work, then }: Item & { readonly work: SendWork }): string {
  return then?.work.content ?? work.content;
}

/** Whether it is a message. */
export function isSend(item: Item): item is Item & { readonly work: SendWork } {
  return item.work.type === "send";
}
