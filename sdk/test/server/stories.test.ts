// What people suffered with other chat systems, and what a device of this one shows instead, by number.

import { afterAll, beforeAll, expect, test } from "vitest";

import { MemoryDatabase } from "../../src/database/memory.js";
import { systemEnvironment } from "../../src/environment.js";
import { type Client, createClient, limits, memoryStorage, sockets } from "../../src/index.js";
import type { Message, Thread } from "../../src/protocol/wire.js";
import { Life } from "../support/mortal.js";
import { BadProxy } from "../support/proxy.js";
import { people, Server, tokenOf } from "../support/server.js";
import { until } from "../support/wait.js";

const DAY = 86_400_000;
let server: Server;
let proxy: BadProxy;
const open: Client[] = [];

beforeAll(async () => {
  server = await Server.start();
  proxy = await BadProxy.start(() => Number(new URL(server.url).port));
});

afterAll(async () => {
  for (const client of open) await client.stop();
  await proxy.close();
  await server.close();
});

/** A client whose clock is wrong by so much. */
function client(userId: string, skew = 0): Client {
  const environment = { ...systemEnvironment, now: () => Date.now() + skew };
  const auth = () => tokenOf(userId);
  const made = createClient({
    url: proxy.url,
    userId,
    auth,
    storage: memoryStorage(),
    environment,
  });
  open.push(made);
  return made;
}

async function messagesOf(userId: string, thread_id: string): Promise<Message[]> {
  const path = `/api/chat/threads/${thread_id}/messages?limit=200`;
  return (await server.call<{ messages: Message[] }>(userId, "GET", path)).messages;
}

const isOnline = (one: Client) => one.connection.get().phase === "online";

test("story_o1 web_7: clocks that are a day off change no order and no time", async () => {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const [fast, slow] = [client(ada, DAY), client(bob, -DAY)];
  await Promise.all([fast.start(), slow.start()]);
  const { thread_id } = await fast.send({ user_id: bob }, "1").stored();
  const said = ["1"];
  for (const [n, one] of [slow, fast, slow, slow, fast].entries()) {
    await one.send({ user_id: one === fast ? bob : ada }, `${n + 2}`).stored();
    said.push(`${n + 2}`);
  }
  for (const one of [fast, slow]) {
    const timeline = one.openTimeline({ thread_id });
    await until(() => timeline.get().rows.length === said.length, "all of them");
    const rows = timeline.get().rows.map((row) => row.message);
    expect(rows.map((message) => message.content)).toEqual(said);
    // The server's time, which the devices only show.
    for (const { created_at } of rows)
      expect(Math.abs(Date.parse(created_at) - Date.now())).toBeLessThan(DAY / 2);
  }
});

test("story_o6: what was written without a connection keeps its order, whatever its size, in each conversation", async () => {
  const [ada = "", bob = "", cat = ""] = await people(server, "ada", "bob", "cat");
  const me = client(ada);
  const sent = [60_000, 1, 30_000, 2, 60_000, 3].flatMap((bytes, n) =>
    [bob, cat].map((user_id) => me.send({ user_id }, `${n} ${"x".repeat(bytes / 4)}`)),
  );
  await me.start();
  const stored = await Promise.all(sent.map((one) => one.stored()));
  for (const thread_id of new Set(stored.map((message) => message.thread_id))) {
    const found = await messagesOf(ada, thread_id);
    expect(found.map(({ content }) => content[0])).toEqual(["0", "1", "2", "3", "4", "5"]);
  }
});

test("story_d6 story_l3: many messages in flight at once, whose answers are lost, are each stored once", async () => {
  const [ada = "", ...others] = await people(server, "ada", ..."abcdefgh");
  const me = client(ada);
  await me.start();
  await until(() => isOnline(me), "a connection");
  const threads = await Promise.all(
    others.map(async (user_id) => (await me.send({ user_id }, "0").stored()).thread_id),
  );
  const sent: Promise<Message>[] = [];
  for (const n of ["1", "2", "3"]) {
    const losing = proxy.loseAnswers(150);
    for (const thread_id of threads) sent.push(me.send({ thread_id }, n).stored());
    await losing;
  }
  await Promise.all(sent);
  for (const thread_id of threads) {
    const found = await messagesOf(ada, thread_id);
    expect(found.map(({ seq, content }) => [seq, content])).toEqual(
      ["0", "1", "2", "3"].map((content, n) => [n + 1, content]),
    );
  }
});

test("story_d7 story_d9: eight devices that send the same message at once are all told the same, as a success", async () => {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const devices = Array.from({ length: 8 }, () => client(ada));
  await Promise.all(devices.map((one) => one.start()));
  await until(() => devices.every(isOnline), "connections");
  const client_id = crypto.randomUUID();
  const stored = await Promise.all(
    devices.map((one) => one.send({ user_id: bob }, "hello", { client_id }).stored()),
  );
  expect(new Set(stored.map(({ id, seq }) => `${id} ${seq}`)).size).toBe(1);
  expect(await messagesOf(ada, stored[0]?.thread_id ?? "")).toHaveLength(1);
  for (const one of devices) expect(one.outbox.get()).toMatchObject({ waiting: 0, failed: 0 });
});

test("story_c9: a group of the same people is one, whoever makes it, by whatever title", async () => {
  const [ada = "", bob = "", cat = ""] = await people(server, "ada", "bob", "cat");
  const makers = [client(ada), client(bob), client(cat)];
  await Promise.all(makers.map((one) => one.start()));
  const made = await Promise.all(
    makers.map((one, n) => {
      const participants = [cat, bob, ada];
      return one.actions.createOrGet({ participants, thread_type: "group", title: `Boats ${n}` });
    }),
  );
  expect(new Set(made.map(({ thread }) => thread.id)).size).toBe(1);
  await until(() => makers.every((one) => one.threads.get().length === 1), "one thread each");
});

test("story_d10: the SDK makes the key itself, before the first attempt, and every attempt has the same one", async () => {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const me = client(ada);
  await me.start();
  await until(() => isOnline(me), "a connection");
  const losing = proxy.loseAnswers(300);
  const sent = me.send({ user_id: bob }, "hello");
  expect(sent.client_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  await losing;
  const message = await sent.stored();
  expect(message.client_id).toBe(sent.client_id);
  expect(await messagesOf(ada, message.thread_id)).toHaveLength(1);
});

test("story_d15 story_l7: a hundred resumes, and nothing drifts", async () => {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const me = client(ada);
  await me.start();
  const { thread_id } = await me.send({ user_id: bob }, "0").stored();
  const timeline = me.openTimeline({ thread_id });
  const path = `/api/chat/threads/${thread_id}/messages`;
  for (let n = 1; n <= 100; n += 1) {
    proxy.cut();
    await until(() => !isOnline(me), "the end of the connection");
    const body = { client_id: crypto.randomUUID(), content: `${n}` };
    await server.call(bob, "POST", path, body);
    me.wake();
    await until(() => isOnline(me), "a connection");
  }
  await until(() => timeline.get().thread?.last_seq === 101, "the last one");
  await timeline.loadOlder();
  const rows = timeline.get().rows.map((row) => row.message);
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, n) => n + 1));
  expect(rows.map(({ content }) => content)).toEqual(rows.map((_, n) => `${n}`));
  expect(timeline.get().unreadCount).toBe(100);
});

test("story_l9: too far behind is a normal answer: the log begins anew, and nothing of this device is lost", async () => {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const body = { participants: [bob] };
  const { thread } = await server.call<{ thread: Thread }>(
    ada,
    "POST",
    "/api/chat/create-or-get",
    body,
  );
  const database = new MemoryDatabase();
  const before = new Life(server.url, bob, database).client;
  await before.start();
  await until(() => before.threads.get().length === 1, "the thread");
  await before.stop();
  const quiet = { event: () => {}, closed: () => {} };
  const credentials = { token: tokenOf(ada), device_id: crypto.randomUUID() };
  const link = await sockets(server.url).connect(credentials, quiet);
  for (let told = 0; told <= limits.SYNC_BEHIND_ENTRIES_MAX; ) {
    const messages = Array.from({ length: limits.BATCH_MESSAGES_MAX }, () => ({
      client_id: crypto.randomUUID(),
      content: "meanwhile",
    }));
    // A fast server soon has as many as one person may send at once.
    const ask = () => link.ask("message:send", { thread_id: thread.id, messages });
    await until(async () => (await ask()).status === "success", "room for more");
    told += messages.length;
  }
  link.close();
  const { client: after } = new Life(server.url, bob, database);
  const peer = { thread_id: thread.id };
  await after.start();
  await after.drafts.set(peer, "begun");
  const stored = await after.send(peer, "I am back").stored();
  const timeline = after.openTimeline(peer);
  await until(() => timeline.get().rows.at(-1)?.message.id === stored.id, "the newest");
  const seqs = timeline.get().rows.map((row) => row.message.seq);
  expect(seqs).toEqual(seqs.map((_, n) => stored.seq - seqs.length + 1 + n));
  expect(after.drafts.of(peer).get()?.text).toBe("begun");
  await after.stop();
}, 120_000);
