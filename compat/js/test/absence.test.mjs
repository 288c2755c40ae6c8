// Being away: what came meanwhile arrives once and in order, whatever ended the connection.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Person, contents, message } from "../support/people.mjs";
import { Server } from "../support/server.mjs";
import { until } from "../support/wait.mjs";

let server, alice, bob;
before(async () => {
  server = await Server.start();
  alice = await Person.arrive(server, "alice");
  bob = await Person.arrive(server, "bob");
});
after(() => server.close());

async function group() {
  const request = { participants: [bob.id], thread_type: "group", distinct: false };
  return (await alice.data("POST", "/api/chat/create-or-get", request)).thread.id;
}

/** Sends until it is acknowledged, as every client must: the client id makes that safe. */
async function sendUntilStored(device, threadId, sent) {
  for (;;) {
    await until(() => device.socket.connected, "a connection", 30_000);
    const ack = await device.socket
      .timeout(1_000)
      .emitWithAck("message:send", { thread_id: threadId, ...sent })
      .catch(() => null);
    if (ack?.status === "success") return ack.data.message;
    if (ack) assert.ok(ack.error.status >= 429, `refused: ${JSON.stringify(ack.error)}`);
  }
}

/** The log as the server tells it over HTTP. */
async function logOf(person, threadId) {
  const all = [];
  for (;;) {
    const path = `/api/chat/threads/${threadId}/entries?after_rev=${all.length}&limit=500`;
    const { entries, head_rev } = await person.data("GET", path);
    all.push(...entries);
    if (all.length >= head_rev) return all;
  }
}

describe("sync", () => {
  it("gives what was missed, in pages, once and in order", async () => {
    const threadId = await group();
    const phone = await bob.connect();
    phone.hold(threadId);
    await phone.sync();
    phone.socket.disconnect();
    const writer = await alice.connect();
    for (let batch = 0; batch < 12; batch += 1) {
      const messages = Array.from({ length: 100 }, (_, n) => message(`${batch * 100 + n}`));
      await writer.data("message:send", { thread_id: threadId, messages });
    }
    phone.socket.connect();
    await phone.connected();
    await phone.sync();
    const { entries, gaps } = phone.hold(threadId);
    assert.equal(entries.length, 1201);
    assert.equal(gaps, 0);
    assert.deepEqual(contents(entries), Array.from({ length: 1200 }, (_, n) => `${n}`));
    assert.deepEqual(entries, await logOf(bob, threadId));
    phone.close();
    writer.close();
  });

  it("leaves no hole between what was missed and what is live", async () => {
    const threadId = await group();
    const writer = await alice.connect();
    let isWriting = true;
    let sent = 0;
    const write = async () => {
      while (isWriting) {
        await writer.data("message:send", { thread_id: threadId, ...message(`${sent}`) });
        sent += 1;
      }
    };
    const writing = write();
    const phone = await bob.connect();
    phone.hold(threadId);
    await phone.sync();
    for (let round = 0; round < 10; round += 1) {
      phone.socket.io.engine.close();
      await until(() => phone.reasons.length > round && phone.socket.connected, "a reconnect");
      await phone.sync();
      const head = phone.hold(threadId).entries.length;
      await phone.caughtUp(threadId, head + 3);
    }
    isWriting = false;
    await writing;
    const entries = await phone.caughtUp(threadId, sent + 1);
    assert.deepEqual(contents(entries), Array.from({ length: sent }, (_, n) => `${n}`));
    phone.close();
    writer.close();
  });

  it("shows a new device the threads with their newest page, and people's names", async () => {
    const threadId = await group();
    await alice.post(threadId, message("for a new device"));
    const device = await bob.connect();
    const answer = await device.data("sync", {});
    const found = answer.threads.find(({ thread }) => thread.id === threadId);
    assert.deepEqual(found.entries, []);
    assert.deepEqual(found.messages.map(({ content }) => content), ["for a new device"]);
    assert.equal(found.head_rev, 2);
    assert.equal(found.thread.unread_count, 1);
    assert.ok(JSON.stringify(answer.profiles).includes(`Name of ${alice.id}`));
    assert.ok(answer.incarnation.length > 0);
    device.close();
  });

  it("tells a device whose cursor is of another log to begin anew", async () => {
    const threadId = await group();
    await alice.post(threadId, message("x"));
    const device = await bob.connect();
    for (const cursor of [{ rev: 2, chain: "0123456789abcdef" }, { rev: 99 }, { rev: 1, epoch: 77 }]) {
      const { threads } = await device.data("sync", { threads: { [threadId]: cursor } });
      const found = threads.find(({ thread }) => thread.id === threadId);
      assert.equal(found?.too_old, true, JSON.stringify(cursor));
      assert.equal(found.messages.length, 1);
    }
    device.close();
  });
});

describe("kill -9", () => {
  for (const transports of [["websocket"], ["polling", "websocket"]]) {
    it(`the client comes back by itself and misses nothing: ${transports}`, async () => {
      const own = await Server.start();
      try {
        const [anna, ben] = [await Person.arrive(own, "anna"), await Person.arrive(own, "ben")];
        const threadId = await anna.threadWith(ben);
        const [writer, reader] = [await anna.connect({ transports }), await ben.connect({ transports })];
        reader.hold(threadId);
        await reader.sync();
        reader.socket.on("connect", () => reader.sync().catch(() => {}));
        const sent = Array.from({ length: 150 }, (_, n) => message(`${n}`));
        const acknowledged = [];
        const writing = (async () => {
          for (const one of sent) acknowledged.push(await sendUntilStored(writer, threadId, one));
        })();
        for (const at of [20, 60, 110]) {
          await until(() => acknowledged.length >= at, `${at} acknowledgements`, 30_000);
          await own.kill();
          await own.up();
        }
        await writing;
        assert.ok(writer.reasons.length >= 3);
        await until(() => reader.socket.connected, "the reader", 30_000);
        await reader.sync();
        const entries = await reader.caughtUp(threadId, 151);
        assert.deepEqual(contents(entries), sent.map(({ content }) => content));
        acknowledged.forEach(({ id, seq }, n) => {
          assert.equal(seq, n + 1);
          assert.equal(entries[n + 1].message.id, id);
        });
        assert.deepEqual(entries, await logOf(ben, threadId));
        writer.close();
        reader.close();
      } finally {
        await own.close();
      }
    });
  }
});
