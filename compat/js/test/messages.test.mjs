// Talking: sends with acknowledgement, entries in order for everybody, changes, batches, refusals.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { Person, contents, message } from "../support/people.mjs";
import { Server } from "../support/server.mjs";
import { until } from "../support/wait.mjs";

let server, alice, bob, eve;
before(async () => {
  server = await Server.start();
  [alice, bob, eve] = await Promise.all(["alice", "bob", "eve"].map((n) => Person.arrive(server, n)));
});
after(() => server.close());

/** A fresh thread of two people with three devices that watch it. */
async function talk() {
  const threadId = await alice.data("POST", "/api/chat/create-or-get", {
    participants: [bob.id, eve.id],
    thread_type: "group",
    distinct: false,
  }).then(({ thread }) => thread.id);
  const devices = await Promise.all([alice, alice, bob].map((person) => person.connect()));
  for (const device of devices) {
    device.hold(threadId);
    await device.sync();
  }
  const close = () => devices.forEach((device) => device.close());
  const send = (device, more) => device.data("message:send", { thread_id: threadId, ...more });
  return { threadId, laptop: devices[0], phone: devices[1], bobs: devices[2], devices, send, close };
}

describe("a send", () => {
  it("is acknowledged with the message as everybody gets it", async () => {
    const { threadId, laptop, devices, send, close } = await talk();
    const sent = message("hello");
    const ack = await send(laptop, sent);
    assert.equal(ack.duplicate, false);
    assert.equal(ack.message.client_id, sent.client_id);
    assert.equal(ack.message.sender_id, alice.id);
    assert.equal(ack.message.seq, 1);
    for (const device of devices) {
      const entries = await device.caughtUp(threadId, 2);
      assert.deepEqual(entries[1].message, ack.message);
      assert.deepEqual(entries.map(({ rev }) => rev), [1, 2]);
    }
    close();
  });

  it("opens a conversation when it names people", async () => {
    const [anna, ben] = await Promise.all([Person.arrive(server), Person.arrive(server)]);
    const [device, other] = await Promise.all([anna.connect(), ben.connect()]);
    const request = {
      participants: [ben.id],
      message_content: "first words",
      client_id: randomUUID(),
    };
    const first = await device.data("message:send", request);
    assert.equal(first.is_existing_thread, false);
    assert.equal(first.message.content, "first words");
    const entry = await other.received("entry", ({ type }) => type === "message");
    assert.deepEqual(entry.message, first.message);
    const again = await device.data("message:send", request);
    assert.deepEqual(again.message, first.message);
    assert.equal(again.thread.last_seq, 1);
    device.close();
    other.close();
  });

  it("without acknowledgement takes effect too", async () => {
    const { threadId, laptop, bobs, close } = await talk();
    laptop.socket.emit("message:send", { thread_id: threadId, ...message("quiet") });
    assert.deepEqual(contents(await bobs.caughtUp(threadId, 2)), ["quiet"]);
    close();
  });
});

describe("order", () => {
  it("is the same for everybody while two people write at once", async () => {
    const { threadId, laptop, bobs, devices, send, close } = await talk();
    const write = async (device, name) => {
      for (let n = 0; n < 50; n += 1) await send(device, message(`${name} ${n}`));
    };
    await Promise.all([write(laptop, "a"), write(bobs, "b")]);
    const logs = await Promise.all(devices.map((device) => device.caughtUp(threadId, 101)));
    assert.deepEqual(logs[1], logs[0]);
    assert.deepEqual(logs[2], logs[0]);
    assert.deepEqual(logs[0].map(({ rev }) => rev), logs[0].map((_, n) => n + 1));
    for (const name of ["a", "b"]) {
      const own = contents(logs[0]).filter((text) => text.startsWith(name));
      assert.deepEqual(own, own.map((_, n) => `${name} ${n}`));
    }
    assert.deepEqual(devices.map((device) => device.hold(threadId).gaps), [0, 0, 0]);
    close();
  });

  it("is kept for sends that do not wait for each other", async () => {
    const { threadId, laptop, bobs, send, close } = await talk();
    const sends = Array.from({ length: 60 }, (_, n) => send(laptop, message(`${n}`)));
    await Promise.all(sends);
    const texts = contents(await bobs.caughtUp(threadId, 61));
    assert.deepEqual(texts, texts.map((_, n) => `${n}`));
    close();
  });

  it("of a batch is the order of its items, and a repeated item is there once", async () => {
    const { threadId, laptop, bobs, send, close } = await talk();
    const messages = Array.from({ length: 99 }, (_, n) => message(`${n}`));
    messages.push(messages[0]);
    const { results } = await send(laptop, { messages });
    assert.equal(results.length, 100);
    assert.ok(results.every(({ status }) => status === "success"));
    assert.deepEqual(
      results.map(({ data }) => data.message.seq),
      [...Array.from({ length: 99 }, (_, n) => n + 1), 1],
    );
    assert.equal(results[99].data.duplicate, true);
    const log = await bobs.caughtUp(threadId, 100);
    assert.deepEqual(contents(log), messages.slice(0, 99).map(({ content }) => content));
    const again = await send(laptop, { messages });
    assert.ok(again.results.every(({ data }) => data.duplicate));
    close();
  });

  it("of a batch goes on after an item that is refused for good", async () => {
    const { laptop, send, close } = await talk();
    const messages = [message("a"), message("x".repeat(16_001)), message("b")];
    const { results } = await send(laptop, { messages });
    assert.deepEqual(results.map(({ status }) => status), ["success", "error", "success"]);
    assert.equal(results[1].error.code, "invalid_request");
    assert.equal(results[2].data.message.seq, 2);
    close();
  });
});

describe("changes", () => {
  it("of a message reach everybody, each as one entry", async () => {
    const { threadId, laptop, bobs, devices, send, close } = await talk();
    const { message: first } = await send(laptop, message("helo"));
    const one = { thread_id: threadId, message_id: first.id };
    const edit = await laptop.data("message:edit", { ...one, content: "hello" });
    assert.equal(edit.message.content, "hello");
    await bobs.data("reaction:add", { ...one, emoji: "👍" });
    await bobs.data("reaction:add", { ...one, emoji: "👍" });
    await bobs.data("reaction:remove", { ...one, emoji: "👍" });
    const deletion = await laptop.data("message:delete", one);
    assert.equal(deletion.message.content, "");
    assert.notEqual(deletion.message.deleted_at, null);
    for (const device of devices) {
      const log = await device.caughtUp(threadId, 6);
      assert.deepEqual(
        log.map(({ type }) => type),
        [
          "thread_created",
          "message",
          "message_edited",
          "reaction_added",
          "reaction_removed",
          "message_deleted",
        ],
      );
    }
    close();
  });

  it("carry an idempotency key: a late repeat of an edit changes nothing", async () => {
    const { threadId, laptop, send, close } = await talk();
    const { message: first } = await send(laptop, message("one"));
    const one = { thread_id: threadId, message_id: first.id };
    const old = { ...one, content: "two", idempotency_key: randomUUID() };
    const answer = await laptop.ask("message:edit", old);
    await laptop.data("message:edit", { ...one, content: "three" });
    assert.deepEqual(await laptop.ask("message:edit", old), answer);
    const log = await laptop.caughtUp(threadId, 4);
    assert.equal(log.at(-1).message.content, "three");
    assert.equal(log.length, 4);
    const other = { ...old, content: "four" };
    assert.equal(await laptop.refusal("message:edit", other), "idempotency_key_reused");
    close();
  });

  it("of a group reach those who are in, and those who come in", async () => {
    const { threadId, laptop, bobs, send, close } = await talk();
    await send(laptop, message("before"));
    const newcomer = await Person.arrive(server, "newcomer");
    const device = await newcomer.connect();
    const path = `/api/chat/threads/${threadId}/expand`;
    await alice.data("POST", path, { new_participants: [newcomer.id] });
    await device.received("entry", ({ type }) => type === "participants_added");
    await send(laptop, message("after"));
    await device.received("entry", (entry) => entry.message?.content === "after");
    const log = await bobs.caughtUp(threadId, 4);
    assert.equal(log[2].type, "participants_added");
    assert.deepEqual(log[2].user_ids, [newcomer.id]);
    device.close();
    close();
  });

  it("stop for those who were taken out", async () => {
    const { threadId, laptop, bobs, send, close } = await talk();
    await alice.data("DELETE", `/api/chat/threads/${threadId}/participants/${bob.id}`);
    await bobs.caughtUp(threadId, 2);
    assert.equal(bobs.hold(threadId).entries.at(-1).type, "participant_removed");
    await send(laptop, message("without bob"));
    await laptop.caughtUp(threadId, 3);
    assert.equal(await bobs.refusal("message:send", { thread_id: threadId, ...message() }), "not_found");
    assert.equal(bobs.hold(threadId).entries.length, 2);
    const { left } = await bobs.data("sync", { threads: { [threadId]: { rev: 2 } } });
    assert.deepEqual(left, [threadId]);
    close();
  });

  it("come with a summary for lists", async () => {
    const { threadId, laptop, bobs, send, close } = await talk();
    const { message: last } = await send(laptop, message("for the list"));
    const summary = await bobs.received(
      "conversation_updated",
      ({ thread_id, last_seq }) => thread_id === threadId && last_seq === 1,
    );
    assert.deepEqual(summary.last_message, last);
    assert.equal(summary.rev, 2);
    close();
  });

  it("make contacts, both ways, live", async () => {
    const [anna, ben] = await Promise.all([Person.arrive(server), Person.arrive(server)]);
    const [device, other] = await Promise.all([anna.connect(), ben.connect()]);
    await device.data("message:send", {
      participants: [ben.id],
      message_content: "hi",
      client_id: randomUUID(),
    });
    await Promise.all([device.received("contact"), other.received("contact")]);
    const isOther = (contact, person) => JSON.stringify(contact).includes(person.id);
    assert.ok(isOther(device.events.find(({ name }) => name === "contact").data, ben));
    assert.ok(isOther(other.events.find(({ name }) => name === "contact").data, anna));
    device.close();
    other.close();
  });
});

describe("refusals", () => {
  it("carry a problem with a code, and store nothing", async () => {
    const { threadId, laptop, send, close } = await talk();
    const first = message("taken");
    await send(laptop, first);
    const thread_id = threadId;
    const cases = [
      ["message:send", { thread_id: randomUUID(), ...message() }, "not_found"],
      ["message:send", { thread_id, ...first, content: "other words" }, "client_id_reused"],
      ["message:send", { thread_id, ...message(""), }, "invalid_request"],
      ["message:send", { thread_id, ...message("x".repeat(16_001)) }, "invalid_request"],
      ["message:send", { thread_id, ...message("\u0000") }, "invalid_request"],
      ["message:send", { thread_id, ...message("x", { surprise: 1 }) }, "invalid_request"],
      ["message:send", { thread_id, content: "no client id" }, "invalid_request"],
      ["message:send", { thread_id, content: "x", client_id: "1" }, "invalid_request"],
      [
        "message:send",
        { thread_id, content: "x", client_id: "00000000-0000-0000-0000-000000000000" },
        "invalid_request",
      ],
      ["message:send", { thread_id, ...message("x", { kind: "system" }) }, "invalid_request"],
      ["message:send", { thread_id, messages: [] }, "invalid_request"],
      [
        "message:send",
        { thread_id, messages: Array.from({ length: 101 }, () => message()) },
        "invalid_request",
      ],
      [
        "message:send",
        { participants: ["nobody-at-all"], message_content: "x", client_id: randomUUID() },
        "unknown_users",
      ],
      ["message:edit", { thread_id, message_id: randomUUID(), content: "x" }, "not_found"],
      ["no:such:event", {}, "unknown_event"],
    ];
    for (const [name, data, code] of cases) {
      const ack = await laptop.ask(name, data);
      assert.equal(ack.status, "error", `${name} ${JSON.stringify(data).slice(0, 100)}`);
      const { error } = ack;
      const shown = JSON.stringify(data).slice(0, 100);
      const isBadInput = code === "invalid_request" && error.code === "malformed_body";
      assert.ok(error.code === code || isBadInput, `${name} ${shown}: ${error.code}, not ${code}`);
      assert.equal(error.type, `urn:semel:error:${error.code}`);
      assert.ok(error.detail.length > 0 && error.request_id.length > 0);
      assert.ok(error.status >= 400 && error.status < 500);
    }
    const { last_rev } = await alice.data("GET", `/api/chat/threads/${threadId}`).then(
      (data) => data.thread ?? data,
    );
    assert.equal(last_rev, 2);
    close();
  });

  it("are the same for threads of others and threads that do not exist", async () => {
    const stranger = await Person.arrive(server, "stranger");
    const device = await stranger.connect();
    const { threadId, close } = await talk();
    const ask = (thread_id) => device.ask("message:send", { thread_id, ...message("x") });
    const [theirs, nobodys] = [await ask(threadId), await ask(randomUUID())];
    delete theirs.error.request_id;
    delete nobodys.error.request_id;
    assert.deepEqual(theirs, nobodys);
    assert.equal(theirs.error.code, "not_found");
    device.close();
    close();
  });

  it("tell a device that does too much at once to wait", async () => {
    const { threadId, laptop, bobs, close } = await talk();
    const wanted = Array.from({ length: 300 }, (_, n) => message(`${n}`));
    const store = async (one) => {
      for (;;) {
        const ack = await laptop.ask("message:send", { thread_id: threadId, ...one });
        if (ack.status === "success") return;
        assert.equal(ack.error.code, "rate_limited");
        await new Promise((resolve) => setTimeout(resolve, ack.error.retry_after_ms ?? 20));
      }
    };
    await Promise.all(wanted.map(store));
    const log = await bobs.caughtUp(threadId, 301);
    const texts = new Set(contents(log));
    assert.equal(texts.size, 300);
    await until(() => laptop.hold(threadId).entries.length === 301, "the sender's own copy");
    close();
  });
});
