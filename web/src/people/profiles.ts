// Profiles of people who are no contacts yet: found by their handle, named by an address, met in a group.

import { type Client, hasCode, type User } from "@semel/sdk";
import { useClient, useConnection, useContacts } from "@semel/sdk/react";
import { useEffect, useSyncExternalStore } from "react";

/** Who is here; or that nobody is here by that id. */
export type Known = User | "nobody";

let known: ReadonlyMap<string, Known> = new Map();
let owner: Client | undefined;
const listeners = new Set<() => void>();

/** Somebody was found. */
export function keepProfile(client: Client, userId: string, profile: Known): void {
  // What one person was told is nobody else's to see.
  known = new Map(owner === client ? known : []).set(userId, profile);
  owner = client;
  for (const listener of listeners) listener();
}

/** Everybody who was looked at in this tab. */
export function useProfiles(): ReadonlyMap<string, Known> {
  const client = useClient();
  const all = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => known,
  );
  return owner === client ? all : NOBODY;
}

const NOBODY: ReadonlyMap<string, Known> = new Map();

/** Somebody's profile, as far as it is known; asked for when the device does not hold it. */
export function useProfile(userId: string | undefined): Known | undefined {
  const client = useClient();
  const { phase } = useConnection();
  const contact = useContacts().find(({ user }) => user.user_id === userId)?.user;
  const profile = useProfiles().get(userId ?? "");
  const isKnown = contact !== undefined || profile !== undefined;
  useEffect(() => {
    if (userId === undefined || isKnown || phase !== "online") return;
    client.actions.user(userId).then(
      (user) => keepProfile(client, userId, user),
      (error: unknown) => {
        // No id at all, or nobody's. Anything else is asked again with the next connection.
        const isNobody = hasCode(error, "not_found") || hasCode(error, "invalid_request");
        if (isNobody) keepProfile(client, userId, "nobody");
      },
    );
  }, [client, userId, isKnown, phase]);
  return contact ?? profile;
}
