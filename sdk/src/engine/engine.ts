// The one that talks to the server for all tabs: connects, comes back, keeps the logs whole, empties the outbox.

import { CONNECT_BACKOFF, waitFor } from "../backoff.js";
import type { Writer } from "../database/port.js";
import type { Cancel } from "../environment.js";
import { type ErrorCode, isRetryable, toSemelError } from "../errors.js";
import { Lane } from "../lane.js";
import { ownStores, putBlock, putContact } from "../log/own.js";
import { moved } from "../log/reduce.js";
import { readUpTo } from "../log/unread.js";
import type { Link } from "../network/port.js";
import { ensureIncarnation } from "../outbox/settle.js";
import type {
  Block,
  Closing,
  Contact,
  Entry,
  Heads,
  PreferencesNotice,
  Presence,
  Receipt,
  SyncResult,
  TypingNotice,
  User,
} from "../protocol/wire.js";
import { changeOf, type Interest, type Notice } from "../tabs/news.js";
import type { EngineContext } from "./context.js";
import { Logs } from "./logs.js";
import { Passing } from "./passing.js";
import { Positions } from "./positions.js";
import { Sender } from "./sender.js";
import type { ConnectionPhase, ConnectionState } from "./state.js";

/** Pushed entries that are written together at most. */
const ENTRIES_AT_ONCE = 256;

/** What an engine tells besides changes of the database. */
export interface EngineListener {
  state(state: ConnectionState): void;
  notice(notice: Notice): void;
}

interface Incoming {
  readonly name: string;
  readonly data: unknown;
}

/** How a connection ended. */
interface End {
  readonly retry_after?: number | null;
  readonly code?: ErrorCode;
  readonly isFinal?: true;
}

export class Engine {
  readonly #context: EngineContext;
  readonly #device_id: string;
  readonly #listener: EngineListener;
  readonly #logs: Logs;
  readonly #sender: Sender;
  readonly #positions: Positions;
  readonly #passing: Passing;
  /** Everything that comes from the server is taken in the order in which it came. */
  #lane = new Lane();
  #inbox: Incoming[] = [];
  #link: Link | undefined;
  #end: ((end: End) => void) | undefined;
  #wake: (() => void) | undefined;
  #failures = 0;
  #isStopped = false;
  #state: ConnectionState;
  #done: Promise<void> = Promise.resolve();

  constructor(context: EngineContext, device_id: string, listener: EngineListener) {
    this.#context = context;
    this.#device_id = device_id;
    this.#listener = listener;
    this.#logs = new Logs(context);
    this.#positions = new Positions(context);
    this.#passing = new Passing((notice) => listener.notice(notice));
    this.#sender = new Sender(
      context,
      (thread_id) => this.#inLane(() => this.#logs.hold(thread_id)),
      (code) => (code === "unauthenticated" ? void this.#renew() : this.#lose({})),
    );
    this.#state = { phase: "idle", since: context.environment.now() };
  }

  get state(): ConnectionState {
    return this.#state;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Ends: no calls after this one is done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#lose({ isFinal: true });
    this.#wake?.();
    await this.#done;
  }

  /** The outbox has something. */
  look(): void {
    this.#sender.look();
    this.#positions.look();
  }

  /** There may be a network again: do not wait. */
  wake(): void {
    this.#wake?.();
  }

  show(tab: string, interest: Interest): void {
    this.#passing.show(tab, interest);
  }

  type(thread_id: string, typing: boolean): void {
    this.#passing.type(thread_id, typing);
  }

  async #run(): Promise<void> {
    await this.#logs.wake();
    while (!this.#isStopped) {
      const end = await this.#connectOnce();
      if (this.#isStopped) break;
      const isOut = end.isFinal || (end.code !== undefined && !isRetryable(end.code));
      if (isOut) await this.#stayOut(end.code);
      else await this.#rest(end);
    }
    this.#tell("stopped", {});
  }

  /** From connecting to the end of the connection. */
  async #connectOnce(): Promise<End> {
    this.#tell("connecting", {});
    this.#inbox = [];
    this.#lane = new Lane();
    const ended = new Promise<End>((resolve) => {
      this.#end = resolve;
    });
    try {
      const link = await this.#open();
      if (this.#isStopped) {
        link.close();
        return {};
      }
      this.#link = link;
      void this.#lane.run(() => this.#sync(link)).catch((error: unknown) => this.#fail(error));
      const end = await ended;
      await this.#close(link);
      return end;
    } catch (error) {
      const { code } = toSemelError(error, "network", "connect");
      return { code };
    }
  }

  async #open(): Promise<Link> {
    const { network, tokens } = this.#context;
    const listener = {
      event: (name: string, data: unknown) => this.#receive({ name, data }),
      closed: () => this.#lose({ code: "network" }),
    };
    const device_id = this.#device_id;
    const token = await tokens.get();
    try {
      return await network.connect({ token, device_id }, listener);
    } catch (error) {
      const { code } = toSemelError(error, "network", "connect");
      if (code !== "unauthenticated") throw error;
      return network.connect({ token: await tokens.replace(token), device_id }, listener);
    }
  }

  async #close(link: Link): Promise<void> {
    this.#link = undefined;
    this.#sender.close();
    this.#positions.close();
    this.#passing.close();
    link.close();
    await this.#lane.idle();
  }

  /** Learns what was missed. The server pushes what comes from now on, so nothing falls between. */
  async #sync(link: Link): Promise<void> {
    this.#tell("syncing", {});
    const ask = await this.#logs.ask();
    let cursor: string | null | undefined;
    do {
      const request = cursor ? { ...ask, cursor } : ask;
      const ack = await link.ask<SyncResult>("sync", request);
      if (ack.status === "error") {
        this.#lose({ code: ack.error.code, retry_after: ack.error.retry_after_ms ?? null });
        return;
      }
      await this.#logs.take(ack.data);
      cursor = ack.data.next_cursor;
    } while (cursor);
    await this.#logs.synced();
    if (this.#link !== link) return;
    this.#failures = 0;
    this.#tell("online", {});
    this.#sender.open(link, this.#logs.incarnation);
    this.#positions.open(link, this.#logs.incarnation);
    this.#passing.open(link);
  }

  #receive(incoming: Incoming): void {
    this.#inbox.push(incoming);
    if (this.#inbox.length === 1) this.#inLane(() => this.#takeInbox());
  }

  #inLane(work: () => Promise<void>): void {
    this.#lane.run(work).catch((error: unknown) => this.#fail(error));
  }

  async #takeInbox(): Promise<void> {
    while (this.#inbox.length > 0) {
      const waiting = this.#inbox.slice(0, ENTRIES_AT_ONCE);
      const other = waiting.findIndex(({ name }) => name !== "entry");
      const count = other === -1 ? waiting.length : other;
      if (count > 0)
        await this.#logs.push(waiting.slice(0, count).map(({ data }) => data as Entry));
      else if (waiting[0] !== undefined) await this.#take(waiting[0]);
      this.#inbox.splice(0, Math.max(1, count));
      if (count > 0) this.#positions.look();
    }
  }

  async #take({ name, data }: Incoming): Promise<void> {
    switch (name) {
      case "heads":
        return this.#logs.heads((data as Heads).heads);
      case "read":
        return this.#move(data as Receipt, "read_seq");
      case "delivered":
        return this.#move(data as Receipt, "delivered_seq");
      case "contact":
        return this.#meet(data as Contact);
      case "profile":
        return this.#logs.rename(data as User);
      case "block":
        return this.#keepOwn((tx) => putBlock(tx, data as Block));
      case "preferences":
        return this.#prefer(data as PreferencesNotice);
      case "typing":
        return this.#listener.notice({ type: "typing", notice: data as TypingNotice });
      case "presence":
        return this.#listener.notice({ type: "presence", presence: data as Presence });
      case "closing":
        return this.#leave(data as Closing);
      case "session_revoked":
        return void this.#renew();
      default:
        // `conversation_updated` moves no cursor, and the log says the same; others are of newer servers.
        return undefined;
    }
  }

  async #move({ thread_id, user_id, seq }: Receipt, position: "read_seq" | "delivered_seq") {
    const { database, me } = this.#context;
    const isMoved = await database.write(["meta", "threads", "pages"], "relaxed", async (tx) => {
      await ensureIncarnation(tx, this.#logs.incarnation);
      const record = await tx.get("threads", thread_id);
      if (record === undefined) return false;
      const isOwnRead = user_id === me && position === "read_seq";
      const thread = isOwnRead
        ? await readUpTo(tx, record, me, seq)
        : moved(record.thread, user_id, { [position]: seq }, me);
      if (thread === record.thread) return false;
      await tx.put("threads", { ...record, thread });
      return true;
    });
    if (isMoved) this.#context.changed(changeOf(thread_id, []));
  }

  async #meet(contact: Contact): Promise<void> {
    await this.#logs.rename(contact.user);
    await this.#keepOwn((tx) => putContact(tx, contact));
  }

  async #keepOwn(put: (tx: Writer) => Promise<void>): Promise<void> {
    await this.#context.database.write([...ownStores], "relaxed", put);
    this.#context.changed({ contacts: true });
  }

  async #prefer({ thread_id, preferences }: PreferencesNotice): Promise<void> {
    const { database } = this.#context;
    await database.write(["threads"], "relaxed", async (tx) => {
      const record = await tx.get("threads", thread_id);
      if (record === undefined) return;
      await tx.put("threads", { ...record, thread: { ...record.thread, preferences } });
    });
    this.#context.changed(changeOf(thread_id, []));
  }

  #leave({ code, retry_after_ms }: Closing): void {
    const mayReturn = retry_after_ms !== null && retry_after_ms !== undefined;
    if (mayReturn) this.#lose({ code, retry_after: retry_after_ms });
    else if (code === "unauthenticated") void this.#renew();
    else this.#lose({ code, isFinal: true });
  }

  /** The token is not valid any more: a new one, or none. */
  async #renew(): Promise<void> {
    const { tokens } = this.#context;
    try {
      await tokens.replace(await tokens.get());
      this.#lose({ retry_after: 0 });
    } catch (error) {
      this.#lose({ code: toSemelError(error, "network", "get a token").code });
    }
  }

  #fail(error: unknown): void {
    this.#lose({ code: toSemelError(error, "storage_failed", "take what came").code });
  }

  #lose(end: End): void {
    this.#end?.(end);
  }

  async #rest({ code, retry_after }: End): Promise<void> {
    const { environment } = this.#context;
    const wait = waitFor(retry_after, CONNECT_BACKOFF, this.#failures, environment.random());
    this.#failures += 1;
    const retry_at = environment.now() + wait;
    this.#tell("waiting", { retry_at, ...(code === undefined ? {} : { code }) });
    await this.#sleep(wait);
  }

  /** Until somebody acts. */
  async #stayOut(code: ErrorCode | undefined): Promise<void> {
    this.#failures = 0;
    this.#tell("kept_out", code === undefined ? {} : { code });
    await this.#sleep(undefined);
  }

  async #sleep(milliseconds: number | undefined): Promise<void> {
    let cancel: Cancel | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (milliseconds !== undefined)
        cancel = this.#context.environment.after(milliseconds, resolve);
      if (this.#isStopped) resolve();
    });
    this.#wake = undefined;
    cancel?.();
  }

  #tell(phase: ConnectionPhase, more: Partial<ConnectionState>): void {
    this.#state = { phase, since: this.#context.environment.now(), ...more };
    this.#listener.state(this.#state);
  }
}
