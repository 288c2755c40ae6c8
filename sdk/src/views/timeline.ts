// A conversation on screen: a window of rows that grows and moves over the history.

import type { Replica, ReplicaState } from "../client/replica.js";
import type { Interval, ThreadRecord } from "../database/schema.js";
import { type Observable, Value } from "../emitter.js";
import type { EngineContext } from "../engine/context.js";
import { fetchHistory } from "../engine/logs.js";
import { type SemelError, toSemelError } from "../errors.js";
import { coveredEnd, covering } from "../log/coverage.js";
import { threadOf } from "../outbox/item.js";
import type { Participant, Thread } from "../protocol/wire.js";
import { keepList } from "./derived.js";
import { HeldMessages } from "./held.js";
import { buildRows, type Row } from "./rows.js";

/** Messages that are loaded at once. */
const STEP = 64;
/** Messages of a window; beyond that it lets go of the other end, or does not grow any more. */
export const WINDOW_MAX = 600;
/** What is left of a full window when it lets go of an end: room for what is loaded next. */
const WINDOW_LEFT = WINDOW_MAX - STEP;
/** How often a page is asked for when the log moved under it. */
const TRIES_MAX = 3;

/** What lies beyond an end of the window. */
export type Edge =
  /** Nothing: it is the end. */
  | "end"
  | "more"
  | "loading"
  /** There is more, and it cannot be had now: `error` says why. */
  | "missing";

/** What a timeline shows. */
export interface TimelineState {
  /** False until the device's own copy was read. */
  readonly isLoaded: boolean;
  /** None until the first message of a new conversation is stored. */
  readonly thread: Thread | undefined;
  /** This person is not in it any more: it can be read as far as it is held here, and nothing else. */
  readonly isFormer: boolean;
  readonly rows: readonly Row[];
  readonly older: Edge;
  readonly newer: Edge;
  /** Whether the window ends with the newest message. */
  readonly isLive: boolean;
  /** Where unread messages began when the timeline was opened; 0: nowhere. Stays for the visit. */
  readonly firstUnreadSeq: number;
  /** Unread messages now. */
  readonly unreadCount: number;
  /** The others and how far they have read. */
  readonly receipts: readonly Participant[];
  readonly error: SemelError | undefined;
}

const EMPTY: TimelineState = {
  isLoaded: false,
  thread: undefined,
  isFormer: false,
  rows: [],
  older: "end",
  newer: "end",
  isLive: true,
  firstUnreadSeq: 0,
  unreadCount: 0,
  receipts: [],
  error: undefined,
};

/** A conversation on screen. */
export class Timeline implements Observable<TimelineState> {
  readonly #context: EngineContext;
  readonly #replica: Replica;
  /** The conversation's queue; the thread that it has, if it has one. */
  readonly #queue: string;
  readonly #state = new Value<TimelineState>(EMPTY);
  readonly #held = new HeldMessages();
  readonly #ends: (() => void)[];
  #rows = new Map<string, Row>();
  #receipts: readonly Participant[] = [];
  #record: ThreadRecord | undefined;
  /** First seq of the window; none: it hangs at the end. */
  #first: number | undefined;
  /** Last seq of the window; none: it is live. */
  #last: number | undefined;
  #loading: "older" | "newer" | undefined;
  #running: Promise<void> | undefined;
  #isReading = false;
  #reading: Promise<void> | undefined;
  #shown: ReplicaState | undefined;
  #looksAt: "end" | "back" = "end";
  #error: SemelError | undefined;
  #firstUnread: number | undefined;
  #isClosed = false;

  constructor(context: EngineContext, replica: Replica, queue: string) {
    this.#context = context;
    this.#replica = replica;
    this.#queue = queue;
    const follow = replica.follow((changed) => {
      const span = changed(this.#record?.id ?? "");
      if (span !== undefined) this.#held.note(span);
    });
    this.#ends = [follow, replica.state.subscribe(() => this.#update())];
    this.#update();
  }

  readonly get = (): TimelineState => this.#state.get();

  readonly subscribe = (listener: () => void): (() => void) => this.#state.subscribe(listener);

  /** Loads what is before the window: from the device, else from the server. */
  async loadOlder(): Promise<void> {
    await this.#load("older", async (record) => {
      const first = this.#window(record)[0];
      const held = covering(record.coverage, first)?.[0] ?? first;
      if (first > held) this.#first = Math.max(held, first - STEP);
      else if (first > Math.max(1, record.thread.first_seq)) {
        await this.#fetch(record.id, { before: first });
        const now = await this.#readRecord(record.id);
        const reached = covering(now?.coverage ?? [], first)?.[0] ?? first;
        this.#first = Math.max(reached, first - STEP);
      }
    });
  }

  /** Loads what is behind the window. */
  async loadNewer(): Promise<void> {
    await this.#load("newer", async (record) => {
      if (this.#last === undefined) return;
      const held = covering(record.coverage, this.#last)?.[1] ?? this.#last;
      if (held <= this.#last) await this.#fetch(record.id, { after: this.#last });
      const now = (await this.#readRecord(record.id)) ?? record;
      const reached = covering(now.coverage, this.#last)?.[1] ?? this.#last;
      const first = this.#window(record)[0];
      const last = Math.min(reached, this.#last + STEP);
      this.#last = last >= coveredEnd(now.coverage) ? undefined : last;
      this.#first = first;
    });
  }

  /** Moves the window to where this message is. */
  async jumpTo(seq: number): Promise<void> {
    const work = async (record: ThreadRecord) => {
      if (covering(record.coverage, seq) === undefined) {
        await this.#fetch(record.id, { around: seq });
      }
      const now = (await this.#readRecord(record.id)) ?? record;
      const held = covering(now.coverage, seq);
      if (held === undefined) return;
      this.#first = Math.max(held[0], seq - STEP / 2);
      const last = Math.min(held[1], seq + STEP / 2);
      this.#last = last >= coveredEnd(now.coverage) ? undefined : last;
    };
    await this.#load("older", work, true);
  }

  /** Moves the window to the newest messages. */
  async jumpToLatest(): Promise<void> {
    const work = async () => {
      this.#first = undefined;
      this.#last = undefined;
    };
    await this.#load("newer", work, true);
  }

  /**
   * What somebody looks at. At the `end`, where a timeline begins, the window moves on with what comes. Further `back` nothing
   * that they may see goes: a window that is full does not grow any more, and is not live then.
   */
  look(at: "end" | "back"): void {
    this.#looksAt = at;
  }

  close(): void {
    this.#isClosed = true;
    for (const end of this.#ends) end();
  }

  /** One at a time: a second call while one runs would load the same twice. A jump waits for its turn. */
  async #load(
    end: "older" | "newer",
    work: (record: ThreadRecord) => Promise<void>,
    isJump = false,
  ): Promise<void> {
    while (isJump && this.#running !== undefined) await this.#running;
    const record = this.#record;
    if (record === undefined || this.#running !== undefined || this.#isClosed) return;
    this.#loading = end;
    this.#error = undefined;
    if (!isJump) this.#trim(end, record);
    this.#show(this.#isReading ? this.#shown : undefined);
    this.#running = this.#finish(work(record));
    await this.#running;
  }

  async #finish(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#error = toSemelError(error, "network", "load messages");
    }
    this.#loading = undefined;
    this.#running = undefined;
    await this.#read();
  }

  /**
   * Keeps the window small, at the end that is not loaded now. What goes is shown to be gone before something comes: lists
   * that hold the view still can do it for one end at a time.
   */
  #trim(end: "older" | "newer", record: ThreadRecord): void {
    const [first, last] = this.#window(record);
    if (last - first < WINDOW_LEFT) return;
    const isOlder = end === "older";
    const from = isOlder ? first : last - WINDOW_LEFT + 1;
    const to = isOlder ? first + WINDOW_LEFT - 1 : last;
    this.#first = from;
    if (isOlder) this.#last = to;
    this.#held.cut([from, to]);
  }

  /** Keeps a window small that grows by what comes. */
  #bound(record: ThreadRecord): void {
    if (this.#last !== undefined || this.#first === undefined) return;
    const end = coveredEnd(record.coverage);
    if (end - this.#first < WINDOW_MAX) return;
    if (this.#looksAt === "end") this.#first = end - WINDOW_LEFT + 1;
    else this.#last = Math.max(this.#first, this.#held.end);
  }

  async #fetch(
    thread_id: string,
    ask: { readonly before: number } | { readonly after: number } | { readonly around: number },
  ): Promise<void> {
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      if ((await fetchHistory(this.#context, thread_id, ask, STEP)) === "done") return;
    }
  }

  /** Shows what is there now: at once, unless messages have to be read first. */
  #update(): void {
    if (!this.#replica.state.get().isLoaded || this.#isClosed || this.#isReading) return;
    if (this.#follow() === undefined) this.#show();
    else void this.#read().catch(() => undefined);
  }

  /** Reads until nothing is missing, then shows it. One at a time: who comes while one runs gets the same end. */
  async #read(): Promise<void> {
    if (!this.#isReading) this.#reading = this.#readAll();
    await this.#reading;
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    try {
      for (let part = this.#follow(); part !== undefined; part = this.#follow()) {
        if (this.#isClosed) return;
        // What goes is gone before something comes, as with `#trim`; nothing else changes with that.
        if (this.#held.cut(part.window)) this.#show(this.#shown);
        await this.#held.read(this.#context.database, part.id, part.window);
      }
    } finally {
      this.#isReading = false;
    }
    this.#show();
  }

  /** Takes the thread as it is now. What has to be read before it can be shown, if something has. */
  #follow(): { readonly id: string; readonly window: Interval } | undefined {
    const state = this.#replica.state.get();
    const record = state.threads.get(this.#threadId(state) ?? "");
    if (record?.epoch !== this.#record?.epoch || heldFrom(record) > heldFrom(this.#record)) {
      this.#first = undefined;
      this.#last = undefined;
      this.#held.forget();
    }
    this.#record = record;
    if (record === undefined) return undefined;
    this.#firstUnread ??= firstUnread(record, state);
    this.#bound(record);
    const window = this.#window(record);
    this.#first ??= window[0] || undefined;
    return this.#held.isFresh(window) ? undefined : { id: record.id, window };
  }

  #show(state = this.#replica.state.get()): void {
    if (this.#isClosed) return;
    this.#shown = state;
    const record = this.#record;
    const { me } = this.#context;
    // A thread is known by its first answer before its log is here.
    const thread_id = this.#threadId(state) ?? "";
    const isOurs = ({ queue }: { queue: string }) =>
      queue === this.#queue ||
      (thread_id !== "" &&
        (queue === `thread:${thread_id}` || state.aliases.get(queue) === thread_id));
    const rows = buildRows(
      {
        me,
        thread_id,
        messages: this.#held.messages,
        isLive: this.#last === undefined,
        landed: state.landed.filter((one) => one.thread_id === thread_id),
        outbox: state.outbox.filter(isOurs),
        failed: state.failed.filter(isOurs),
        participants: record?.thread.participants ?? [],
      },
      this.#rows,
    );
    this.#rows = new Map(rows.map((row) => [row.key, row]));
    const others = record?.thread.participants.filter((one) => one.user_id !== me) ?? [];
    this.#receipts = keepList(this.#receipts, others);
    const before = this.#state.get();
    const now: TimelineState = {
      isLoaded: state.isLoaded,
      thread: record?.thread,
      isFormer: record?.former ?? false,
      rows: keepList(before.rows, rows),
      older: this.#isShort() ? "loading" : this.#edge("older", this.#hasOlder()),
      newer: this.#edge("newer", this.#last !== undefined),
      isLive: this.#last === undefined,
      firstUnreadSeq: this.#firstUnread ?? 0,
      unreadCount: record === undefined ? 0 : unreadOf(record, state),
      receipts: this.#receipts,
      error: this.#error,
    };
    const names = Object.keys(now) as (keyof TimelineState)[];
    if (names.some((name) => now[name] !== before[name])) this.#state.set(now);
  }

  #edge(end: "older" | "newer", hasMore: boolean): Edge {
    if (!hasMore) return "end";
    if (this.#loading === end) return "loading";
    return this.#error === undefined ? "more" : "missing";
  }

  /** Whether the first messages of the window are still being read. */
  #isShort(): boolean {
    return this.#record !== undefined && this.#held.first > this.#window(this.#record)[0];
  }

  #hasOlder(): boolean {
    const record = this.#record;
    if (record === undefined) return false;
    const first = this.#window(record)[0];
    return first > Math.max(1, record.thread.first_seq);
  }

  /** First and last seq of the window. */
  #window(record: ThreadRecord): Interval {
    const end = coveredEnd(record.coverage);
    const last = Math.min(this.#last ?? end, end);
    const held = covering(record.coverage, last)?.[0] ?? last;
    return [this.#first ?? Math.max(held, last - STEP + 1), last];
  }

  #threadId({ aliases }: ReplicaState): string | undefined {
    return threadOf({ queue: this.#queue }) ?? aliases.get(this.#queue);
  }

  #readRecord(id: string): Promise<ThreadRecord | undefined> {
    return this.#context.database.read(["threads"], (tx) => tx.get("threads", id));
  }
}

/** Unread messages, with what this device has read and the server does not know yet. */
export function unreadOf(record: ThreadRecord, { reads }: ReplicaState): number {
  const { thread } = record;
  const local = reads.get(record.id) ?? 0;
  if (local <= thread.read_seq) return thread.unread_count;
  return Math.max(0, Math.min(thread.unread_count, thread.last_seq - local));
}

/** Where that begins which is held up to the end. It is later than before when the thread was begun anew behind a gap. */
function heldFrom(record: ThreadRecord | undefined): number {
  const coverage = record?.coverage ?? [];
  return covering(coverage, coveredEnd(coverage))?.[0] ?? 0;
}

function firstUnread(record: ThreadRecord, state: ReplicaState): number {
  if (unreadOf(record, state) === 0) return 0;
  return Math.max(record.thread.read_seq, state.reads.get(record.id) ?? 0) + 1;
}
