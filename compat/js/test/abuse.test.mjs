// Input that nobody should send: it is refused or ends that one connection, and nothing else.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { after, before, it } from "node:test";

import { Person, contents, message } from "../support/people.mjs";
import { Polling, Raw } from "../support/raw.mjs";
import { Server } from "../support/server.mjs";

let server, alice, bob, threadId, bystander;
before(async () => {
  server = await Server.start();
  alice = await Person.arrive(server, "alice");
  bob = await Person.arrive(server, "bob");
  threadId = await alice.threadWith(bob);
  bystander = await bob.connect();
  bystander.hold(threadId);
  await bystander.sync();
});

/** Whatever happened: the server serves, the other device is connected, and its log has no hole. */
after(async () => {
  await alice.post(threadId, message("still here"));
  await bystander.received("entry", (entry) => entry.message?.content === "still here");
  assert.deepEqual(bystander.reasons, []);
  const log = bystander.hold(threadId);
  assert.equal(log.gaps, 0);
  assert.equal(contents(log.entries).at(-1), "still here");
  bystander.close();
  await server.close();
});

async function isAlive(device) {
  const { message: stored } = await device.data("message:send", {
    thread_id: threadId,
    ...message("alive"),
  });
  assert.equal(stored.content, "alive");
  assert.deepEqual(device.reasons, []);
}

for (const transports of [["websocket"], ["polling"]]) {
  it(`binary payloads are refused and the connection goes on: ${transports}`, async () => {
    const device = await alice.connect({ transports });
    const payloads = [
      Buffer.from([1, 2, 3]),
      { thread_id: threadId, ...message("x"), content: Buffer.from("bytes") },
      { a: [Buffer.alloc(0), { b: Buffer.alloc(10_000) }] },
    ];
    for (const payload of payloads) {
      const ack = await device.ask("message:send", payload);
      assert.equal(ack.status, "error");
    }
    device.socket.emit("message:send", Buffer.from("nobody asks"));
    await isAlive(device);
    device.close();
  });
}

it("events with strange arguments are refused and the connection goes on", async () => {
  const device = await alice.connect();
  const strange = [null, 0, -1, 1e300, "", "text", true, [], [[]], {}, { thread_id: {} }];
  const deep = JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`);
  const names = ["message:send", "message:edit", "read", "sync", "typing", "presence", "thread:open"];
  for (const name of names) {
    for (const data of [...strange, deep]) {
      const ack = await device.ask(name, data);
      assert.ok(["error", "success"].includes(ack.status));
      if (ack.error) assert.ok(ack.error.status < 500, JSON.stringify(ack));
    }
    const none = await device.socket.timeout(5_000).emitWithAck(name);
    assert.ok(none.status === "error" || name === "sync");
    const many = await device.socket.timeout(5_000).emitWithAck(name, {}, 1, "two", [3]);
    assert.ok(["error", "success"].includes(many.status));
  }
  for (const name of ["", "entry", "heads", "__proto__", "x".repeat(10_000), "\u0000", "é"]) {
    assert.equal(await device.refusal(name, {}), "unknown_event");
  }
  await isAlive(device);
  device.close();
});

it("a message as large as allowed goes through, over both transports", async () => {
  const content = "€".repeat(16_000);
  for (const transports of [["websocket"], ["polling"]]) {
    const device = await alice.connect({ transports });
    const request = { thread_id: threadId, ...message(content) };
    assert.equal((await device.data("message:send", request)).message.content, content);
    device.close();
  }
});

it("a packet beyond the limit ends its connection only", async () => {
  const raw = await Raw.enter(server, alice);
  raw.send(`421["message:send",{"content":"${"x".repeat(raw.handshake.maxPayload + 10)}"}]`);
  await raw.closed();
  assert.equal(await server.health(), 200);
});

/** Pseudo-random bytes that are the same in every run. */
function* noise(seed) {
  for (let n = 0; ; n += 1) {
    yield* createHash("sha256").update(`${seed} ${n}`).digest();
  }
}

it("garbage ends its connection at most", async () => {
  const letters = '0123456789[]{}",:-/ abz\\\u0000é\x1e';
  const bytes = noise("frames");
  const draw = () => bytes.next().value;
  const text = () => {
    const length = draw() % 40;
    return Array.from({ length }, () => letters[draw() % letters.length]).join("");
  };
  const beginnings = '  4 40 42 421 42[" 42["message:send", 45 451- 43 5 6 b'.split(" ");
  for (let round = 0; round < 60; round += 1) {
    const raw = round % 2 === 0 ? await Raw.open(server) : await Raw.enter(server, alice);
    for (let n = 0; n < 10 && !raw.isClosed; n += 1) {
      const packet = beginnings[draw() % beginnings.length] + text();
      raw.send(draw() % 5 === 0 ? Buffer.from(packet) : packet);
    }
    raw.close();
    const polling = await Polling.open(server);
    const body = Array.from({ length: 3 }, text).join("\x1e");
    await polling.post(`4${body}`).catch(() => {});
  }
  assert.equal(await server.health(), 200);
});

it("bytes that are no HTTP and frames that are no WebSocket are survived", async () => {
  const [host, port] = server.listen.split(":");
  const bytes = noise("bytes");
  for (let round = 0; round < 20; round += 1) {
    const data = Buffer.from(Array.from({ length: 500 }, () => bytes.next().value));
    await new Promise((resolve) => {
      const socket = connect(Number(port), host, () => socket.end(data));
      socket.on("error", resolve).on("close", resolve).resume();
    });
    const raw = await Raw.open(server);
    raw.socket._socket.write(data);
    await raw.closed(15_000).catch(() => {});
    raw.close();
  }
  assert.equal(await server.health(), 200);
});
