// Profiles that change, and the names that threads show.

import { expect, test } from "vitest";

import { MemoryDatabase } from "../../src/database/memory.js";
import type { ThreadRecord } from "../../src/database/schema.js";
import { logStores } from "../../src/log/apply.js";
import { peopleStores, putUsers } from "../../src/log/people.js";
import { begin } from "../../src/outbox/settle.js";
import type { Participant, Thread, User } from "../../src/protocol/wire.js";

function user(display_name: string, second: number): User {
  const updated_at = `2026-01-01T00:00:0${second}.000Z`;
  return { user_id: "ada", display_name, created_at: updated_at, updated_at };
}

function record(id: string, thread_type: "direct" | "group", title: string | null): ThreadRecord {
  const participants = ["ada", "bob"].map(
    (user_id) => ({ user_id, display_name: user_id, role: "participant" }) as Participant,
  );
  const thread = { id, thread_type, title, participants } as unknown as Thread;
  return { id, thread, head: 1, epoch: 1, coverage: [] };
}

async function withThreads(): Promise<MemoryDatabase> {
  const database = new MemoryDatabase();
  await database.write(["threads"], "relaxed", async (tx) => {
    await tx.put("threads", record("direct", "direct", "ada"));
    await tx.put("threads", record("group", "group", "Design"));
  });
  return database;
}

const put = (database: MemoryDatabase, users: readonly User[]) =>
  database.write([...peopleStores], "relaxed", (tx) => putUsers(tx, users, "bob"));

const shown = (database: MemoryDatabase) =>
  database.read(["threads", "users"], async (tx) => {
    const threads = await tx.list("threads");
    return {
      titles: threads.map(({ thread }) => thread.title),
      names: threads.map(({ thread }) => thread.participants[0]?.display_name),
      stored: (await tx.get("users", "ada"))?.display_name,
    };
  });

test("p_profile_2: the newer profile counts, in whatever order they come, and threads call people by it", async () => {
  const database = await withThreads();
  expect(await put(database, [user("Ada", 2)])).toEqual(["direct", "group"]);
  const expected = { titles: ["Ada", "Design"], names: ["Ada", "Ada"], stored: "Ada" };
  expect(await shown(database)).toEqual(expected);
  for (const old of [user("before", 1), user("at once", 2)]) {
    expect(await put(database, [old])).toEqual([]);
    expect(await shown(database)).toEqual(expected);
  }
  // The same name: no thread has to be looked through.
  expect(await put(database, [user("Ada", 3)])).toEqual([]);
  expect(await put(database, [user("Countess", 4), user("before", 1)])).toHaveLength(2);
  expect((await shown(database)).stored).toBe("Countess");
});

test("p_profile_2: after a restore whatever the database says counts", async () => {
  const database = await withThreads();
  await database.write([...logStores], "relaxed", (tx) => begin(tx, "bob", "first", 1));
  await put(database, [user("lost", 5)]);
  await database.write([...logStores], "relaxed", (tx) => begin(tx, "bob", "restored", 2));
  await put(database, [user("restored", 1)]);
  expect(await shown(database)).toMatchObject({
    stored: "restored",
    names: ["restored", "restored"],
  });
});
