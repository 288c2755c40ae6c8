// Words that were begun, kept on this device and shown in all its tabs.

import type { DraftRecord } from "../database/schema.js";
import type { Observable } from "../emitter.js";
import type { EngineContext } from "../engine/context.js";
import { Lane } from "../lane.js";
import { threadOf } from "../outbox/item.js";
import { keyOf, type Peer } from "./peer.js";
import type { Replica } from "./replica.js";

export class Drafts {
  readonly #context: EngineContext;
  readonly #replica: Replica;
  readonly #lane = new Lane();

  constructor(context: EngineContext, replica: Replica) {
    this.#context = context;
    this.#replica = replica;
  }

  /** The draft of a conversation. */
  of(peer: Peer): Observable<DraftRecord | undefined> {
    const { state } = this.#replica;
    return { get: () => state.get().drafts.get(this.#keyOf(peer)), subscribe: state.subscribe };
  }

  /** Keeps a draft; an empty one is removed. */
  async set(peer: Peer, text: string, reply_to?: string): Promise<void> {
    const { database, environment } = this.#context;
    const key = this.#keyOf(peer);
    const changed_at = environment.now();
    const record = { peer: key, text, changed_at, ...(reply_to === undefined ? {} : { reply_to }) };
    await this.#lane.run(() =>
      database.write(["drafts"], "relaxed", (tx) =>
        text === "" && reply_to === undefined ? tx.remove("drafts", key) : tx.put("drafts", record),
      ),
    );
    this.#context.changed({ drafts: true });
  }

  /** One draft for a conversation, whether it is named by its thread or by its people. */
  #keyOf(peer: Peer): string {
    const key = keyOf(peer, this.#context.me);
    const thread_id = threadOf({ queue: key });
    if (thread_id === undefined) return key;
    for (const [queue, known] of this.#replica.state.get().aliases) {
      if (known === thread_id) return queue;
    }
    return key;
  }
}
