// One client id, one message: however often, from wherever, whatever happened in between.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";

import { Person, message } from "../support/people.mjs";
import { Server } from "../support/server.mjs";

const SENDS = 100;

let server, alice, bob, threadId;
before(async () => {
  server = await Server.start();
  alice = await Person.arrive(server, "alice");
  bob = await Person.arrive(server, "bob");
  threadId = await alice.threadWith(bob);
});
after(() => server.close());

/** Sends one message a hundred times at once, over HTTP and from three devices. Answers what came back. */
async function sendOften(sent) {
  const devices = await Promise.all([
    alice.connect({ transports: ["websocket"] }),
    alice.connect({ transports: ["polling"] }),
    alice.connect(),
  ]);
  const ways = [
    () => alice.post(threadId, sent),
    ...devices.map((device) => () => device.data("message:send", { thread_id: threadId, ...sent })),
  ];
  const sends = Array.from({ length: SENDS }, (_, n) => ways[n % ways.length]());
  const answers = await Promise.all(sends);
  devices.forEach((device) => device.close());
  return answers;
}

/** All answers carry the same message; so many of them stored it. */
function checkEqual(answers, stored) {
  assert.equal(answers.length, SENDS);
  for (const { message: one } of answers) assert.deepEqual(one, answers[0].message);
  assert.equal(answers.filter(({ duplicate }) => !duplicate).length, stored);
  return answers[0].message;
}

it("story_d7 req_b1: a hundred sends at once are one message, for ever", async () => {
  const watcher = await bob.connect();
  watcher.hold(threadId);
  await watcher.sync();
  const sent = message("once");

  const first = checkEqual(await sendOften(sent), 1);
  assert.equal(first.seq, 1);
  await watcher.caughtUp(threadId, 2);

  await server.stop();
  await server.up();
  assert.deepEqual(checkEqual(await sendOften(sent), 0), first, "after a restart");

  await server.kill();
  await server.up();
  assert.deepEqual(checkEqual(await sendOften(sent), 0), first, "after a kill");

  const path = `/api/chat/threads/${threadId}/messages/${first.id}`;
  const { message: edited } = await alice.data("PATCH", path, { content: "once, edited" });
  assert.deepEqual(checkEqual(await sendOften(sent), 0), edited, "after an edit");

  const { message: tombstone } = await alice.data("DELETE", path);
  assert.equal(tombstone.content, "");
  assert.deepEqual(checkEqual(await sendOften(sent), 0), tombstone, "after a deletion");

  await watcher.connected();
  await watcher.sync();
  const log = await watcher.caughtUp(threadId, 4);
  assert.deepEqual(
    log.map(({ type }) => type),
    ["thread_created", "message", "message_edited", "message_deleted"],
  );
  const { entries } = await bob.data("GET", `/api/chat/threads/${threadId}/entries?after_rev=0`);
  assert.equal(entries.length, 4);
  assert.deepEqual(entries.map(({ rev, chain }) => [rev, chain]), log.map(({ rev, chain }) => [rev, chain]));
  watcher.close();
});

it("req_a1 req_a8: people who open the same conversation at once are in one thread", async () => {
  const [anna, ben] = [await Person.arrive(server), await Person.arrive(server)];
  const devices = await Promise.all([anna.connect(), ben.connect()]);
  const open = (n) => {
    const [own, other] = n % 2 === 0 ? [anna, ben] : [ben, anna];
    const request = {
      participants: [other.id],
      message_content: `${n}`,
      client_id: randomUUID(),
    };
    return n % 4 < 2
      ? devices[n % 2].data("message:send", request)
      : own.data("POST", "/api/chat/start-conversation", { ...request, thread_type: "direct" });
  };
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => open(n)));
  assert.equal(new Set(answers.map(({ thread }) => thread.id)).size, 1);
  assert.equal(answers.filter(({ is_existing_thread }) => !is_existing_thread).length, 1);
  const seqs = answers.map(({ message: { seq } }) => seq).sort((a, b) => a - b);
  assert.deepEqual(seqs, answers.map((_, n) => n + 1));
  devices.forEach((device) => device.close());
});

it("req_c1: one idempotency key over HTTP is one effect", async () => {
  const headers = { "idempotency-key": randomUUID() };
  const body = { participants: [bob.id], message_content: "keyed", thread_type: "direct" };
  const sends = Array.from({ length: 50 }, () =>
    alice.call("POST", "/api/chat/start-conversation", body, headers),
  );
  const answers = await Promise.all(sends);
  for (const answer of answers) assert.deepEqual(answer.body, answers[0].body);
  const first = answers.filter((answer) => answer.headers.get("idempotent-replayed") !== "true");
  assert.equal(first.length, 1);
});
