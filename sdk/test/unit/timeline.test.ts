// A conversation on screen: what it reads, and how far its window reaches.

import { beforeEach, describe, expect, test } from "vitest";

import { Replica } from "../../src/client/replica.js";
import { MemoryDatabase } from "../../src/database/memory.js";
import type { Query, Reader } from "../../src/database/port.js";
import { type StoreName, storeNames, type ThreadRecord } from "../../src/database/schema.js";
import type { EngineContext } from "../../src/engine/context.js";
import { putMessages } from "../../src/log/pages.js";
import type { Message, Thread } from "../../src/protocol/wire.js";
import { changeOf } from "../../src/tabs/news.js";
import { Timeline, WINDOW_MAX } from "../../src/views/timeline.js";

/** Counts the messages that were read. */
class CountingDatabase extends MemoryDatabase {
  count = 0;

  override read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T> {
    return super.read(stores, (tx) => {
      const list = async <S extends StoreName>(store: S, query?: Query) => {
        const records = await tx.list(store, query);
        if (store === "pages")
          for (const page of records as unknown as { messages: unknown[] }[])
            this.count += page.messages.length;
        return records;
      };
      return work({ get: tx.get.bind(tx), find: tx.find.bind(tx), list });
    });
  }
}

let database: CountingDatabase;
let replica: Replica;
let timeline: Timeline;

beforeEach(() => {
  database = new CountingDatabase();
  replica = new Replica(database);
});

function message(seq: number, rev = seq, content = `${seq}`): Message {
  const sender_id = seq % 2 === 0 ? "me" : "bob";
  return {
    id: `m${seq}`,
    thread_id: "t",
    seq,
    rev,
    sender_id,
    kind: "text",
    content,
    reactions: [],
  } as unknown as Message;
}

/** The device holds the messages up to this one, and every tab is told. */
async function hold(messages: readonly Message[], last: number, first = 1): Promise<void> {
  const thread = { last_seq: last, first_seq: 1, read_seq: last, participants: [] };
  const record = {
    id: "t",
    thread: thread as unknown as Thread,
    head: last,
    epoch: 1,
    coverage: [[first, last]],
  } satisfies ThreadRecord as ThreadRecord;
  await database.write(storeNames, "relaxed", async (tx) => {
    await putMessages(tx, "t", messages);
    await tx.put("threads", record);
  });
  await replica.refresh(changeOf("t", messages));
  await settled();
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

async function open(count: number): Promise<void> {
  await replica.load();
  await hold(
    Array.from({ length: count }, (_, n) => message(n + 1)),
    count,
  );
  timeline = new Timeline({ database, me: "me" } as unknown as EngineContext, replica, "thread:t");
  await settled();
}

/** Messages `from` to `to` come, one after the other. */
async function come(from: number, to: number): Promise<void> {
  for (let seq = from; seq <= to; seq += 1) await hold([message(seq)], seq);
}

const seqs = () => timeline.get().rows.map((row) => row.message.seq);
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe("a timeline", () => {
  test("reads what changed, and not all of it again", async () => {
    await open(640);
    while (seqs().length < 512) await timeline.loadOlder();
    const rows = new Map(timeline.get().rows.map((row) => [row.key, row]));
    database.count = 0;
    await come(641, 641);
    // One block of the store.
    expect(database.count).toBeLessThanOrEqual(64);
    expect(seqs().at(-1)).toBe(641);
    database.count = 0;
    await hold([message(300, 700, "other words")], 641);
    expect(database.count).toBeLessThanOrEqual(64);
    const changed = timeline.get().rows.filter((row) => rows.get(row.key) !== row);
    expect(changed.map((row) => row.message.content)).toEqual(["other words", "641"]);
    database.count = 0;
    await replica.refresh({ outbox: true, drafts: true, contacts: true });
    await settled();
    expect(database.count).toBe(0);
  });

  test("that somebody watches at its end lets go of its beginning beyond 600 messages", async () => {
    await open(64);
    await come(65, WINDOW_MAX);
    expect(seqs()).toEqual(range(1, WINDOW_MAX));
    const before = timeline.get();
    const shown: (readonly number[])[] = [];
    timeline.subscribe(() => shown.push(seqs()));
    await come(WINDOW_MAX + 1, WINDOW_MAX + 1);
    const [cut = [], grown = []] = shown;
    // First what goes, then what comes: a list that holds the view can do one at a time.
    expect(before.rows.map((row) => row.message.seq).slice(-cut.length)).toEqual(cut);
    expect(grown).toEqual([...cut, WINDOW_MAX + 1]);
    expect(grown.length).toBeLessThan(WINDOW_MAX);
    expect(timeline.get()).toMatchObject({ isLive: true, older: "more", newer: "end" });
    await come(WINDOW_MAX + 2, 1_400);
    expect(seqs().length).toBeLessThanOrEqual(WINDOW_MAX);
    expect(seqs()).toEqual(range(1_401 - seqs().length, 1_400));
  });

  test("in which somebody looks further back keeps what they see, and stops to grow", async () => {
    await open(64);
    timeline.look("back");
    await come(65, WINDOW_MAX);
    expect(timeline.get().isLive).toBe(true);
    await come(WINDOW_MAX + 1, WINDOW_MAX + 10);
    expect(seqs()).toEqual(range(1, WINDOW_MAX));
    expect(timeline.get()).toMatchObject({ isLive: false, newer: "more" });
    // The rest is there for whoever goes down to it.
    await timeline.loadNewer();
    expect(seqs().at(-1)).toBe(WINDOW_MAX + 10);
    expect(timeline.get().isLive).toBe(true);
    await timeline.jumpTo(100);
    expect(seqs()).toContain(100);
    await timeline.jumpToLatest();
    expect(seqs().at(-1)).toBe(WINDOW_MAX + 10);
  });

  test("that goes to where it overlaps with what is there is not at the beginning before it shows it", async () => {
    await open(80);
    expect(seqs()).toEqual(range(17, 80));
    const shown: [first: number | undefined, older: string][] = [];
    timeline.subscribe(() => shown.push([seqs()[0], timeline.get().older]));
    await timeline.jumpTo(20);
    expect(shown).toContainEqual([17, "loading"]);
    expect(shown.filter(([first, older]) => first !== 1 && older === "end")).toEqual([]);
    expect(shown.at(-1)).toEqual([1, "end"]);
  });

  test("that begins with messages which are not this person's to see is loaded all the same", async () => {
    await replica.load();
    // They were out while the first ten were sent.
    await hold(
      range(11, 50).map((seq) => message(seq)),
      50,
    );
    timeline = new Timeline(
      { database, me: "me" } as unknown as EngineContext,
      replica,
      "thread:t",
    );
    await settled();
    expect(seqs()).toEqual(range(11, 50));
    expect(timeline.get().older).toBe("end");
  });

  test("that was begun anew behind a gap shows no hole, and loads what is before", async () => {
    await open(64);
    const held = range(200, 263).map((seq) => message(seq));
    await hold(held, 263, 200);
    expect(seqs()).toEqual(range(200, 263));
    expect(timeline.get().older).toBe("more");
  });

  test("goes on after the store failed once", async () => {
    await open(64);
    const { read } = database;
    database.read = () => Promise.reject(new Error("lost"));
    await hold([message(3, 100, "changed")], 64).catch(() => undefined);
    database.read = read;
    await hold([message(65)], 65);
    expect(timeline.get().rows[2]?.message.content).toBe("changed");
    expect(seqs()).toEqual(range(1, 65));
  });
});
