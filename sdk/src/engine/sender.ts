// Tells the server what is in the outbox.
//
// Invariant: of each queue one message, one change or one batch is on its way, and it is the first that waits.

import { SEND_BACKOFF, waitFor } from "../backoff.js";
import type { Cancel } from "../environment.js";
import { isRetryable } from "../errors.js";
import { logStores } from "../log/apply.js";
import { covering } from "../log/coverage.js";
import { putMessages } from "../log/pages.js";
import type { Link } from "../network/port.js";
import { type ChangeWork, type Item, isSend, type SendWork, threadOf } from "../outbox/item.js";
import { giveUp, outboxStores } from "../outbox/keep.js";
import { ensureIncarnation, settleSend, take } from "../outbox/settle.js";
import type {
  Ack,
  BatchItem,
  Message,
  Problem,
  SendResult,
  StartConversationResult,
} from "../protocol/wire.js";
import { changeOf } from "../tabs/news.js";
import type { EngineContext } from "./context.js";

/** Queues that have something on its way at a time; the server takes 64 actions of a device. */
const QUEUES_AT_ONCE = 16;
const ALL = 1_000;

interface Queue {
  isBusy: boolean;
  /** Takes the timer back that ends a pause. */
  pause: Cancel | undefined;
  failures: number;
  /** How many items have to go one by one, because together they were refused. */
  apart: number;
}

/** What one item came to. */
type Result =
  | { readonly message: Message; readonly duplicate: boolean }
  | { readonly problem: Problem };

export class Sender {
  readonly #context: EngineContext;
  readonly #queues = new Map<string, Queue>();
  readonly #onStored: (thread_id: string) => void;
  readonly #onLost: (code: string | undefined) => void;
  #link: Link | undefined;
  #incarnation: string | undefined;

  constructor(
    context: EngineContext,
    onStored: (thread_id: string) => void,
    onLost: (code: string | undefined) => void,
  ) {
    this.#context = context;
    this.#onStored = onStored;
    this.#onLost = onLost;
  }

  /** Everything that waits goes over this connection. */
  open(link: Link, incarnation: string | undefined): void {
    this.#link = link;
    this.#incarnation = incarnation;
    for (const queue of this.#queues.values()) this.#resume(queue);
    this.look();
  }

  /** Nothing goes any more. */
  close(): void {
    this.#link = undefined;
    for (const queue of this.#queues.values()) this.#resume(queue);
  }

  /** Looks for what waits. */
  look(): void {
    if (this.#link !== undefined) this.#try(this.#look(this.#link));
  }

  /** What cannot be written down ends the connection; the next one begins with what is kept. */
  #try(work: Promise<void>): void {
    work.catch(() => this.#onLost(undefined));
  }

  async #look(link: Link): Promise<void> {
    const names = await this.#waiting();
    for (const name of names) {
      if (this.#link !== link) return;
      const busy = [...this.#queues.values()].filter((queue) => queue.isBusy).length;
      if (busy >= QUEUES_AT_ONCE) return;
      const queue = this.#queue(name);
      if (!queue.isBusy && queue.pause === undefined) this.#try(this.#drain(name, queue, link));
    }
  }

  /** Names of the queues that are not empty, found by skipping from one to the next. */
  async #waiting(): Promise<string[]> {
    return this.#context.database.read(["outbox"], async (tx) => {
      const names: string[] = [];
      let first = (await tx.list("outbox", { limit: 1 }))[0];
      while (first !== undefined) {
        names.push(first.queue);
        first = (await tx.list("outbox", { from: [first.queue, []], limit: 1 }))[0];
      }
      return names;
    });
  }

  async #drain(name: string, queue: Queue, link: Link): Promise<void> {
    queue.isBusy = true;
    try {
      while (this.#link === link && queue.pause === undefined) {
        if (!(await this.#tellNext(name, queue, link))) break;
      }
    } finally {
      queue.isBusy = false;
      if (queue.pause === undefined && queue.apart === 0) this.#queues.delete(name);
    }
    // Another queue may have waited for a place, and this one may have got something meanwhile.
    if (this.#link === link && queue.pause === undefined) await this.#lookIfWaiting(link);
  }

  async #lookIfWaiting(link: Link): Promise<void> {
    if ((await this.#waiting()).length > 0) await this.#look(link);
  }

  /** False: there is nothing, or the connection is gone. */
  async #tellNext(name: string, queue: Queue, link: Link): Promise<boolean> {
    const { database, environment } = this.#context;
    const most = queue.apart > 0 ? 1 : ALL;
    const items = await database.write([...outboxStores], "strict", (tx) =>
      take(tx, name, environment.now(), most),
    );
    if (items.length === 0 || this.#link !== link) {
      this.#context.changed({ outbox: true });
      return false;
    }
    if (items.some((item) => !item.attempted)) this.#context.changed({ outbox: true });
    const attempts = items.map((item) => this.#witnessAttempt(item));
    let results: readonly Result[];
    try {
      results = await tell(link, items);
    } catch {
      for (const attempt of attempts) {
        if (attempt !== undefined) this.#context.witness?.outcome(attempt, { type: "lost" });
      }
      this.#onLost(undefined);
      return false;
    }
    attempts.forEach((attempt, place) => {
      const result = results[place] ?? results.at(-1);
      if (attempt !== undefined && result !== undefined) this.#witnessOutcome(attempt, result);
    });
    return this.#settle(queue, items, results);
  }

  async #settle(
    queue: Queue,
    items: readonly Item[],
    results: readonly Result[],
  ): Promise<boolean> {
    const { database, environment } = this.#context;
    const isWhole = items.length > 1 && results.length === 1 && "problem" in (results[0] ?? {});
    const last = results.at(-1);
    const problem = last !== undefined && "problem" in last ? last.problem : undefined;
    if (problem?.code === "unauthenticated") {
      this.#onLost(problem.code);
      return false;
    }
    const isForNow = problem !== undefined && isRetryable(problem.code);
    if (isWhole && !isForNow) {
      // One of them is bad, and it is not said which.
      queue.apart = items.length;
      return true;
    }
    const now = environment.now();
    const settled = isForNow ? results.slice(0, -1) : results;
    const incarnation = this.#incarnation;
    await database.write([...logStores], "strict", async (tx) => {
      await ensureIncarnation(tx, incarnation);
      for (const [place, result] of settled.entries()) {
        const item = items[place];
        if (item === undefined) continue;
        if ("problem" in result) {
          const { code, detail } = result.problem;
          const current = await tx.find("outbox", item.client_id);
          if (current !== undefined) await giveUp(tx, current, { code, detail });
        } else if (isSend(item)) {
          const record = await tx.get("threads", result.message.thread_id);
          await settleSend(tx, result.message, now, record?.coverage, "answer");
        } else {
          const current = await tx.find("outbox", item.client_id);
          if (current !== undefined) await tx.remove("outbox", [current.queue, current.number]);
          const record = await tx.get("threads", result.message.thread_id);
          const isHeld = record !== undefined && covering(record.coverage, result.message.seq);
          if (isHeld) await putMessages(tx, record.id, [result.message]);
        }
      }
    });
    queue.apart = Math.max(0, queue.apart - settled.length);
    const stored = settled.flatMap((result) => ("message" in result ? [result.message] : []));
    // Items of a queue are all of one thread.
    const { thread_id } = stored[0] ?? {};
    const change = thread_id === undefined ? {} : changeOf(thread_id, stored);
    this.#context.changed({ outbox: true, ...change });
    if (thread_id !== undefined) this.#onStored(thread_id);
    if (isForNow) this.#rest(queue, problem);
    else queue.failures = 0;
    return true;
  }

  #rest(queue: Queue, problem: Problem): void {
    const { environment } = this.#context;
    const random = environment.random();
    const wait = waitFor(problem.retry_after_ms, SEND_BACKOFF, queue.failures, random);
    queue.failures += 1;
    queue.pause = environment.after(wait, () => {
      queue.pause = undefined;
      this.look();
    });
  }

  #resume(queue: Queue): void {
    queue.pause?.();
    queue.pause = undefined;
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = { isBusy: false, pause: undefined, failures: 0, apart: 0 };
      this.#queues.set(name, queue);
    }
    return queue;
  }

  #witnessAttempt(item: Item): number | undefined {
    if (!isSend(item)) return undefined;
    const { content } = item.work;
    const thread_id = threadOf(item);
    const destination =
      thread_id === undefined ? item.work.destination : ({ type: "thread", thread_id } as const);
    return this.#context.witness?.attempt({
      client_id: item.client_id,
      destination,
      content,
      // Who sends to people does not know that they go to a thread to which it may be sending otherwise.
      in_order: destination.type === "thread",
    });
  }

  #witnessOutcome(attempt: number, result: Result): void {
    const outcome =
      "problem" in result
        ? ({ type: "refused", problem: result.problem } as const)
        : ({ type: "stored", ...result } as const);
    this.#context.witness?.outcome(attempt, outcome);
  }
}

/** A result for each item up to the first that may be tried again; one problem if none of them was looked at. */
async function tell(link: Link, items: readonly Item[]): Promise<readonly Result[]> {
  const [first] = items;
  if (first === undefined) return [];
  if (items.length > 1) return tellBatch(link, items);
  if (!isSend(first)) return [await tellChange(link, first, first.work as ChangeWork)];
  const { work } = first;
  const thread_id = threadOf(first);
  if (thread_id === undefined) return [await tellPeople(link, first, work)];
  const ack = await link.ask<SendResult>("message:send", { thread_id, ...messageOf(first, work) });
  return [ack.status === "success" ? ack.data : { problem: ack.error }];
}

async function tellBatch(link: Link, items: readonly Item[]): Promise<readonly Result[]> {
  const thread_id = items[0] && threadOf(items[0]);
  const messages = items.map((item) => messageOf(item, item.work as SendWork));
  const ack = await link.ask<{ results: BatchItem[] }>("message:send", { thread_id, messages });
  if (ack.status === "error") return [{ problem: ack.error }];
  const results = ack.data.results.slice(0, items.length);
  return results.map((one) => (one.status === "success" ? one.data : { problem: one.error }));
}

async function tellPeople(link: Link, item: Item, work: SendWork): Promise<Result> {
  const { destination, content } = work;
  if (destination.type !== "people") throw new TypeError("not to people");
  const { participants, thread_type, title, distinct } = destination;
  const ack = await link.ask<StartConversationResult>("message:send", {
    participants,
    thread_type,
    message_content: content,
    client_id: item.client_id,
    ...(title === undefined ? {} : { title }),
    ...(distinct === undefined ? {} : { distinct }),
  });
  if (ack.status === "error") return { problem: ack.error };
  // The answer does not tell whether an earlier attempt had stored it.
  return { message: ack.data.message, duplicate: false };
}

async function tellChange(link: Link, item: Item, work: ChangeWork): Promise<Result> {
  const { thread_id, message_id, content, emoji } = work;
  const names = {
    edit: "message:edit",
    delete: "message:delete",
    react: "reaction:add",
    unreact: "reaction:remove",
  } as const;
  const ack: Ack<{ message: Message }> = await link.ask(names[work.type], {
    thread_id,
    message_id,
    idempotency_key: item.client_id,
    ...(work.type === "edit" ? { content } : {}),
    ...(emoji === undefined ? {} : { emoji }),
  });
  if (ack.status === "error") return { problem: ack.error };
  return { message: ack.data.message, duplicate: false };
}

function messageOf(item: Item, { content, reply_to, attachments }: SendWork) {
  return {
    client_id: item.client_id,
    content,
    ...(reply_to === undefined ? {} : { reply_to }),
    ...(attachments === undefined ? {} : { attachments }),
  };
}
