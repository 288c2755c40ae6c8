// The person's own profile. Contacts come by themselves; one's own profile is asked for where it is shown.

import type { User } from "@semel/sdk";
import { useClient } from "@semel/sdk/react";
import { useEffect, useSyncExternalStore } from "react";
import { nameAccount } from "./account";

let me: User | undefined;
const listeners = new Set<() => void>();

/** It was asked for, or changed. */
export function setMe(user: User): void {
  me = user;
  nameAccount(user.user_id, user.display_name);
  for (const listener of listeners) listener();
}

/** The profile, as soon as it is there; asked for unless it is not wanted. */
export function useMe(isWanted = true): User | undefined {
  const client = useClient();
  const known = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => me,
  );
  const isKnown = known?.user_id === client.userId;
  useEffect(() => {
    // Without a connection there are initials.
    if (isWanted && !isKnown) client.actions.user("me").then(setMe, () => undefined);
  }, [client, isWanted, isKnown]);
  return isKnown ? known : undefined;
}
