// What is not in the log: read and delivered positions, typing, presence.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { Person, message } from "../support/people.mjs";
import { Server } from "../support/server.mjs";

let server, alice, bob, threadId, alices, bobs;
before(async () => {
  server = await Server.start();
  alice = await Person.arrive(server, "alice");
  bob = await Person.arrive(server, "bob");
  threadId = await alice.threadWith(bob);
  await alice.post(threadId, message("one"));
  await alice.post(threadId, message("two"));
  [alices, bobs] = await Promise.all([alice.connect(), bob.connect()]);
});
after(async () => {
  alices.close();
  bobs.close();
  await server.close();
});

async function threadOf(person) {
  const data = await person.data("GET", `/api/chat/threads/${threadId}`);
  return data.thread ?? data;
}

it("read positions are told, counted, and never go back", async () => {
  assert.equal((await threadOf(bob)).unread_count, 2);
  const ack = await bobs.data("read", { thread_id: threadId, seq: 2 });
  assert.equal(ack.read_seq, 2);
  assert.equal(ack.unread_count, 0);
  const receipt = await alices.received("read", ({ user_id }) => user_id === bob.id);
  assert.deepEqual(receipt, { thread_id: threadId, user_id: bob.id, seq: 2 });
  const late = await bobs.data("read", { thread_id: threadId, seq: 1 });
  assert.equal(late.read_seq, 2);
  assert.equal((await threadOf(bob)).unread_count, 0);
});

it("read positions reach the person's own other devices", async () => {
  await alice.post(threadId, message("three"));
  const phone = await bob.connect();
  await bobs.data("read", { thread_id: threadId, seq: 3 });
  await phone.received("read", ({ user_id, seq }) => user_id === bob.id && seq === 3);
  phone.close();
});

it("delivered positions are told", async () => {
  await bobs.data("delivered", { thread_id: threadId, seq: 3 });
  await alices.received("delivered", ({ user_id, seq }) => user_id === bob.id && seq === 3);
});

it("typing is told to the others, not to oneself, and not to strangers", async () => {
  const eve = await (await Person.arrive(server, "eve")).connect();
  await bobs.data("typing", { thread_id: threadId, typing: true });
  const notice = await alices.received("typing");
  assert.deepEqual(notice, { thread_id: threadId, user_id: bob.id, typing: true });
  await bobs.data("typing", { thread_id: threadId, typing: false });
  await alices.received("typing", ({ typing }) => !typing);
  assert.equal(await eve.refusal("typing", { thread_id: threadId, typing: true }), "not_found");
  for (const device of [bobs, eve]) {
    assert.deepEqual(device.events.filter(({ name }) => name === "typing"), []);
  }
  eve.close();
});

it("presence is told to contacts who ask, now and when it changes", async () => {
  const answer = await alices.data("presence", { user_ids: [bob.id] });
  assert.deepEqual(answer.presence, [{ user_id: bob.id, online: true, last_seen_at: null }]);
  bobs.socket.disconnect();
  const gone = await alices.received("presence", ({ online }) => !online);
  assert.equal(gone.user_id, bob.id);
  assert.match(gone.last_seen_at, /^\d{4}-.*Z$/);
  bobs.socket.connect();
  await alices.received("presence", ({ online }) => online);
});

it("presence of people who are no contacts is nobody's business", async () => {
  const stranger = await Person.arrive(server, "stranger");
  const device = await stranger.connect();
  const answer = await device.data("presence", { user_ids: [bob.id, "nobody"] });
  assert.deepEqual(answer.presence, []);
  device.close();
});

it("notices are limited, and the device stays connected", async () => {
  const acks = await Promise.all(
    Array.from({ length: 40 }, () => alices.ask("typing", { thread_id: threadId, typing: true })),
  );
  const codes = new Set(acks.map((ack) => ack.error?.code ?? ack.status));
  assert.deepEqual([...codes].sort(), ["rate_limited", "success"]);
  assert.equal(alices.socket.connected, true);
});

it("threads can be opened and closed on a device", async () => {
  await alices.data("thread:open", { thread_id: threadId });
  await alices.data("thread:close", { thread_id: threadId });
});
