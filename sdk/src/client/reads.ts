// What this person has read, kept here until the server knows it.

import type { EngineContext } from "../engine/context.js";
import { changeOf } from "../tabs/news.js";

export class Reads {
  readonly #context: EngineContext;
  readonly #look: () => void;

  constructor(context: EngineContext, look: () => void) {
    this.#context = context;
    this.#look = look;
  }

  /** Positions only grow. */
  async mark(thread_id: string, seq: number): Promise<void> {
    const { database } = this.#context;
    const isNews = await database.write(["reads", "threads"], "strict", async (tx) => {
      const record = await tx.get("threads", thread_id);
      if (record === undefined) return false;
      const kept = (await tx.get("reads", thread_id))?.seq ?? 0;
      const position = Math.min(seq, record.thread.last_seq);
      if (position <= record.thread.read_seq || position < kept) return false;
      // The same again is told as well: a try that was lost may have kept it.
      if (position > kept) await tx.put("reads", { thread_id, seq: position });
      return true;
    });
    if (!isNews) return;
    this.#context.changed(changeOf(thread_id, []));
    this.#look();
  }

  /** It was opened here: what was opened last is forgotten last when room is needed. */
  async opened(thread_id: string): Promise<void> {
    const { database, environment } = this.#context;
    await database
      .write(["threads"], "relaxed", async (tx) => {
        const record = await tx.get("threads", thread_id);
        if (record !== undefined)
          await tx.put("threads", { ...record, opened_at: environment.now() });
      })
      .catch(() => undefined);
  }
}
