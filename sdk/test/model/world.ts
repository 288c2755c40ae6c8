// People with browsers around a model server, and what must be true when everything has come to rest.

import { expect } from "vitest";

import type { KeptIn } from "../../src/database/resilient.js";
import type { Row } from "../../src/views/rows.js";
import type { Timeline } from "../../src/views/timeline.js";
import type { Witness } from "../../src/witness.js";
import { Clock, dice } from "./clock.js";
import type { Fault } from "./disk.js";
import { NO_TROUBLE, type Trouble } from "./network.js";
import { Profile, type Tab } from "./profile.js";
import { ModelServer } from "./server.js";

export const PEOPLE = ["ada", "bob", "cat"] as const;

/** What somebody does, or what happens to them. Numbers choose among what there is. */
export type Step =
  | {
      readonly type: "send" | "sendTwice" | "burst";
      readonly who: number;
      readonly tab: number;
      readonly to: number;
    }
  | {
      readonly type: "edit" | "remove" | "react" | "unreact";
      readonly who: number;
      readonly tab: number;
      readonly row: number;
    }
  | { readonly type: "read"; readonly who: number; readonly tab: number }
  | { readonly type: "offline" | "online" | "cut"; readonly who: number }
  | {
      readonly type: "openTab" | "crash" | "freeze" | "thaw";
      readonly who: number;
      readonly tab: number;
    }
  | { readonly type: "backup" | "restore"; readonly who: number }
  /** The next transaction with this person's database fails. */
  | { readonly type: "fault"; readonly who: number; readonly fault: Fault }
  /** Their clock is set wrong by so much. */
  | { readonly type: "setClock"; readonly who: number; readonly milliseconds: number }
  | { readonly type: "wait"; readonly who: number; readonly milliseconds: number };

/** Milliseconds between two faults of a database, at least. */
const FAULT_EVERY = 5_000;

interface Intent {
  readonly client_id: string;
  readonly content: string;
  readonly who: number;
  /** The order in which one tab wrote is the order in which it is stored. */
  readonly tab: Tab;
  readonly to: string;
  /** It crashed before this was kept, or when it was kept in memory only: it may be gone, but never doubled. */
  keptIn: KeptIn["type"] | undefined;
}

/** The whole of it. */
export class World {
  readonly clock = new Clock();
  readonly server = new ModelServer(() => this.clock.now);
  readonly group: string;
  readonly profiles: Profile[];
  readonly intents: Intent[] = [];
  readonly #trouble: Trouble;
  /** Messages that were deleted: before they were stored, they leave no trace. */
  readonly #cancelled = new Set<string>();
  #written = 0;
  #isRestored = false;
  readonly #timelines = new Map<Tab, Map<string, Timeline>>();
  readonly #faultAt = new Map<Profile, number>();
  readonly #applied: { order: string; problem: string | undefined }[] = [];

  constructor(seed: number, trouble: Trouble) {
    const random = dice(seed);
    this.#trouble = trouble;
    this.group = this.server.group(PEOPLE);
    // Clocks of people are wrong by up to a day (story_o1, web_7).
    const skews = [0, 86_400_000, -7_200_000];
    this.profiles = PEOPLE.map(
      (user_id, n) =>
        new Profile(this.server, this.clock, user_id, dice(random() * 2 ** 31), skews[n]),
    );
    for (const profile of this.profiles) this.#open(profile);
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.clock.advance(300);
    for (const step of steps) {
      if (step.type !== "wait") this.#do(step);
      await this.clock.advance(step.type === "wait" ? step.milliseconds : 20);
    }
  }

  /** No more trouble; everything comes to rest. */
  async heal(): Promise<void> {
    for (const profile of this.profiles) {
      profile.disk.fault = undefined;
      // What was kept on the disk is for a tab that has it: after a crash the next one that is opened.
      const hasDisk = ({ client }: Tab) => client.keptIn.get().type === "disk";
      if (!profile.tabs.some(hasDisk)) this.#open(profile);
      for (const tab of profile.tabs) {
        tab.thaw();
        tab.network.isOnline = true;
        tab.network.trouble = NO_TROUBLE;
        tab.client.wake();
      }
    }
    for (let round = 0; round < 8; round += 1) {
      await this.clock.advance(20_000);
      this.server.tellHeads();
    }
    await this.clock.advance(5_000);
  }

  /** What must be true now. */
  async check(): Promise<void> {
    this.#checkServer();
    for (const profile of this.profiles) {
      for (const tab of profile.tabs) await this.#checkTab(profile, tab);
      await this.#checkCoverage(profile);
    }
    for (const { problem } of this.#applied) expect(problem).toBeUndefined();
  }

  /** The server stops and goes on from its backup, if it has one. */
  restore(): void {
    if (!this.server.restore()) return;
    this.#isRestored = true;
    for (const profile of this.profiles) {
      for (const tab of profile.tabs) tab.network.cut();
    }
  }

  #do(step: Exclude<Step, { readonly type: "wait" }>): void {
    if (step.type === "backup") return this.server.backup();
    if (step.type === "restore") return this.restore();
    const profile = this.profiles[step.who % this.profiles.length] as Profile;
    if (step.type === "setClock") {
      profile.skew = step.milliseconds;
      return;
    }
    if (step.type === "fault") {
      // One that comes back each time that it is opened is one that is gone for good, and a test of its own.
      const last = this.#faultAt.get(profile) ?? Number.NEGATIVE_INFINITY;
      if (this.clock.now - last < FAULT_EVERY) return;
      this.#faultAt.set(profile, this.clock.now);
      profile.disk.fault = step.fault;
      return;
    }
    if (step.type === "offline" || step.type === "online" || step.type === "cut") {
      for (const { network } of profile.tabs) {
        if (step.type !== "cut") network.isOnline = step.type === "online";
        if (step.type !== "online") network.cut();
      }
      return;
    }
    const tab = profile.tabs[("tab" in step ? step.tab : 0) % Math.max(1, profile.tabs.length)];
    if (step.type === "openTab")
      return profile.tabs.length < 3 ? void this.#open(profile) : undefined;
    if (tab === undefined) return;
    switch (step.type) {
      case "crash":
        return tab.crash();
      case "freeze":
        return tab.freeze();
      case "thaw":
        return tab.thaw();
      default:
        return tab.isFrozen ? undefined : this.#act(step, step.who % this.profiles.length, tab);
    }
  }

  #act(step: Step, who: number, tab: Tab): void {
    const { client } = tab;
    if (step.type === "send" || step.type === "sendTwice" || step.type === "burst") {
      const count = step.type === "burst" ? 4 : 1;
      for (let n = 0; n < count; n += 1) this.#send(step, who, tab);
      return;
    }
    const timeline = this.#timeline(tab, { thread_id: this.group });
    const rows = timeline.get().rows;
    if (step.type === "read") {
      const { thread } = timeline.get();
      if (thread !== undefined) void client.markRead(thread.id, thread.last_seq);
      return;
    }
    if (!("row" in step)) return;
    // Mostly the newest ones, which may still be on their way.
    const row = rows.at(-1 - (step.row % Math.max(1, Math.min(6, rows.length))));
    if (row === undefined || row.state === "failed" || row.message.deleted_at) return;
    const target = targetOf(row);
    const isOwn = row.message.sender_id === client.userId;
    if (step.type === "remove" && isOwn) this.#cancelled.add(row.message.client_id ?? "");
    this.#written += 1;
    const isDone = changeOf(step.type, client, target, isOwn, `edited ${this.#written}`);
    isDone?.catch(() => undefined);
  }

  #send(step: { readonly type: string; readonly to: number }, who: number, tab: Tab): void {
    const { client } = tab;
    this.#written += 1;
    const content = `${PEOPLE[who]} ${this.#written}`;
    const isGroup = step.to % 3 === 0;
    const other = PEOPLE[(who + (step.to % 3)) % PEOPLE.length] ?? "bob";
    const peer = isGroup ? { thread_id: this.group } : { user_id: other };
    const to = isGroup ? this.group : [PEOPLE[who], other].sort().join(" ");
    const sent = client.send(peer, content);
    // Rapid clicks of an application that hands the same message over again.
    if (step.type === "sendTwice") client.send(peer, content, { client_id: sent.client_id });
    const intent: Intent = { client_id: sent.client_id, content, who, tab, to, keptIn: undefined };
    this.intents.push(intent);
    void sent.kept.then(() => {
      intent.keptIn = client.keptIn.get().type;
    });
  }

  #open(profile: Profile): Tab {
    const tab = profile.open(this.#witness());
    tab.network.trouble = this.#trouble;
    return tab;
  }

  /** Judges what one life of a device applies: consecutive, no repeat, no skip (S7). */
  #witness(): Witness {
    const heads = new Map<string, number>();
    const told: { order: string; problem: string | undefined } = { order: "", problem: undefined };
    this.#applied.push(told);
    return {
      attempt: () => 0,
      outcome: () => {},
      arrival: () => {},
      apply: ({ thread_id, rev }) => {
        const head = heads.get(thread_id);
        if (head !== undefined && rev !== head + 1)
          told.problem ??= `${thread_id}: ${rev} after ${head}`;
        heads.set(thread_id, rev);
      },
      reset: (thread_id, _, head) => heads.set(thread_id, head),
      left: (thread_id) => heads.delete(thread_id),
    };
  }

  #timeline(tab: Tab, peer: { readonly thread_id: string }): Timeline {
    const timelines = this.#timelines.get(tab) ?? new Map<string, Timeline>();
    this.#timelines.set(tab, timelines);
    let timeline = timelines.get(peer.thread_id);
    if (timeline === undefined) {
      timeline = tab.client.openTimeline(peer);
      timelines.set(peer.thread_id, timeline);
    }
    return timeline;
  }

  #checkServer(): void {
    const stored = new Map<string, number>();
    const places = new Map<string, { thread: string; seq: number }>();
    for (const log of this.server.logs) {
      expect(log.messages.map((message) => message.seq)).toEqual(log.messages.map((_, n) => n + 1));
      for (const message of log.messages) {
        const key = `${message.sender_id} ${message.client_id}`;
        stored.set(key, (stored.get(key) ?? 0) + 1);
        places.set(key, { thread: log.id, seq: message.seq });
      }
    }
    for (const [key, count] of stored) expect(`${key}: ${count}`).toBe(`${key}: 1`);
    const last = new Map<string, number>();
    for (const intent of this.intents) {
      const place = places.get(`${PEOPLE[intent.who]} ${intent.client_id}`);
      const isCancelled = this.#cancelled.has(intent.client_id);
      const isKept = intent.tab.isAlive ? intent.keptIn !== undefined : intent.keptIn === "disk";
      if (isKept && !isCancelled) expect(place, `${intent.content} is lost`).toBeDefined();
      if (place === undefined || this.#isRestored) continue;
      const order = `${this.profiles[intent.who]?.tabs.indexOf(intent.tab)} ${intent.who} ${intent.to}`;
      if (!intent.tab.isAlive) continue;
      expect(place.seq, `${intent.content} is out of order`).toBeGreaterThan(last.get(order) ?? 0);
      last.set(order, place.seq);
    }
  }

  async #checkTab(profile: Profile, tab: Tab): Promise<void> {
    const { client } = tab;
    expect(client.connection.get().phase).toBe("online");
    const { failures, waiting } = client.outbox.get();
    // A change of a message that somebody deleted meanwhile is refused; everything else must go through.
    const wrong = failures.filter(
      ({ code }) => code !== "message_deleted" && !(this.#isRestored && code === "not_found"),
    );
    expect({ waiting, wrong }).toEqual({ waiting: 0, wrong: [] });
    for (const log of this.server.logs) {
      if (!log.people.includes(profile.user_id)) continue;
      const timeline = client.openTimeline({ thread_id: log.id });
      await this.clock.advance(10);
      for (let page = 0; page < 50 && timeline.get().older !== "end"; page += 1) {
        const older = timeline.loadOlder();
        await this.clock.advance(500);
        await older;
      }
      const shown = timeline.get().rows.filter((row) => row.state !== "failed");
      expect(shown.map(({ message }) => brief(message))).toEqual(log.messages.map(brief));
      expect(new Set(shown.map((row) => row.key)).size).toBe(shown.length);
      const item = client.threads.get().find((one) => one.thread?.id === log.id);
      expect(item?.unreadCount, `unread of ${profile.user_id}`).toBe(
        this.server.unread(profile.user_id, log),
      );
      timeline.close();
    }
  }

  /** What is said to be held is held. */
  async #checkCoverage(profile: Profile): Promise<void> {
    const { records, pages } = await profile.database.read(["threads", "pages"], async (tx) => ({
      records: await tx.list("threads"),
      pages: await tx.list("pages"),
    }));
    for (const { id, coverage } of records) {
      const held = new Set(
        pages
          .filter((page) => page.thread_id === id)
          .flatMap((page) => page.messages.map((one) => one.seq)),
      );
      for (const [first, last] of coverage) {
        for (let seq = first; seq <= last; seq += 1)
          expect(held.has(seq), `${id} ${seq}`).toBe(true);
      }
    }
  }
}

function targetOf({ message, isOwn }: Row) {
  const { thread_id, id, client_id } = message;
  const own = isOwn && client_id ? { client_id } : {};
  return message.seq === 0 ? { thread_id, ...own } : { thread_id, message_id: id, ...own };
}

function brief(message: Row["message"]) {
  const { seq, sender_id, content, deleted_at, reactions } = message;
  return { seq, sender_id, content, isDeleted: Boolean(deleted_at), reactions };
}

function changeOf(
  type: Step["type"],
  client: Tab["client"],
  target: ReturnType<typeof targetOf>,
  isOwn: boolean,
  content: string,
): Promise<void> | undefined {
  if (type === "edit") return isOwn ? client.edit(target, content) : undefined;
  if (type === "remove") return isOwn ? client.remove(target) : undefined;
  return type === "react" ? client.react(target, "👍") : client.unreact(target, "👍");
}
