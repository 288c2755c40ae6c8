// Two people and the real server.

import { afterAll, beforeAll, expect, test } from "vitest";

import { createClient, memoryStorage } from "../../src/index.js";
import { people, Server, tokenOf } from "../support/server.js";
import { until } from "../support/wait.js";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  await server.close();
});

function client(userId: string) {
  return createClient({
    url: server.url,
    userId,
    auth: () => tokenOf(userId),
    storage: memoryStorage(),
  });
}

test("two people talk: every message once, in one order, with receipts", async () => {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const [a, b] = [client(ada), client(bob)];
  await Promise.all([a.start(), b.start()]);
  const timeline = a.openTimeline({ user_id: bob });
  const sent = Array.from({ length: 20 }, (_, n) => a.send({ user_id: bob }, `message ${n}`));
  // At once, before anything is kept.
  expect(timeline.get().rows.length).toBe(20);
  const keys = timeline.get().rows.map((row) => row.key);
  await Promise.all(sent.map((one) => one.stored()));
  await until(() => timeline.get().rows.every(({ state }) => state === "delivered"), "ticks");
  expect(timeline.get().rows.map((row) => row.key)).toEqual(keys);
  const item = await until(() => b.threads.get()[0], "bob's list");
  expect(item.unreadCount).toBe(20);
  const theirs = b.openTimeline({ thread_id: item.thread?.id ?? "" });
  await until(() => theirs.get().rows.length === 20, "bob's rows");
  expect(theirs.get().firstUnreadSeq).toBe(1);
  expect(theirs.get().rows.map((row) => row.message.content)).toEqual(
    sent.map((_, n) => `message ${n}`),
  );
  await b.markRead(item.thread?.id ?? "", 20);
  await until(() => b.threads.get()[0]?.unreadCount === 0, "read");
  await until(() => timeline.get().rows.every((row) => row.state === "read"), "read ticks");
  await Promise.all([a.stop(), b.stop()]);
});
