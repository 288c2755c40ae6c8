// What parts of the package that few programs need are built on; whoever does not import them does not carry them.

import type { EngineContext } from "../engine/context.js";
import type { Client } from "./client.js";
import type { Replica } from "./replica.js";

/** What a client is made of. */
interface Parts {
  readonly context: EngineContext;
  readonly replica: Replica;
}

export const contexts = new WeakMap<Client, Parts>();

/** What a client's calls go through. */
export function contextOf(client: Client): EngineContext {
  return partsOf(client).context;
}

/** What a client shows. */
export function replicaOf(client: Client): Replica {
  return partsOf(client).replica;
}

function partsOf(client: Client): Parts {
  const parts = contexts.get(client);
  if (parts === undefined) throw new TypeError("this is no client of this package");
  return parts;
}
