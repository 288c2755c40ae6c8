// With whom somebody talks: a thread, or people who may not have one yet.

import { canonicalUserId } from "../ids.js";
import { type Destination, directTo, queueOf, toSelf } from "../outbox/item.js";

/** A conversation, by its thread or by its people. A person's chat is the same one whichever way it is named. */
export type Peer =
  | { readonly thread_id: string }
  | { readonly user_id: string }
  | { readonly self: true }
  | {
      /** A group found by its people; the first message makes it. */
      readonly participants: readonly string[];
      readonly title?: string;
    };

/** Where messages to it go. */
export function destinationOf(peer: Peer, me: string): Destination {
  if ("thread_id" in peer) return { type: "thread", thread_id: peer.thread_id };
  if ("self" in peer) return toSelf;
  if ("user_id" in peer) {
    const user_id = canonicalUserId(peer.user_id);
    return user_id === me ? toSelf : directTo(user_id);
  }
  const participants = peer.participants.map(canonicalUserId).filter((id) => id !== me);
  const title = peer.title === undefined ? {} : { title: peer.title };
  return { type: "people", participants, thread_type: "group", ...title };
}

/** The name under which a conversation's draft and outbox are kept. */
export function keyOf(peer: Peer, me: string): string {
  return queueOf(destinationOf(peer, me), "");
}
