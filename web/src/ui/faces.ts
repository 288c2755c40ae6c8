// Pictures of people, by their ids.

import type { ContactItem } from "@semel/sdk";
import { useClient, useContacts } from "@semel/sdk/react";
import { useMemo } from "react";
import { useProfiles } from "../people/profiles";
import { useMe } from "../session/me";

const known = new WeakMap<readonly ContactItem[], ReadonlyMap<string, string>>();

function facesOf(contacts: readonly ContactItem[]): ReadonlyMap<string, string> {
  const found = known.get(contacts);
  if (found !== undefined) return found;
  const faces = new Map(
    contacts.flatMap(({ user }) => (user.picture ? [[user.user_id, user.picture] as const] : [])),
  );
  known.set(contacts, faces);
  return faces;
}

/** Addresses of the pictures of people. */
export type Faces = (userId: string) => string | null;

/** For many rows at once: none of them has to look for itself. */
export function useFaces(): Faces {
  const contacts = useContacts();
  return useMemo(() => {
    const faces = facesOf(contacts);
    return (userId) => faces.get(userId) ?? null;
  }, [contacts]);
}

/** The picture of a person, as far as this device knows it. */
export function usePicture(userId: string): string | undefined {
  const contacts = useContacts();
  const isOwn = useClient().userId === userId;
  const me = useMe(isOwn);
  const profile = useProfiles().get(userId);
  if (isOwn) return me?.picture ?? undefined;
  const found = profile === "nobody" ? undefined : profile?.picture;
  return facesOf(contacts).get(userId) ?? found ?? undefined;
}
