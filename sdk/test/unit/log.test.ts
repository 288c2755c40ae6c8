// Places in logs, what is held of them, and rows.

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { MemoryDatabase } from "../../src/database/memory.js";
import { type Interval, storeNames } from "../../src/database/schema.js";
import { applyEntries, putSnapshot } from "../../src/log/apply.js";
import { cover, isCovered } from "../../src/log/coverage.js";
import { cursorOf, judge } from "../../src/log/place.js";
import { reduce } from "../../src/log/reduce.js";
import type { Entry, Message, Thread } from "../../src/protocol/wire.js";
import { buildRows, type Row, type RowSource } from "../../src/views/rows.js";

const entry = (rev: number, epoch = 1) => ({ thread_id: "t", rev, epoch, type: "hidden" }) as Entry;

describe("place", () => {
  test("p_order_3 ec_o05: only the next entry is applied, repeats are ignored", () => {
    const place = { head: 4, epoch: 1 };
    expect([5, 4, 1, 6, 7].map((rev) => judge(place, entry(rev)))).toEqual([
      "apply",
      "repeat",
      "repeat",
      "gap",
      "gap",
    ]);
    expect(judge(place, entry(5, 2))).toBe("replaced");
  });
});

test("story_l1: the cursor is the end of what is whole, not the newest that came", async () => {
  const database = new MemoryDatabase();
  const thread = { last_rev: 1, participants: [] } as unknown as Thread;
  await database.write(storeNames, "relaxed", (tx) =>
    tx.put("threads", { id: "t", thread, head: 1, epoch: 1, coverage: [] }),
  );
  const apply = async (...revs: readonly number[]) => {
    const by = { me: "ada", now: 0 };
    const entries = revs.map((rev) => entry(rev));
    const { step } = await database.write(storeNames, "relaxed", (tx) =>
      applyEntries(tx, by, "t", entries),
    );
    const record = await database.read(["threads"], (tx) => tx.get("threads", "t"));
    return [step, record && cursorOf(record).rev];
  };
  expect(await apply(2, 3, 5, 6)).toEqual(["gap", 3]);
  expect(await apply(7)).toEqual(["gap", 3]);
  expect(await apply(3, 4, 5, 6, 7)).toEqual(["apply", 7]);
});

test("ec_o04: what was answered after a snapshot was made stays on screen until its entry comes", async () => {
  const database = new MemoryDatabase();
  const by = { me: "ada", now: 0 };
  const thread = {
    id: "t",
    last_rev: 2,
    last_seq: 1,
    thread_type: "group",
    participants: [],
  } as unknown as Thread;
  const landed = await database.write(storeNames, "relaxed", async (tx) => {
    for (const seq of [1, 2]) {
      const one = { client_id: `c${seq}`, thread_id: "t", message: message(seq) };
      await tx.put("landed", one);
    }
    await putSnapshot(tx, by, thread, [message(1)], { head: 2, epoch: 1 });
    return tx.list("landed");
  });
  expect(landed.map(({ client_id }) => client_id)).toEqual(["c2"]);
});

test("p_read_2: what was read on another device before its entry came here is not unread", () => {
  const thread = { last_rev: 1, read_seq: 2, unread_count: 0, participants: [] };
  const said = (seq: number) => ({
    rev: seq,
    type: "message",
    message: message(seq, { sender_id: "bob" }),
  });
  const after = [2, 3].reduce(
    (now, seq) => reduce(now, said(seq) as Entry, { me: "ada", nameOf: String }),
    thread as unknown as Thread,
  );
  expect(after.unread_count).toBe(1);
});

describe("coverage", () => {
  test("holds exactly the seqs that were added", () => {
    const added = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 8 })),
    );
    const property = fc.property(added, (intervals) => {
      let coverage: readonly Interval[] = [];
      const held = new Set<number>();
      for (const [first, more] of intervals) {
        coverage = cover(coverage, [first, first + more]);
        for (let seq = first; seq <= first + more; seq += 1) held.add(seq);
      }
      for (let seq = 1; seq <= 50; seq += 1)
        expect(isCovered(coverage, [seq, seq])).toBe(held.has(seq));
      // Disjoint, in order, and intervals that touch are one.
      coverage.forEach(([first], n) => {
        const before = coverage[n - 1];
        if (before !== undefined) expect(first).toBeGreaterThan(before[1] + 1);
      });
    });
    fc.assert(property);
  });
});

function message(seq: number, more: Partial<Message> = {}): Message {
  const at = "2026-01-01T00:00:00.000Z";
  return {
    id: `m${seq}`,
    thread_id: "t",
    seq,
    rev: seq,
    sender_id: "ada",
    client_id: `c${seq}`,
    kind: "text",
    content: `message ${seq}`,
    reply_to: null,
    attachments: [],
    reactions: [],
    created_at: at,
    edited_at: null,
    deleted_at: null,
    ...more,
  };
}

const nothing: RowSource = {
  me: "ada",
  thread_id: "t",
  messages: [],
  isLive: true,
  landed: [],
  outbox: [],
  failed: [],
  participants: [],
};

function sending(client_id: string, number: number) {
  const destination = { type: "thread", thread_id: "t" } as const;
  const work = { type: "send", destination, content: client_id } as const;
  return { queue: "thread:t", number, client_id, made_at: 0, attempted: false, work } as const;
}

const NONE: ReadonlyMap<string, Row> = new Map();
const byKey = (rows: readonly Row[]) => new Map(rows.map((row) => [row.key, row]));

describe("rows", () => {
  test("story_o4 web_6: what is confirmed comes by seq, what is on its way after it", () => {
    const outbox = [sending("c9", 9), sending("c8", 8)];
    const rows = buildRows({ ...nothing, messages: [message(1), message(2)], outbox }, NONE);
    expect(rows.map((row) => row.key)).toEqual(["ada:c1", "ada:c2", "ada:c8", "ada:c9"]);
    expect(rows.map((row) => row.state)).toEqual(["stored", "stored", "queued", "queued"]);
  });

  test("story_d18 web_6: a message that is confirmed and still in the outbox is one row, with the same key as before", () => {
    const before = buildRows({ ...nothing, outbox: [sending("c1", 1)] }, NONE);
    const both = { ...nothing, messages: [message(1)], outbox: [sending("c1", 1)] };
    const after = buildRows(both, byKey(before));
    expect(after.map((row) => row.key)).toEqual(before.map((row) => row.key));
    expect(after[0]?.state).toBe("stored");
  });

  test("story_d9 web_3: a message that was given up and is there after all is stored", () => {
    const failed = [{ ...sending("c1", 1), failure: { code: "expired", detail: "" } }];
    expect(buildRows({ ...nothing, failed }, NONE)[0]?.state).toBe("failed");
    expect(buildRows({ ...nothing, failed, messages: [message(1)] }, NONE)[0]?.state).toBe(
      "stored",
    );
  });

  test("rows that did not change are the same objects", () => {
    const source = { ...nothing, messages: [message(1), message(2)] };
    const before = buildRows(source, NONE);
    const edited = message(2, { rev: 9, content: "edited" });
    const after = buildRows({ ...source, messages: [message(1), edited] }, byKey(before));
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
  });

  test("ec_m07: the same client id of two people is two rows", () => {
    const messages = [message(1), message(2, { sender_id: "bob", client_id: "c1" })];
    expect(new Set(buildRows({ ...nothing, messages }, NONE).map((row) => row.key)).size).toBe(2);
  });

  test("ec_m19: waiting changes are shown, and a reaction counts once", () => {
    const change = (type: "edit" | "react", number: number) => ({
      ...sending(`k${number}`, number),
      work: { type, message_id: "m1", ...(type === "edit" ? { content: "new" } : { emoji: "👍" }) },
    });
    const outbox = [change("edit", 1), change("react", 2), change("react", 3)];
    const [row] = buildRows({ ...nothing, messages: [message(1)], outbox }, NONE);
    expect(row?.message.content).toBe("new");
    expect(row?.message.reactions).toEqual([{ emoji: "👍", count: 1, user_ids: ["ada"] }]);
    expect(row?.hasPendingChange).toBe(true);
  });
});
