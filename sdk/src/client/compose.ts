// What a person writes: kept first, sent then.

import type { Writer } from "../database/port.js";
import type { StoreName } from "../database/schema.js";
import type { EngineContext } from "../engine/context.js";
import { type ErrorCode, SemelError, toSemelError } from "../errors.js";
import { isUuid } from "../ids.js";
import { readMessages } from "../log/pages.js";
import { type Failure, type Item, queueOf, type SendWork } from "../outbox/item.js";
import {
  dismissFailed,
  keepChange,
  keepSend,
  outboxStores,
  retryFailed,
  type Target,
} from "../outbox/keep.js";
import * as limits from "../protocol/limits.js";
import type { Attachment, Message } from "../protocol/wire.js";
import { destinationOf, type Peer } from "./peer.js";
import { type Replica, SHADOW } from "./replica.js";

/** What goes with a message. */
export interface SendOptions {
  /** Made and stored by the caller before; else one is made. */
  readonly client_id?: string;
  /** Id of the message that it answers. */
  readonly reply_to?: string;
  /** Files. The server takes none yet. */
  readonly attachments?: readonly Attachment[];
  /** For new groups: one of its own, also when these people have one. */
  readonly distinct?: false;
}

/** A message that was handed over. */
export interface Sent {
  readonly client_id: string;
  /** It is kept: from now on it survives a reload and a crash. Rejects when it could not be kept. */
  readonly kept: Promise<void>;
  /**
   * It is stored by the server. Rejects when it was given up, or taken back before it was sent (`unknown_message`), or the client
   * is stopped first (`stopped`; it waits in the outbox then).
   */
  stored(): Promise<Message>;
}

const STORES: readonly StoreName[] = [...outboxStores, "threads"];

interface Waiting {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Takes what is written. */
export class Composer {
  readonly #context: EngineContext;
  readonly #replica: Replica;
  readonly #newId: () => string;
  readonly #look: () => void;
  /** Those who wait to be told what becomes of a message. */
  readonly #asking = new Set<() => void>();
  #isStopped = false;
  #waiting: Waiting[] = [];
  #keeping: Promise<void> | undefined;

  constructor(context: EngineContext, replica: Replica, newId: () => string, look: () => void) {
    this.#context = context;
    this.#replica = replica;
    this.#newId = newId;
    this.#look = look;
  }

  /** Nobody learns any more what becomes of a message: that is for the next client, or another tab. */
  stop(): void {
    this.#isStopped = true;
    for (const stop of this.#asking) stop();
  }

  /** Messages to one conversation are stored in the order of these calls. */
  send(peer: Peer, content: string, options: SendOptions = {}): Sent {
    checkContent(content);
    const { client_id = this.#newId(), reply_to, attachments, distinct } = options;
    if (!isUuid(client_id)) throw new SemelError("invalid_argument", "client_id has to be a UUID");
    const to = destinationOf(peer, this.#context.me);
    const destination = to.type === "people" && distinct === false ? { ...to, distinct } : to;
    const work: SendWork = {
      type: "send",
      destination,
      content,
      ...(reply_to === undefined ? {} : { reply_to }),
      ...(attachments === undefined ? {} : { attachments }),
    };
    const made_at = this.#context.environment.now();
    const alias = this.#replica.state.get().aliases.get(queueOf(destination, client_id));
    const queue = alias === undefined ? queueOf(destination, client_id) : `thread:${alias}`;
    const item: Item = { queue, number: SHADOW, client_id, made_at, attempted: false, work };
    this.#replica.shadow([item]);
    const kept = this.#keep(item);
    return { client_id, kept, stored: () => this.#stored(client_id, kept) };
  }

  /** New words for a message; one that never left the device is changed itself. */
  async edit(target: Target, content: string): Promise<void> {
    checkContent(content);
    await this.change(target, { type: "edit", content });
  }

  /** A deletion is for everybody; a message that never left the device is just forgotten. */
  async change(target: Target, change: Parameters<typeof keepChange>[3]): Promise<void> {
    const { environment } = this.#context;
    await this.#keeping;
    await this.#write((tx) => keepChange(tx, this.#newId(), target, change, environment.now()));
  }

  /** Sends again what was given up; resolves with its client id, which may be a new one. */
  async retry(client_id: string): Promise<string> {
    const now = this.#context.environment.now();
    return this.#write((tx) => retryFailed(tx, client_id, this.#newId(), now));
  }

  /** Forgets what was given up. */
  async dismiss(client_id: string): Promise<void> {
    await this.#write((tx) => dismissFailed(tx, client_id));
  }

  async #write<T>(work: (tx: Writer) => Promise<T>): Promise<T> {
    const done = await this.#context.database.write(STORES, "strict", work);
    this.#context.changed({ outbox: true });
    this.#look();
    return done;
  }

  /** Everything that is written while a transaction runs goes into the next one, in order. */
  #keep(item: Item): Promise<void> {
    const kept = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
    });
    // Who does not ask is not told by an unhandled rejection.
    kept.catch(() => undefined);
    this.#keeping ??= this.#keepAll();
    return kept;
  }

  async #keepAll(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const ids = new Set(batch.map(({ item }) => item.client_id));
      try {
        await this.#context.database.write(STORES, "strict", async (tx) => {
          for (const { item } of batch) {
            await keepSend(tx, item.client_id, item.work as SendWork, item.made_at);
          }
        });
        await this.#replica.refresh({ outbox: true });
        this.#context.changed({ outbox: true });
        this.#look();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        const told = toSemelError(error, "storage_failed", "keep a message");
        for (const { reject } of batch) reject(told);
      }
      this.#replica.unshadow(ids);
    }
    this.#keeping = undefined;
  }

  async #stored(client_id: string, kept: Promise<void>): Promise<Message> {
    await kept;
    return new Promise((resolve, reject) => {
      const end = (outcome: Message | SemelError) => {
        unsubscribe();
        this.#asking.delete(onStop);
        if (outcome instanceof SemelError) reject(outcome);
        else resolve(outcome);
      };
      const onStop = () =>
        end(new SemelError("stopped", "the client was stopped; the message waits in the outbox"));
      const look = async () => {
        const outcome = await this.#outcome(client_id);
        if (outcome !== undefined) end(outcome);
      };
      const { state } = this.#replica;
      let outbox: unknown;
      const onChange = () => {
        const now = state.get().outbox;
        if (now !== outbox) {
          look().catch((error: unknown) =>
            end(toSemelError(error, "storage_failed", "look for a message")),
          );
        }
        outbox = now;
      };
      const unsubscribe = state.subscribe(onChange);
      this.#asking.add(onStop);
      if (this.#isStopped) onStop();
      else onChange();
    });
  }

  /** What became of a message; nothing yet when it waits. */
  async #outcome(client_id: string): Promise<Message | SemelError | undefined> {
    const stores = ["outbox", "failed", "landed", "pages", "acknowledged"] as const;
    return this.#context.database.read(stores, async (tx) => {
      const landed = await tx.get("landed", client_id);
      if (landed !== undefined) return landed.message;
      const failed = await tx.find("failed", client_id);
      if (failed?.failure !== undefined) return given(failed.failure);
      const known = await tx.find("acknowledged", client_id);
      if (known === undefined) {
        const isWaiting = (await tx.find("outbox", client_id)) !== undefined;
        return isWaiting
          ? undefined
          : new SemelError("unknown_message", "it was taken back, or sent long ago");
      }
      const { thread_id, seq } = known;
      return (await readMessages(tx, thread_id, [seq, seq]))[0];
    });
  }
}

function given({ code, detail }: Failure): SemelError {
  return new SemelError(code as ErrorCode, detail);
}

/** Words that the server would refuse are refused at once. */
function checkContent(content: string): void {
  const characters = [...content].length;
  if (characters > limits.CONTENT_CHARACTERS_MAX) {
    const text = `a message has at most ${limits.CONTENT_CHARACTERS_MAX} characters, this one ${characters}`;
    throw new SemelError("invalid_argument", text);
  }
  if (new TextEncoder().encode(content).length > limits.CONTENT_BYTES_MAX) {
    throw new SemelError(
      "invalid_argument",
      `a message has at most ${limits.CONTENT_BYTES_MAX} bytes`,
    );
  }
  if (content.trim() === "") throw new SemelError("invalid_argument", "a message needs words");
}
