// What every database must do, and what happens when the browser's fails.

import "fake-indexeddb/auto";
import { beforeEach, describe, expect, test } from "vitest";

import { openIndexedDb } from "../../src/database/indexeddb.js";
import { MemoryDatabase } from "../../src/database/memory.js";
import type { Database, Durability, Reader, Writer } from "../../src/database/port.js";
import { ResilientDatabase } from "../../src/database/resilient.js";
import type { StoreName } from "../../src/database/schema.js";
import { systemEnvironment } from "../../src/environment.js";
import type { Item } from "../../src/outbox/item.js";

let made = 0;

function item(queue: string, number: number): Item {
  const destination = { type: "thread", thread_id: "t" } as const;
  const work = { type: "send", destination, content: `${number}` } as const;
  return { queue, number, client_id: `${queue} ${number}`, made_at: 0, attempted: false, work };
}

const engines: Record<string, () => Promise<Database>> = {
  memory: async () => new MemoryDatabase(),
  indexeddb: () => {
    made += 1;
    return openIndexedDb(`unit ${made}`, () => {});
  },
  resilient: async () => {
    made += 1;
    return new ResilientDatabase(
      (onLost) => openIndexedDb(`unit ${made}`, onLost),
      systemEnvironment,
    );
  },
};

describe.each(Object.entries(engines))("a database: %s", (_, open) => {
  let database: Database;

  beforeEach(async () => {
    database = await open();
  });

  test("keeps records by key, and finds them by their index", async () => {
    await database.write(["outbox"], "strict", async (tx) => {
      for (const number of [2, 10, 1]) await tx.put("outbox", item("a", number));
      await tx.put("outbox", item("b", 1));
    });
    await database.read(["outbox"], async (tx) => {
      expect((await tx.get("outbox", ["a", 2]))?.client_id).toBe("a 2");
      expect((await tx.find("outbox", "b 1"))?.queue).toBe("b");
      expect(await tx.get("outbox", ["a", 3])).toBeUndefined();
      const whole = { from: ["a"], to: ["a", []] } as const;
      expect((await tx.list("outbox", whole)).map((one) => one.number)).toEqual([1, 2, 10]);
      const last = { ...whole, order: "descending", limit: 1 } as const;
      expect((await tx.list("outbox", last)).map((one) => one.number)).toEqual([10]);
      expect((await tx.list("outbox", { from: ["a", []], limit: 1 }))[0]?.queue).toBe("b");
    });
  });

  test("does all of a transaction, or nothing", async () => {
    await database.write(["outbox"], "strict", (tx) => tx.put("outbox", item("a", 1)));
    const failed = database.write(["outbox"], "strict", async (tx) => {
      await tx.remove("outbox", ["a", 1]);
      await tx.put("outbox", item("a", 2));
      throw new Error("in the middle");
    });
    await expect(failed).rejects.toThrow("in the middle");
    const kept = await database.read(["outbox"], (tx) => tx.list("outbox"));
    expect(kept).toEqual([item("a", 1)]);
  });

  test("an index is unique, also after a record was removed", async () => {
    const again = { ...item("c", 1), client_id: "a 1" };
    await database.write(["outbox"], "strict", (tx) => tx.put("outbox", item("a", 1)));
    await expect(
      database.write(["outbox"], "strict", (tx) => tx.put("outbox", again)),
    ).rejects.toThrow();
    await database.write(["outbox"], "strict", (tx) =>
      tx.remove("outbox", { from: ["a"], to: ["a", []] }),
    );
    await database.write(["outbox"], "strict", (tx) => tx.put("outbox", again));
    expect(await database.read(["outbox"], (tx) => tx.list("outbox"))).toEqual([again]);
  });

  test("what is read is a copy", async () => {
    await database.write(["meta"], "strict", (tx) => tx.put("meta", { name: "n", value: [1] }));
    const read = () => database.read(["meta"], (tx) => tx.get("meta", "n"));
    const list = (await read())?.value;
    if (Array.isArray(list)) list.push(2);
    expect((await read())?.value).toEqual([1]);
  });

  test("writes of one store come one after the other", async () => {
    const add = () =>
      database.write(["meta"], "strict", async (tx) => {
        const value = (((await tx.get("meta", "n"))?.value as number | undefined) ?? 0) + 1;
        await tx.put("meta", { name: "n", value });
      });
    await Promise.all(Array.from({ length: 20 }, add));
    expect((await database.read(["meta"], (tx) => tx.get("meta", "n")))?.value).toBe(20);
  });
});

/** Fails as told before it does anything. */
class Failing implements Database {
  readonly inner: Database;
  failures: string[] = [];
  writes = 0;
  isGone = false;
  /** What the next write waits for. */
  held: Promise<void> | undefined;

  constructor(inner: Database) {
    this.inner = inner;
  }

  read<T>(stores: readonly StoreName[], work: (tx: Reader) => Promise<T>): Promise<T> {
    if (this.isGone) return Promise.reject(new DOMException("injected", "UnknownError"));
    return this.inner.read(stores, work);
  }

  async write<T>(
    stores: readonly StoreName[],
    durability: Durability,
    work: (tx: Writer) => Promise<T>,
  ): Promise<T> {
    this.writes += 1;
    const { held } = this;
    this.held = undefined;
    await held;
    const name = this.failures.shift();
    if (name !== undefined) throw new DOMException("injected", name);
    return this.inner.write(stores, durability, work);
  }

  close(): void {}
}

const hasty = {
  ...systemEnvironment,
  after: (_: number, work: () => void) => systemEnvironment.after(0, work),
};

async function broken(failures: string[]) {
  const failing = new Failing(new MemoryDatabase());
  let opened = 0;
  const database = new ResilientDatabase(async () => {
    opened += 1;
    return failing;
  }, hasty);
  const put = (number: number) =>
    database.write(["outbox"], "strict", (tx) => tx.put("outbox", item("a", number)));
  await put(1);
  await put(2);
  failing.failures = failures;
  await put(3);
  const kept = await database.read(["outbox"], (tx) => tx.list("outbox"));
  return { kept: kept.map((one) => one.number), keptIn: database.keptIn.get(), opened };
}

describe("a database whose browser fails", () => {
  test("web_22: a lost connection to IndexedDB on the third write is opened again, and nothing is lost", async () => {
    const done = await broken(["UnknownError", "InvalidStateError"]);
    expect(done).toEqual({ kept: [1, 2, 3], keptIn: { type: "disk" }, opened: 3 });
  });

  test("when it stays lost, everything goes on in memory, with the outbox", async () => {
    const done = await broken(Array.from({ length: 10 }, () => "UnknownError"));
    expect(done.kept).toEqual([1, 2, 3]);
    expect(done.keptIn).toEqual({ type: "memory", reason: "failed" });
  });

  test("a full disk: nothing to give up, so everything goes on in memory", async () => {
    const done = await broken(["QuotaExceededError"]);
    expect(done.kept).toEqual([1, 2, 3]);
    expect(done.keptIn).toEqual({ type: "memory", reason: "full" });
  });

  test("web_22: what goes along into memory stays as it is in both: it may be sent from both", async () => {
    const failing = new Failing(new MemoryDatabase());
    const database = new ResilientDatabase(async () => failing, hasty);
    const put = (number: number) =>
      database.write(["outbox"], "strict", (tx) => tx.put("outbox", item("a", number)));
    const attempts = async (of: Database) => {
      const items = await of.read(["outbox"], (tx) => tx.list("outbox"));
      return items.map(({ number, attempted }) => [number, attempted]);
    };
    await put(1);
    // Another tab wrote it, and this one never looked.
    await failing.inner.write(["outbox"], "strict", (tx) => tx.put("outbox", item("b", 2)));
    failing.failures = ["QuotaExceededError"];
    await put(3);
    expect(await attempts(failing.inner)).toEqual([
      [1, true],
      [2, true],
    ]);
    expect(await attempts(database)).toEqual([
      [1, true],
      [3, false],
      [2, true],
    ]);
  });

  test("web_22: what is written while everything goes into memory comes along", async () => {
    const failing = new Failing(new MemoryDatabase());
    const database = new ResilientDatabase(async () => failing, hasty);
    const put = (number: number) =>
      database.write(["outbox"], "strict", (tx) => tx.put("outbox", item("a", number)));
    await put(1);
    failing.failures = ["QuotaExceededError"];
    const puts = [put(2)];
    // One at each turn, so that some fall into every step of the move.
    for (let number = 3; number <= 300; number += 1) {
      await Promise.resolve();
      puts.push(put(number));
    }
    await Promise.all(puts);
    expect(database.keptIn.get()).toEqual({ type: "memory", reason: "full" });
    expect(await database.read(["outbox"], (tx) => tx.list("outbox"))).toHaveLength(300);
  });

  test("web_22: what fails after everything went into memory brings nothing back from the disk", async () => {
    const failing = new Failing(new MemoryDatabase());
    const database = new ResilientDatabase(async () => failing, hasty);
    const put = (number: number) =>
      database.write(["outbox"], "strict", (tx) => tx.put("outbox", item("a", number)));
    await put(1);
    // A write that is under way on the old handle, and fails when all is in memory.
    let fail = () => {};
    failing.held = new Promise((_, reject) => {
      fail = () => reject(new DOMException("injected", "UnknownError"));
    });
    const late = put(2);
    await new Promise((resolve) => setTimeout(resolve, 0));
    failing.failures = Array.from({ length: 10 }, () => "UnknownError");
    await put(3);
    expect(database.keptIn.get()).toEqual({ type: "memory", reason: "failed" });
    fail();
    await late;
    await put(4);
    const kept = await database.read(["outbox"], (tx) => tx.list("outbox"));
    expect(kept.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  test("what another tab settled does not come back when the handle is lost for good", async () => {
    const failing = new Failing(new MemoryDatabase());
    const database = new ResilientDatabase(async () => failing, hasty);
    const list = () => database.read(["outbox"], (tx) => tx.list("outbox"));
    await database.write(["outbox"], "strict", (tx) => tx.put("outbox", item("a", 1)));
    await failing.inner.write(["outbox"], "strict", async (tx) => {
      await tx.remove("outbox", ["a", 1]);
      await tx.put("outbox", item("a", 2));
    });
    await list();
    failing.isGone = true;
    expect((await list()).map(({ number }) => number)).toEqual([2]);
    expect(database.keptIn.get()).toEqual({ type: "memory", reason: "unavailable" });
  });

  test("where there is no IndexedDB, everything is in memory from the beginning", async () => {
    const open = () => Promise.reject(new DOMException("private", "SecurityError"));
    const database = new ResilientDatabase(open, hasty);
    await database.write(["outbox"], "strict", (tx) => tx.put("outbox", item("a", 1)));
    expect(await database.read(["outbox"], (tx) => tx.list("outbox"))).toHaveLength(1);
    expect(database.keptIn.get()).toEqual({ type: "memory", reason: "unavailable" });
  });
});
