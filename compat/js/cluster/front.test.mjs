// The official client behind a balancer, in front of several servers of which one dies.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { Cluster } from "../support/cluster.mjs";
import { Person, contents, message } from "../support/people.mjs";
import { until } from "../support/wait.mjs";

const MESSAGES = 30;
const SERVERS = 3;

let cluster, alice, bob, threadId;
before(async () => {
  cluster = await Cluster.start("--servers", `${SERVERS}`, "--lines", "20");
  alice = await Person.arrive(cluster, "alice");
  bob = await Person.arrive(cluster, "bob");
  threadId = await alice.threadWith(bob);
});
after(() => cluster?.close());

/** Sends until it is acknowledged, as an app with an outbox does: over a connection that may break and come back. */
function send(device, one) {
  const attempt = async () => {
    const ack = await device.ask("message:send", { thread_id: threadId, ...one }).catch(() => null);
    return ack?.status === "success" && ack.data.message;
  };
  return until(attempt, "an acknowledgement", 60_000);
}

/** It comes back by itself, and catches up when it is back. */
async function stay(device) {
  device.hold(threadId);
  device.socket.on("connect", () => device.sync().catch(() => {}));
  // A balancer that still sends to a dead server refuses; this the client does not try again by itself.
  device.socket.on("connect_error", () => setTimeout(() => device.socket.connect(), 50));
  await device.sync();
}

it("req_d1 req_d8 hears everything once while servers die and come back", async () => {
  // Polling needs the balancer's cookie for a session of its own; with it the client starts as it does by default.
  const ways = [
    { transports: ["websocket"] },
    { transports: ["polling", "websocket"], withCredentials: true },
    { transports: ["polling"], withCredentials: true },
  ];
  const listeners = [];
  for (const way of ways) listeners.push(await bob.connect(way));
  const speaker = await alice.connect({ withCredentials: true });
  for (const device of [speaker, ...listeners]) await stay(device);

  const sent = [];
  for (let n = 0; n < MESSAGES; n += 1) {
    const one = message(`words ${n}`);
    const stored = await send(speaker, one);
    assert.equal(stored.seq, n + 1);
    sent.push({ one, stored });
    // One after the other, so that whoever is connected somewhere was moved.
    const server = 1 + (n % 9) / 3;
    if (n % 3 === 0 && n < 9) {
      await cluster.order(`kill ${server}`);
      await send(speaker, sent.at(-1).one);
      await cluster.order(`start ${server}`);
    }
  }
  const expected = sent.map(({ one }) => one.content);
  for (const device of listeners) {
    await until(
      async () => {
        await device.sync().catch(() => {});
        return device.hold(threadId).entries.length >= MESSAGES + 1;
      },
      "all of it",
      60_000,
    );
    assert.deepEqual(contents(device.hold(threadId).entries), expected);
  }
  const ids = sent.map(({ stored }) => stored.id);
  assert.equal(new Set(ids).size, MESSAGES);
});

it("pushes to a device at another server without being asked", async () => {
  const listeners = [];
  for (let n = 0; n < SERVERS * 2; n += 1) {
    listeners.push(await bob.connect({ transports: ["websocket"] }));
  }
  const sent = message("to all");
  await alice.post(threadId, sent);
  const is = ({ message: one }) => one?.client_id === sent.client_id;
  for (const device of listeners) await device.received("entry", is);
});
