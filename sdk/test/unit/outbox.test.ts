// The outbox, transaction by transaction.

import { beforeEach, describe, expect, test } from "vitest";

import { MemoryDatabase } from "../../src/database/memory.js";
import type { Writer } from "../../src/database/port.js";
import { storeNames } from "../../src/database/schema.js";
import { logStores } from "../../src/log/apply.js";
import type { Destination } from "../../src/outbox/item.js";
import { directTo, queueOf } from "../../src/outbox/item.js";
import { giveUp, keepChange, keepSend, retryFailed } from "../../src/outbox/keep.js";
import {
  ACKNOWLEDGED_MAX_AGE,
  adopt,
  begin,
  ensureIncarnation,
  OUTBOX_MAX_AGE,
  settleSend,
  take,
} from "../../src/outbox/settle.js";
import type { Message, Thread } from "../../src/protocol/wire.js";

const THREAD: Destination = { type: "thread", thread_id: "t" };
const ids = Array.from(
  { length: 300 },
  (_, n) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
);
const [ONE = "", TWO = "", THREE = ""] = ids;
let database: MemoryDatabase;

beforeEach(() => {
  database = new MemoryDatabase();
});

function within<T>(work: (tx: Writer) => Promise<T>): Promise<T> {
  return database.write(storeNames, "strict", work);
}

function keep(client_id: string, content = client_id, destination = THREAD, made_at = 0) {
  return within((tx) => keepSend(tx, client_id, { type: "send", destination, content }, made_at));
}

function stored(client_id: string, seq: number, content = client_id): Message {
  return {
    id: `m${seq}`,
    thread_id: "t",
    seq,
    rev: seq,
    sender_id: "me",
    client_id,
    content,
  } as Message;
}

const settle = (message: Message, from: "answer" | "echo" = "answer", now = 0) =>
  within((tx) => settleSend(tx, message, now, undefined, from));
const taken = (queue = "thread:t", now = 0, most = 1_000) =>
  within((tx) => take(tx, queue, now, most));
const waiting = async () =>
  (await database.read(["outbox"], (tx) => tx.list("outbox"))).map((item) => item.client_id);
const failed = () => database.read(["failed"], (tx) => tx.list("failed"));

describe("keeping", () => {
  test("req_b8: in the order of the calls, each once", async () => {
    for (const id of [ONE, TWO, ONE, THREE]) await keep(id);
    expect(await waiting()).toEqual([ONE, TWO, THREE]);
  });

  test("a message that never left is changed itself", async () => {
    await keep(ONE, "helo");
    await within((tx) =>
      keepChange(tx, TWO, { client_id: ONE }, { type: "edit", content: "hello" }, 0),
    );
    expect((await taken()).map(({ work }) => work)).toMatchObject([
      { type: "send", content: "hello" },
    ]);
  });

  test("ec_m02: one that may have left stays as it is: the change follows, and knows its message by then", async () => {
    await keep(ONE, "helo");
    await taken();
    await within((tx) =>
      keepChange(tx, TWO, { client_id: ONE }, { type: "edit", content: "hello" }, 0),
    );
    const [first] = await taken();
    expect(first?.work).toMatchObject({ type: "send", content: "helo" });
    await settle(stored(ONE, 1, "helo"));
    expect((await taken())[0]?.work).toMatchObject({
      type: "edit",
      message_id: "m1",
      content: "hello",
    });
  });

  test("a message that is not here cannot be changed", async () => {
    const change = within((tx) => keepChange(tx, TWO, { client_id: ONE }, { type: "delete" }, 0));
    await expect(change).rejects.toMatchObject({ code: "unknown_message" });
  });
});

test("ec_m01: a message that is handed over again after it was stored is not sent again", async () => {
  await keep(ONE);
  await settle(stored(ONE, 1));
  const again = await keep(ONE);
  expect(again.client_id).toBe(ONE);
  expect(await waiting()).toEqual([]);
});

describe("telling", () => {
  test("p_send_5: a batch has at most 100 messages and stops before a change", async () => {
    for (const id of ids.slice(0, 150)) await keep(id);
    expect(await taken()).toHaveLength(100);
    await within((tx) =>
      keepChange(tx, ids[299] ?? "", { thread_id: "t", message_id: "m" }, { type: "delete" }, 0),
    );
    for (const id of ids.slice(0, 149)) await settle(stored(id, 1));
    expect((await taken()).map((item) => item.client_id)).toEqual([ids[149]]);
  });

  test("p_send_5: a batch has at most 256 KiB, or one message", async () => {
    for (const id of ids.slice(0, 10)) await keep(id, "x".repeat(60_000));
    expect(await taken()).toHaveLength(4);
  });

  test("to people one goes at a time; what waits goes to their thread once it is known, in order", async () => {
    const queue = 'people:direct:["bob"]';
    for (const id of [ONE, TWO, THREE]) await keep(id, id, directTo("bob"));
    expect(await taken(queue)).toHaveLength(1);
    await settle(stored(ONE, 1));
    expect(await taken(queue)).toEqual([]);
    expect((await taken()).map((item) => item.client_id)).toEqual([TWO, THREE]);
    const later = await keep(ids[4] ?? "", "later", directTo("bob"));
    expect(later.queue).toBe("thread:t");
  });

  test("what waited for seven days is not sent any more before the person says so; a day less is", async () => {
    await keep(ONE, "old", THREAD, 0);
    expect(await taken("thread:t", OUTBOX_MAX_AGE)).toHaveLength(1);
    expect(await taken("thread:t", OUTBOX_MAX_AGE + 1)).toEqual([]);
    expect((await failed())[0]?.failure?.code).toBe("expired");
    expect(await within((tx) => retryFailed(tx, ONE, TWO, OUTBOX_MAX_AGE + 1))).toBe(ONE);
    expect(await taken("thread:t", OUTBOX_MAX_AGE + 1)).toHaveLength(1);
  });
});

describe("answers", () => {
  test("story_d9: the echo of a message settles it, also one that was given up", async () => {
    await keep(ONE);
    await settle(stored(ONE, 1), "echo");
    expect(await waiting()).toEqual([]);
  });

  test("ec_m02: an echo with other words settles nothing: the server is asked", async () => {
    await keep(ONE, "mine");
    await settle(stored(ONE, 1, "other words"), "echo");
    expect(await waiting()).toEqual([ONE]);
    await settle(stored(ONE, 1, "other words"), "answer");
    expect(await waiting()).toEqual([]);
  });

  test("an answer of a database that was replaced since is thrown away", async () => {
    const names = (incarnation: string | undefined) =>
      within((tx) => ensureIncarnation(tx, incarnation));
    await within((tx) => begin(tx, "me", "first", 0));
    await names("first");
    await within((tx) => begin(tx, "me", "second", 0));
    await expect(names("first")).rejects.toMatchObject({ code: "network" });
    expect(logStores).toContain("meta");
  });
});

const refused = async (code: string, attempt = taken()) => {
  const [item] = await attempt;
  if (item === undefined) throw new Error("nothing waits");
  await within(async (tx) => {
    const current = await tx.find("outbox", item.client_id);
    if (current !== undefined) await giveUp(tx, current, { code, detail: "" });
  });
};

describe("web_27: new words for a message that was given up", () => {
  const edit = (content: string, key = TWO) =>
    within((tx) => keepChange(tx, key, { client_id: ONE }, { type: "edit", content }, 0));
  const told = async () =>
    (await taken()).map(({ client_id, work }) => [client_id, work.type, work.content]);

  test("ec_m02: are sent under its client id when nothing was stored under that", async () => {
    await keep(ONE, "helo");
    await refused("forbidden");
    await edit("hello");
    expect(await failed()).toEqual([]);
    expect(await told()).toEqual([[ONE, "send", "hello"]]);
    await settle(stored(ONE, 1, "hello"));
    expect(await waiting()).toEqual([]);
  });

  test("ec_m02: are sent under another client id when its own stands for something else", async () => {
    await keep(ONE, "helo");
    await refused("client_id_reused");
    await edit("hello");
    expect(await told()).toEqual([[TWO, "send", "hello"]]);
  });

  test("ec_m02: follow it when an earlier attempt may have stored it: the words of a client id never change", async () => {
    await keep(ONE, "helo");
    // No answer; then the right to write was taken away.
    await taken();
    await refused("forbidden");
    await edit("hello");
    expect(await told()).toEqual([[ONE, "send", "helo"]]);
    await settle(stored(ONE, 1, "helo"));
    expect(await told()).toEqual([[TWO, "edit", "hello"]]);
    expect(await failed()).toEqual([]);
  });

  test("ec_m02: are its own when no server can have stored it, however often it was tried", async () => {
    await keep(ONE, "helo");
    await taken();
    await refused("invalid_request");
    await edit("hello");
    expect(await told()).toEqual([[ONE, "send", "hello"]]);
  });

  test("ec_m02: are attempted anew, after which newer words follow as an edit", async () => {
    await keep(ONE, "helo");
    await taken();
    await taken();
    await refused("invalid_request");
    await edit("hello");
    expect(await told()).toEqual([[ONE, "send", "hello"]]);
    await within((tx) =>
      keepChange(tx, THREE, { client_id: ONE }, { type: "edit", content: "hello!" }, 0),
    );
    expect(await told()).toEqual([[ONE, "send", "hello"]]);
    await settle(stored(ONE, 1, "hello"));
    expect(await told()).toEqual([[THREE, "edit", "hello!"]]);
  });

  test("go where the message goes, also when its people have a thread since", async () => {
    const to = directTo("ada");
    const queue = queueOf(to, ONE);
    await keep(ONE, "helo", to);
    await taken(queue);
    expect(await taken(queue, OUTBOX_MAX_AGE + 1)).toEqual([]);
    await within((tx) => adopt(tx, queue, "t"));
    await edit("hello");
    await settle(stored(ONE, 1, "helo"));
    expect(await told()).toEqual([[TWO, "edit", "hello"]]);
    expect(await failed()).toEqual([]);
  });

  test("stay with it when both waited too long, and are an edit when its echo comes after all", async () => {
    await keep(ONE, "helo");
    await taken();
    await edit("hello");
    expect(await taken("thread:t", OUTBOX_MAX_AGE + 1)).toEqual([]);
    expect(await waiting()).toEqual([]);
    expect((await failed())[0]).toMatchObject({ client_id: ONE, work: { content: "helo" } });
    await settle(stored(ONE, 1, "helo"), "echo");
    expect(await failed()).toEqual([]);
    expect((await taken())[0]?.work).toMatchObject({
      type: "edit",
      message_id: "m1",
      content: "hello",
    });
  });

  test("stay with it when it is sent again after too long a wait", async () => {
    await keep(ONE, "helo");
    await taken();
    await edit("hello");
    await taken("thread:t", OUTBOX_MAX_AGE + 1);
    expect(await within((tx) => retryFailed(tx, ONE, THREE, OUTBOX_MAX_AGE + 1))).toBe(ONE);
    expect(await told()).toEqual([[ONE, "send", "helo"]]);
    await settle(stored(ONE, 1, "helo"));
    expect(await told()).toEqual([[TWO, "edit", "hello"]]);
  });

  test("take the place of an edit that was given up", async () => {
    const target = { thread_id: "t", message_id: "m1" };
    const change = (content: string, key: string) =>
      within((tx) => keepChange(tx, key, target, { type: "edit", content }, 0));
    await change("one", ONE);
    await refused("forbidden");
    expect(await failed()).toHaveLength(1);
    await change("two", TWO);
    expect(await failed()).toEqual([]);
    expect(await told()).toEqual([[TWO, "edit", "two"]]);
  });
});

describe("the deletion of a message that is given up", () => {
  const LATE = OUTBOX_MAX_AGE + 1;
  const remove = (made_at = 0) =>
    within((tx) => keepChange(tx, TWO, { client_id: ONE }, { type: "delete" }, made_at));
  const toldLate = async () => {
    const items = await taken("thread:t", LATE);
    return items.map(({ client_id, work }) => [client_id, work.type]);
  };

  test("forgets it when nothing can be stored", async () => {
    await keep(ONE);
    await refused("forbidden");
    await remove();
    expect([await failed(), await waiting()]).toEqual([[], []]);
    await keep(ONE);
    const attempt = taken();
    await attempt;
    await remove();
    await refused("forbidden", attempt);
    expect([await failed(), await waiting()]).toEqual([[], []]);
  });

  test("lets it be told again when it waited too long and may be stored, and follows it", async () => {
    await keep(ONE);
    await taken();
    expect(await toldLate()).toEqual([]);
    expect(await failed()).toHaveLength(1);
    await remove(LATE);
    expect(await toldLate()).toEqual([[ONE, "send"]]);
    await settle(stored(ONE, 1));
    expect(await toldLate()).toEqual([[TWO, "delete"]]);
    expect(await failed()).toEqual([]);
  });

  test("waits behind it however long that takes", async () => {
    await keep(ONE);
    await taken();
    await remove();
    expect(await toldLate()).toEqual([[ONE, "send"]]);
    await settle(stored(ONE, 1));
    expect(await toldLate()).toEqual([[TWO, "delete"]]);
    expect(await failed()).toEqual([]);
  });

  test("stays with it when it was refused and may be stored all the same, and follows its echo", async () => {
    await keep(ONE);
    await taken();
    await remove();
    // No answer; then the right to write was taken away.
    await refused("forbidden");
    expect(await waiting()).toEqual([]);
    expect((await failed()).map(({ then }) => then?.work.type)).toEqual(["delete"]);
    await settle(stored(ONE, 1), "echo");
    expect(await failed()).toEqual([]);
    expect((await taken())[0]?.work).toMatchObject({ type: "delete", message_id: "m1" });
  });
});

describe("a reaction to a message that was given up", () => {
  const react = (target: { readonly client_id: string; readonly message_id?: string }) =>
    within((tx) => keepChange(tx, TWO, target, { type: "react", emoji: "👍" }, 0));

  test("is refused, and sends nothing", async () => {
    await keep(ONE);
    await taken();
    for (const code of ["forbidden", "expired"]) {
      await refused(code);
      await expect(react({ client_id: ONE })).rejects.toMatchObject({ code: "invalid_argument" });
      expect(await waiting()).toEqual([]);
      expect(await failed()).toHaveLength(1);
      await within((tx) => retryFailed(tx, ONE, THREE, 0));
    }
  });

  test("goes to the message that is stored under its client id", async () => {
    await keep(ONE);
    await refused("client_id_reused");
    await react({ client_id: ONE, message_id: "m1" });
    expect((await taken())[0]?.work).toMatchObject({ type: "react", message_id: "m1" });
    expect(await failed()).toHaveLength(1);
  });
});

describe("a restored server", () => {
  test("p_sync_4: is offered what it had acknowledged within a day, before everything else", async () => {
    await within((tx) => begin(tx, "me", "first", 0));
    for (const id of [ONE, TWO]) await keep(id);
    await settle(stored(ONE, 1), "answer", 0);
    await settle(stored(TWO, 2), "answer", 1_000);
    await keep(THREE);
    expect(await within((tx) => begin(tx, "me", "first", 1_000))).toBe(0);
    expect(await within((tx) => begin(tx, "me", "second", ACKNOWLEDGED_MAX_AGE + 1))).toBe(1);
    expect(await waiting()).toEqual([TWO, THREE]);
    expect(await within((tx) => begin(tx, "me", "second", 0))).toBe(0);
  });

  test("p_sync_4: threads of two are found by their people, because the backup may not have them", async () => {
    const participants = ["me", "bob"].map((user_id) => ({ user_id }));
    const thread = { id: "t", thread_type: "direct", participants } as unknown as Thread;
    await within((tx) => begin(tx, "me", "first", 0));
    await within((tx) => tx.put("threads", { id: "t", thread, head: 1, epoch: 1, coverage: [] }));
    await keep(ONE);
    await within((tx) => begin(tx, "me", "second", 0));
    const [item] = await taken('people:direct:["bob"]');
    expect(item?.work).toMatchObject({ destination: directTo("bob") });
  });
});
