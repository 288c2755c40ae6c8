// How far this person has read, and what has reached this device, told to the server about once a second.

import type { Cancel } from "../environment.js";
import { readUpTo } from "../log/unread.js";
import type { Link } from "../network/port.js";
import { ensureIncarnation } from "../outbox/settle.js";
import * as limits from "../protocol/limits.js";
import type { ReadResult } from "../protocol/wire.js";
import { changeOf } from "../tabs/news.js";
import type { EngineContext } from "./context.js";

/** Milliseconds in which positions are gathered. */
const GATHER = 1_000;

export class Positions {
  readonly #context: EngineContext;
  readonly #delivered = new Map<string, number>();
  #link: Link | undefined;
  #incarnation: string | undefined;
  #timer: Cancel | undefined;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  open(link: Link, incarnation: string | undefined): void {
    this.#link = link;
    this.#incarnation = incarnation;
    this.look();
  }

  close(): void {
    this.#link = undefined;
    this.#timer?.();
    this.#timer = undefined;
  }

  /** Something was read, or came. */
  look(): void {
    if (this.#link === undefined || this.#timer !== undefined) return;
    this.#timer = this.#context.environment.after(GATHER, () => {
      this.#timer = undefined;
      if (this.#link !== undefined) void this.#tell(this.#link);
    });
  }

  async #tell(link: Link): Promise<void> {
    const { reads, threads } = await this.#context.database.read(
      ["reads", "threads"],
      async (tx) => ({
        reads: await tx.list("reads"),
        threads: await tx.list("threads"),
      }),
    );
    try {
      for (const { thread_id, seq } of reads) await this.#tellRead(link, thread_id, seq);
      for (const { id, thread, former } of threads) {
        const isTold = (this.#delivered.get(id) ?? this.#knownDelivered(thread)) >= thread.last_seq;
        const isLarge = thread.participant_count > limits.RECEIPTS_PARTICIPANTS_MAX;
        if (former || isTold || isLarge) continue;
        this.#delivered.set(id, thread.last_seq);
        await link.ask("delivered", { thread_id: id, seq: thread.last_seq });
      }
    } catch {
      // The connection is gone: what was not told is looked at on the next one.
    }
  }

  async #tellRead(link: Link, thread_id: string, seq: number): Promise<void> {
    const incarnation = this.#incarnation;
    const ack = await link.ask<ReadResult>("read", { thread_id, seq });
    // Not there, or not ours any more: nothing to be told. Anything else comes again with the next look.
    const isFinal = ack.status === "success" || ack.error.status < 429;
    if (!isFinal) return this.look();
    const { database, me } = this.#context;
    await database.write(["meta", "reads", "threads", "pages"], "relaxed", async (tx) => {
      await ensureIncarnation(tx, incarnation);
      const kept = await tx.get("reads", thread_id);
      if (kept !== undefined && kept.seq <= seq) await tx.remove("reads", thread_id);
      const record = await tx.get("threads", thread_id);
      if (record === undefined || ack.status !== "success") return;
      const thread = await readUpTo(tx, record, me, ack.data.read_seq);
      await tx.put("threads", { ...record, thread });
    });
    this.#context.changed(changeOf(thread_id, []));
  }

  #knownDelivered(thread: { participants: readonly { user_id: string; delivered_seq: number }[] }) {
    const own = thread.participants.find((one) => one.user_id === this.#context.me);
    return own?.delivered_seq ?? 0;
  }
}
