import type { Thread } from "@semel/sdk";
import { useContacts } from "@semel/sdk/react";
import { useMemo } from "react";

/** What people are called here; the id when that is all that is known. */
export type Names = (userId: string) => string;

export function useNames(thread: Thread | undefined): Names {
  const contacts = useContacts();
  const participants = thread?.participants;
  return useMemo(() => {
    const names = new Map(contacts.map(({ user }) => [user.user_id, user.display_name]));
    for (const one of participants ?? []) names.set(one.user_id, one.display_name);
    return (userId) => names.get(userId) ?? userId;
  }, [contacts, participants]);
}
