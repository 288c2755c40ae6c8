// With whom somebody has to do. Pure, over the replica.

import type { ReplicaState } from "../client/replica.js";
import type { User } from "../protocol/wire.js";

/** One line of the list of contacts. */
export interface ContactItem {
  readonly user: User;
  readonly since: string;
}

/** The list, by name. */
export function buildContacts(
  { contacts, users }: ReplicaState,
  before: ReadonlyMap<string, ContactItem>,
): ContactItem[] {
  const items = contacts.flatMap(({ user_id, since }) => {
    const user = users.get(user_id);
    if (user === undefined) return [];
    const known = before.get(user_id);
    const isSame = known?.user.updated_at === user.updated_at && known.since === since;
    return [isSame ? known : { user, since }];
  });
  return items.sort((a, b) => a.user.display_name.localeCompare(b.user.display_name));
}
