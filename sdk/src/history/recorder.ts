// Writes histories that `semel check` judges (docs/HISTORY.md), in the form for people.

import { isRetryable } from "../errors.js";
import { serverCodes } from "../protocol/codes.js";
import type { Entry, Message } from "../protocol/wire.js";
import type { Attempt, Outcome, Witness } from "../witness.js";
import { entryEvent, type HistoryEvent, messageKey } from "./events.js";
import { fingerprint, uuidBytes } from "./fingerprint.js";

/** What a run was. */
export interface HistoryHeader {
  readonly seed: number;
  readonly commit: string;
  /** How to run it again. */
  readonly command: string;
  readonly options: Readonly<Record<string, string>>;
}

/** Codes of outcomes that are not known. */
const DISCONNECTED = 201;
const CRASHED = 202;
const codes = Object.keys(serverCodes);

/** Gathers the events of one run, of all its devices, by one clock. */
export class Recorder {
  readonly #now: () => number;
  readonly #begin: number;
  readonly #events: (HistoryEvent & { readonly time: number })[] = [];
  readonly #people = new Map<string, number>();
  readonly #logs = new Map<string, number>();
  readonly #newest = new Map<string, number>();
  #sessions = 0;
  #calls = 0;

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#begin = now();
  }

  /** Begins one life of a device: what a client wants as its `witness`. After a crash, begin another one. */
  session(user_id: string, device: string): SessionRecord {
    return new SessionRecord(this, user_id, device);
  }

  /** Writes an event down. */
  push(event: HistoryEvent): void {
    const time = Math.round((this.#now() - this.#begin) * 1e6);
    this.#events.push({ time, ...event });
  }

  /** The number of a person. */
  user(user_id: string): number {
    return number(this.#people, user_id);
  }

  /** The number of a thread's log of one epoch. */
  thread(thread_id: string, epoch: number): number {
    const found = number(this.#logs, `${thread_id} ${epoch}`);
    this.#newest.set(thread_id, Math.max(found, this.#newest.get(thread_id) ?? 0));
    return found;
  }

  /** The number of the newest log of a thread that is known. */
  newest(thread_id: string): number {
    return this.#newest.get(thread_id) ?? this.thread(thread_id, 1);
  }

  nextSession(): number {
    this.#sessions += 1;
    return this.#sessions;
  }

  nextCall(): number {
    this.#calls += 1;
    return this.#calls;
  }

  /** A change that was made past any device, to set the run up (HI-18): invoked before `work`, answered after it. */
  async call(
    user_id: string,
    action: string,
    work: () => Promise<{ thread_id: string; epoch: number }>,
  ) {
    const user = this.user(user_id);
    const session = this.nextSession();
    this.push({ kind: "session", session, user, id: fingerprint(`calls ${session}`) });
    const call = this.nextCall();
    const key = fingerprint(`call ${call}`, user_id);
    this.push({ kind: "invoke", action, session, call, user, key });
    const done = await work();
    const thread = this.thread(done.thread_id, done.epoch);
    this.push({ kind: "ok", action, session, call, user, key, thread });
    return done;
  }

  /** The whole log of a thread at the end, as one reader sees it (HI-30). */
  final(
    entries: readonly Entry[],
    head: { thread_id: string; epoch: number; rev: number; seq: number },
  ) {
    const session = this.nextSession();
    const thread = this.thread(head.thread_id, head.epoch);
    for (const entry of entries) {
      this.push({ ...entryEvent("final", entry, (id) => this.user(id)), session, thread });
    }
    this.push({ kind: "final", action: "head", session, thread, rev: head.rev, seq: head.seq });
  }

  /** The history as JSON lines. */
  lines(header: HistoryHeader): string {
    const lines = [JSON.stringify({ semel_history: 1, ...header })];
    for (const event of this.#events) lines.push(JSON.stringify(event, leaveOutZeros));
    lines.push(JSON.stringify({ end: this.#events.length }));
    return `${lines.join("\n")}\n`;
  }
}

/** The witness of one life of a device. */
export class SessionRecord implements Witness {
  readonly #recorder: Recorder;
  readonly #user_id: string;
  readonly #user: number;
  readonly #device: string;
  readonly #open = new Map<number, HistoryEvent>();
  readonly #heads = new Map<string, { epoch: number; head: number }>();
  #session: number;
  #isOver = false;

  constructor(recorder: Recorder, user_id: string, device: string) {
    this.#recorder = recorder;
    this.#user_id = user_id;
    this.#user = recorder.user(user_id);
    this.#device = device;
    this.#session = this.#begin();
  }

  /** The client is gone without a goodbye: what was on its way is of unknown outcome, and nothing more is recorded. */
  crashed(): void {
    for (const event of this.#open.values()) {
      this.#recorder.push({ ...event, kind: "info", code: CRASHED });
    }
    this.#open.clear();
    this.#isOver = true;
  }

  /** How far the device has come at the end (HI-32). */
  cursors(): void {
    for (const [thread_id, { epoch, head }] of this.#heads) {
      const thread = this.#recorder.thread(thread_id, epoch);
      this.#push({ kind: "final", action: "cursor", thread, rev: head });
    }
  }

  attempt({ client_id, destination, content, in_order }: Attempt): number {
    const call = this.#recorder.nextCall();
    const thread = destination.type === "thread" ? this.#recorder.newest(destination.thread_id) : 0;
    const key = messageKey(client_id, this.#user_id);
    const event = { kind: "invoke", action: "send", call, user: this.#user, thread, key };
    this.#push({ ...event, code: in_order ? 1 : 0, hash: fingerprint(content) });
    if (!this.#isOver) this.#open.set(call, { ...event, session: this.#session });
    return call;
  }

  outcome(attempt: number, outcome: Outcome): void {
    const event = this.#open.get(attempt);
    if (event === undefined) return;
    this.#open.delete(attempt);
    if (outcome.type === "lost") this.#push({ ...event, kind: "info", code: DISCONNECTED });
    else if (outcome.type === "stored") this.#push(this.#stored(event, outcome));
    else {
      const { code } = outcome.problem;
      const kind = isRetryable(code) && code !== "rate_limited" ? "info" : "fail";
      this.#push({ ...event, kind, code: codes.indexOf(code) + 1 });
    }
  }

  arrival(entry: Entry): void {
    this.#entry("wire", entry);
  }

  apply(entry: Entry): void {
    this.#entry("apply", entry);
    this.#heads.set(entry.thread_id, { epoch: entry.epoch, head: entry.rev });
  }

  reset(thread_id: string, epoch: number, head: number): void {
    this.#heads.set(thread_id, { epoch, head });
    const thread = this.#recorder.thread(thread_id, epoch);
    this.#push({ kind: "apply", action: "snapshot", thread, rev: head });
  }

  /** It begins again when the person comes back: as another life, so that nothing is applied twice within one. */
  left(thread_id: string): void {
    if (!this.#heads.delete(thread_id) || this.#isOver) return;
    this.#session = this.#begin();
    for (const [id, { epoch, head }] of this.#heads) this.reset(id, epoch, head);
  }

  #begin(): number {
    const session = this.#recorder.nextSession();
    const id = fingerprint(`${this.#user_id} ${this.#device}`);
    this.#recorder.push({ kind: "session", session, user: this.#user, id });
    return session;
  }

  #stored(event: HistoryEvent, { message, duplicate }: { message: Message; duplicate: boolean }) {
    const thread = this.#recorder.newest(message.thread_id);
    const id = fingerprint(uuidBytes(message.id));
    return { ...event, kind: "ok", code: duplicate ? 1 : 0, thread, seq: message.seq, id };
  }

  #entry(kind: "wire" | "apply", entry: Entry): void {
    const thread = this.#recorder.thread(entry.thread_id, entry.epoch);
    this.#push({ ...entryEvent(kind, entry, (id) => this.#recorder.user(id)), thread });
  }

  #push(event: HistoryEvent): void {
    if (!this.#isOver) this.#recorder.push({ session: this.#session, ...event });
  }
}

function number(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size + 1);
  return numbers.size;
}

/** Fields that are 0 are left out (HI-2), except the time. */
function leaveOutZeros(name: string, value: unknown): unknown {
  return value === 0 && name !== "time" ? undefined : value;
}
