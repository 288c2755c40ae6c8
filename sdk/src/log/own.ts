// What is for this person alone: with whom they have to do, what they call them, whom they do not want to hear.

import type { Writer } from "../database/port.js";
import type { StoreName } from "../database/schema.js";
import type { Block, Contact } from "../protocol/wire.js";

/** Stores that these transactions need. */
export const ownStores: readonly StoreName[] = ["contacts", "blocks"];

/** A contact that is new, or has another own name. Their profile is kept by `putUsers`. */
export async function putContact(tx: Writer, contact: Contact): Promise<void> {
  const { since, own_name, blocked } = contact;
  const { user_id } = contact.user;
  await tx.put("contacts", { user_id, since, ...(own_name ? { own_name } : {}) });
  await putBlock(tx, { user_id, blocked });
}

/** Somebody was blocked, or is not any more. */
export async function putBlock(tx: Writer, { user_id, blocked }: Block): Promise<void> {
  if (blocked) await tx.put("blocks", { user_id });
  else await tx.remove("blocks", user_id);
}
