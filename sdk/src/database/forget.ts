// Forgets what can be had from the server again.

import type { Writer } from "./port.js";
import { cacheStores } from "./schema.js";

/** Empties the cache: the next `sync` begins anew. */
export async function forgetCache(tx: Writer): Promise<void> {
  for (const store of cacheStores) await tx.remove(store, {});
  await tx.remove("meta", "since");
}

/** Leaves only what waits to be told or was begun, and where that is to go. */
export async function forgetAllButUnsent(tx: Writer): Promise<void> {
  await forgetCache(tx);
  await tx.remove("acknowledged", {});
}
