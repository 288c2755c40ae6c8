// What a person may do in a conversation, by the rules that the server holds everybody to.

import type { Allowed, Role, Thread } from "@semel/sdk";

export interface Rights {
  readonly isAdmin: boolean;
  readonly mayWrite: boolean;
  readonly mayAdd: boolean;
  /** Title and description. */
  readonly mayName: boolean;
}

/** Somebody's role, where the thread tells: it carries the longest-standing participants only. */
export function roleIn({ participants }: Thread, userId: string): Role | undefined {
  return participants.find((one) => one.user_id === userId)?.role;
}

export function rightsIn(thread: Thread, userId: string): Rights {
  const role = roleIn(thread, userId);
  const isAdmin = role === "admin";
  const { posting, adding, naming } = thread.settings;
  const may = (who: Allowed) => who === "everyone" || isAdmin;
  return {
    isAdmin,
    // An admin whom the thread does not carry must not be kept from writing: the server says no to the others.
    mayWrite: may(posting) || role === undefined,
    mayAdd: may(adding),
    mayName: may(naming),
  };
}
