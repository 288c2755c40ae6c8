// What people are called: their profiles, and the names that threads show.

import type { Writer } from "../database/port.js";
import type { StoreName } from "../database/schema.js";
import type { Thread, User } from "../protocol/wire.js";

/** Stores that these transactions need. */
export const peopleStores: readonly StoreName[] = ["users", "threads"];

/**
 * Keeps the newer form of each profile (P-PROFILE-2), and calls people by it in the threads that are held. Which of these changed.
 */
export async function putUsers(tx: Writer, users: readonly User[], me: string): Promise<string[]> {
  const renamed: User[] = [];
  for (const user of users) {
    const known = await tx.get("users", user.user_id);
    if (known !== undefined && known.updated_at >= user.updated_at) continue;
    await tx.put("users", user);
    if (known?.display_name !== user.display_name) renamed.push(user);
  }
  if (renamed.length === 0) return [];
  const changed: string[] = [];
  for (const record of await tx.list("threads")) {
    const thread = called(record.thread, renamed, me);
    if (thread === record.thread) continue;
    await tx.put("threads", { ...record, thread });
    changed.push(record.id);
  }
  return changed;
}

/** A thread with these people by their names. A direct thread is called like the other one. */
export function called(thread: Thread, users: readonly (User | undefined)[], me: string): Thread {
  const names = new Map(users.map((user) => [user?.user_id, user?.display_name]));
  let title = thread.title ?? null;
  let isNews = false;
  const participants = thread.participants.map((one) => {
    const display_name = names.get(one.user_id) ?? one.display_name;
    if (display_name === one.display_name) return one;
    isNews = true;
    if (thread.thread_type === "direct" && one.user_id !== me) title = display_name;
    return { ...one, display_name };
  });
  return isNews ? { ...thread, participants, title } : thread;
}
