// What lists and headers show.

import { useMemo } from "react";
import type { Peer } from "../client/peer.js";
import type { KeptIn } from "../database/resilient.js";
import type { DraftRecord } from "../database/schema.js";
import type { ConnectionState } from "../engine/state.js";
import type { Presence } from "../protocol/wire.js";
import type { ContactItem } from "../views/contacts.js";
import type { OutboxState } from "../views/outbox.js";
import type { ThreadItem } from "../views/threads.js";
import { useObservable } from "./observable.js";
import { useClient } from "./provider.js";

/** The list of chats, newest first. */
export function useThreads(): readonly ThreadItem[] {
  return useObservable(useClient().threads);
}

/** With whom this person has to do, by name. */
export function useContacts(): readonly ContactItem[] {
  return useObservable(useClient().contacts);
}

/** What this person calls their contacts, by id. */
export function useOwnNames(): ReadonlyMap<string, string> {
  return useObservable(useClient().ownNames);
}

/** Whom this person has blocked. */
export function useBlocked(): ReadonlySet<string> {
  return useObservable(useClient().blocked);
}

/** Where the connection is. */
export function useConnection(): ConnectionState {
  return useObservable(useClient().connection);
}

/** What waits to be sent, and what was given up. */
export function useOutbox(): OutboxState {
  return useObservable(useClient().outbox);
}

/** Where things are kept. */
export function useKeptIn(): KeptIn {
  return useObservable(useClient().keptIn);
}

/** Whether somebody is there. */
export function usePresence(user_id: string): Presence | undefined {
  const client = useClient();
  return useObservable(useMemo(() => client.presence(user_id), [client, user_id]));
}

/** Who types in a thread. */
export function useTyping(thread_id: string): readonly string[] {
  const client = useClient();
  return useObservable(useMemo(() => client.typing(thread_id), [client, thread_id]));
}

/** The words that were begun in a conversation. Give it the same peer object each time, or one made by `useMemo`. */
export function useDraft(peer: Peer): DraftRecord | undefined {
  const client = useClient();
  return useObservable(useMemo(() => client.drafts.of(peer), [client, peer]));
}
