// Random people, random trouble: whatever happens, every message is there once, in one order, on every device.

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";

import { NO_TROUBLE, type Trouble } from "./network.js";
import { type Step, World } from "./world.js";

const RUNS = Number(process.env["SEMEL_SDK_RUNS"] ?? 40);
const SEED = process.env["SEMEL_SDK_SEED"];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const some = fc.nat(5);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ type: fc.constant("send" as const), who: some, tab: some, to: some }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom("sendTwice" as const, "burst" as const),
      who: some,
      tab: some,
      to: some,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom(
        "edit" as const,
        "remove" as const,
        "react" as const,
        "unreact" as const,
      ),
      who: some,
      tab: some,
      row: fc.nat(40),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("read" as const), who: some, tab: some }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom("offline" as const, "online" as const, "cut" as const),
      who: some,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom(
        "openTab" as const,
        "crash" as const,
        "freeze" as const,
        "thaw" as const,
      ),
      who: some,
      tab: some,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("setClock" as const),
      who: some,
      milliseconds: fc.constantFrom(-DAY, -2 * HOUR, 0, 2 * HOUR, DAY),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("wait" as const),
      who: some,
      milliseconds: fc.nat(3_000),
    }),
  },
);

/** What was acknowledged is kept for a day, by the clock of the device: whoever sets that forward ends it. */
const restores: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: step.filter(({ type }) => type !== "setClock") },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom("backup" as const, "restore" as const),
      who: some,
    }),
  },
);

/** A browser's database loses its handle: the tabs go on with a new one. */
const lostHandles: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: step },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("fault" as const),
      who: some,
      fault: fc.constantFrom("lost" as const, "lostAfter" as const),
    }),
  },
);

const rare = fc.constantFrom(0, 0.02, 0.1, 0.3);
const trouble: fc.Arbitrary<Trouble> = fc.record({
  lostPush: rare,
  doublePush: rare,
  swappedPush: rare,
  lostRequest: rare,
  lostAnswer: rare,
  refusedForNow: rare,
  lostCall: rare,
});

const LOST_PUSHES: Trouble = { ...NO_TROUBLE, lostPush: 1 };

function wait(milliseconds: number): Step {
  return { type: "wait", who: 0, milliseconds };
}

async function live(seed: number, troubles: Trouble, steps: readonly Step[]): Promise<void> {
  const world = new World(seed, troubles);
  await world.run(steps);
  await world.heal();
  await world.check();
}

describe("model", () => {
  const options = {
    numRuns: RUNS,
    endOnFailure: process.env["SEMEL_SDK_SHRINK"] !== "yes",
    ...(SEED === undefined ? {} : { seed: Number(SEED) }),
  };

  test("ec_m01 ec_m08 ec_m22 ec_o04 ec_o05 req_b4 req_b5 req_b7 req_b8 req_d7 web_6 web_7 web_19: every message once, in one order, through any trouble", async () => {
    const steps = fc.array(step, { minLength: 5, maxLength: 60, size: "max" });
    const property = fc.asyncProperty(fc.nat(), trouble, steps, live);
    await fc.assert(property, options);
  }, 600_000);

  test("p_sync_4: a restored server is given what it had acknowledged", async () => {
    const steps = fc.array(restores, { minLength: 5, maxLength: 50, size: "max" });
    const property = fc.asyncProperty(fc.nat(), trouble, steps, live);
    await fc.assert(property, options);
  }, 600_000);

  test("web_22: through lost handles of the database, whether what it was doing was done or not", async () => {
    const steps = fc.array(lostHandles, { minLength: 5, maxLength: 60, size: "max" });
    const property = fc.asyncProperty(fc.nat(), trouble, steps, live);
    await fc.assert(property, options);
  }, 600_000);

  test.each(["full", "tight"] as const)(
    "web_22: through a disk that is %s, in every tab: what is written goes on in memory, and is sent",
    async (fault) => {
      const steps = fc.array(lostHandles, { minLength: 5, maxLength: 40, size: "max" });
      const property = fc.asyncProperty(fc.nat(), trouble, steps, steps, async (seed, ...rest) => {
        const [troubles, before, after] = rest;
        const world = new World(seed, troubles);
        await world.run([{ type: "openTab", who: 0, tab: 0 }, ...before, wait(5_000)]);
        await world.run([{ type: "fault", who: 0, fault }]);
        const send: Step = { type: "send", who: 0, tab: 0, to: 0 };
        await world.run([wait(5_000), send, ...after]);
        await world.heal();
        await world.check();
      });
      await fc.assert(property, options);
    },
    600_000,
  );

  test("web_22: tabs that go on in memory learn everything by themselves, and end together", async () => {
    const world = new World(1, NO_TROUBLE);
    await world.run([{ type: "openTab", who: 0, tab: 0 }, wait(500)]);
    await world.run([
      { type: "fault", who: 0, fault: "tight" },
      { type: "send", who: 1, tab: 0, to: 0 },
      { type: "send", who: 0, tab: 1, to: 0 },
    ]);
    await world.heal();
    await world.check();
    const [one, two] = world.profiles[0]?.tabs ?? [];
    for (const tab of [one, two])
      expect(tab?.client.keptIn.get()).toEqual({ type: "memory", reason: "full" });
    await one?.client.signOut("refuse");
    await world.run([wait(100)]);
    expect(two?.client.connection.get().phase).toBe("stopped");
  });

  test("ec_m02 web_22: words that were changed in one tab while another had taken them along are one message", async () => {
    const world = new World(1, NO_TROUBLE);
    const { profiles, server } = world;
    await world.run([{ type: "openTab", who: 0, tab: 0 }, wait(500), { type: "offline", who: 0 }]);
    const [one, two] = profiles[0]?.tabs ?? [];
    const first = one?.client.send({ thread_id: world.group }, "helo");
    await world.run([wait(100), { type: "fault", who: 0, fault: "full" }]);
    one?.client.send({ thread_id: world.group }, "again");
    await world.run([wait(100)]);
    const changed = two?.client.edit({ client_id: first?.client_id ?? "" }, "hello");
    await world.run([wait(100)]);
    await changed;
    await world.heal();
    await world.check();
    const said = server.logs.flatMap((log) => log.messages.map(({ content }) => content));
    expect(said).toEqual(["hello", "again"]);
  });

  test("p_sync_4: what was fetched before a restore and what was fetched after it are never put together", async () => {
    const world = new World(1, NO_TROUBLE);
    const { server } = world;
    const say = (content: string) => {
      const to = { participants: ["bob"], thread_type: "direct" };
      server.event("cat", "message:send", { ...to, client_id: content, message_content: content });
    };
    await world.run([]);
    say("one");
    server.backup();
    say("two");
    const read = server.read.bind(server);
    // A device that does not have the thread yet reads its messages, then the thread.
    vi.spyOn(server, "read").mockImplementationOnce((me, path, query) => {
      const messages = read(me, path, query);
      world.restore();
      say("three");
      return messages;
    });
    await world.heal();
    await world.check();
  });

  test("p_read_2: what came while a position was told is counted once", async () => {
    const world = new World(1, NO_TROUBLE);
    const say: Step = { type: "send", who: 0, tab: 0, to: 0 };
    const read: Step = { type: "read", who: 2, tab: 0 };
    // The first opens the thread.
    await world.run([say, read, read, say]);
    // The server counts this one in its answer; its entry comes later.
    for (const tab of world.profiles[2]?.tabs ?? []) tab.network.trouble = LOST_PUSHES;
    await world.run([say, wait(1_500)]);
    await world.heal();
    await world.check();
  });

  test("a client that stops says so to who waits for a message, and the next one sends it, once", async () => {
    const world = new World(1, NO_TROUBLE);
    await world.run([{ type: "offline", who: 0 }]);
    const [tab] = world.profiles[0]?.tabs ?? [];
    const sent = tab?.client.send({ user_id: "bob" }, "before the end");
    const stored = sent?.stored().catch((error: unknown) => error);
    const back = tab?.client.send({ user_id: "bob" }, "taken back");
    const taken = back?.stored().catch((error: unknown) => error);
    await world.run([wait(100)]);
    await tab?.client.remove({ client_id: back?.client_id ?? "" });
    await world.run([wait(100)]);
    expect(await taken).toMatchObject({ code: "unknown_message" });
    await tab?.client.stop();
    expect(await stored).toMatchObject({ code: "stopped", retryable: false });
    await expect(sent?.stored()).rejects.toMatchObject({ code: "stopped" });
    tab?.crash();
    await world.heal();
    await world.check();
    const said = world.server.logs.flatMap((log) => log.messages.map(({ content }) => content));
    expect(said).toEqual(["before the end"]);
  });

  test("req_d7: a tab that froze leads again when the one that took over is gone", async () => {
    const world = new World(1, NO_TROUBLE);
    await world.run([{ type: "openTab", who: 1, tab: 0 }, wait(500)]);
    await world.run([
      { type: "freeze", who: 1, tab: 0 },
      { type: "send", who: 1, tab: 1, to: 0 },
      { type: "crash", who: 1, tab: 1 },
    ]);
    await world.heal();
    await world.check();
  });

  test("p_sync_4: an answer that a frozen tab takes after a restore moves nothing", async () => {
    const world = new World(1, NO_TROUBLE);
    const { server } = world;
    const say: Step = { type: "send", who: 0, tab: 0, to: 0 };
    const read: Step = { type: "read", who: 1, tab: 0 };
    await world.run([{ type: "openTab", who: 1, tab: 0 }]);
    server.backup();
    await world.run([say, read, read]);
    const event = server.event.bind(server);
    vi.spyOn(server, "event").mockImplementation((me, name, data) => {
      if (name === "read") world.profiles[1]?.tabs[0]?.freeze();
      return event(me, name, data);
    });
    await world.run([wait(1_500), { type: "restore", who: 0 }, wait(5_000)]);
    await world.heal();
    await world.check();
  });
});
