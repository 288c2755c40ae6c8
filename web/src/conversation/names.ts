import type { Thread } from "@semel/sdk";
import { useContacts, useOwnNames } from "@semel/sdk/react";
import { useMemo, useRef } from "react";
import { useProfiles } from "../people/profiles";

/** What people are called here; the id when that is all that is known. */
export type Names = (userId: string) => string;

/**
 * A name of one's own for somebody comes before the one that they gave themselves. The same function as before until somebody
 * has another name: every row would be drawn again at each receipt.
 */
export function useNames(thread?: Thread): Names {
  const contacts = useContacts();
  const ownNames = useOwnNames();
  const profiles = useProfiles();
  const participants = thread?.participants;
  const before = useRef<{ known: ReadonlyMap<string, string>; names: Names }>(undefined);
  return useMemo(() => {
    const known = new Map<string, string>();
    for (const [id, user] of profiles) if (user !== "nobody") known.set(id, user.display_name);
    for (const { user } of contacts) known.set(user.user_id, user.display_name);
    for (const one of participants ?? []) known.set(one.user_id, one.display_name);
    for (const [id, name] of ownNames) known.set(id, name);
    const last = before.current;
    const isSame =
      last?.known.size === known.size &&
      [...known].every(([id, name]) => last.known.get(id) === name);
    if (last !== undefined && isSame) return last.names;
    const names: Names = (userId) => known.get(userId) ?? userId;
    before.current = { known, names };
    return names;
  }, [contacts, participants, ownNames, profiles]);
}
