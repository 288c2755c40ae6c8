// Coming in with the official client: transports, tokens, namespaces, and being sent away.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { io } from "socket.io-client";

import { Device, Person, message } from "../support/people.mjs";
import { Server, makeToken } from "../support/server.mjs";
import { until, within } from "../support/wait.mjs";

let server, alice, bob, threadId;
before(async () => {
  server = await Server.start();
  alice = await Person.arrive(server, "alice");
  bob = await Person.arrive(server, "bob");
  threadId = await alice.threadWith(bob);
});
after(() => server.close());

const TRANSPORTS = {
  "WebSocket only": ["websocket"],
  "polling only": ["polling"],
  "polling, then WebSocket": ["polling", "websocket"],
};

describe("transports", () => {
  for (const [what, transports] of Object.entries(TRANSPORTS)) {
    it(`${what}: sends and receives`, async () => {
      const device = await alice.connect({ transports });
      const last = transports.at(-1);
      const isThere = () => device.socket.io.engine.transport.name === last;
      await until(isThere, `the transport ${last}`);
      const sent = message(what);
      const { message: stored, duplicate } = await device.data("message:send", {
        thread_id: threadId,
        ...sent,
      });
      assert.equal(duplicate, false);
      assert.equal(stored.content, what);
      const entry = await device.received("entry", (e) => e.message?.client_id === sent.client_id);
      assert.deepEqual(entry.message, stored);
      device.close();
    });
  }

  it("keeps the order of sends while the transport is upgraded", async () => {
    const device = await alice.connect({ transports: ["polling", "websocket"] });
    const names = new Set();
    const seqs = [];
    const isUpgraded = () => device.socket.io.engine.transport.name === "websocket";
    for (let n = 0; n < 200 && !(isUpgraded() && n > 20); n += 1) {
      names.add(device.socket.io.engine.transport.name);
      const { message: stored } = await device.data("message:send", {
        thread_id: threadId,
        ...message(`${n}`),
      });
      seqs.push(stored.seq);
    }
    assert.ok(isUpgraded());
    assert.deepEqual(seqs, seqs.map((_, n) => seqs[0] + n));
    device.close();
  });
});

describe("a refused connection", () => {
  const tokens = {
    "no token": undefined,
    "an empty token": "",
    "no JWT": "not-a-token",
    "another secret": makeToken("alice", { secret: "x".repeat(40) }),
    "an expired token": makeToken("alice", { claims: { exp: 1_000_000_000 } }),
    "a token that is not valid yet": makeToken("alice", { claims: { nbf: 4_000_000_000 } }),
    "no expiry": makeToken("alice", { claims: { exp: undefined } }),
    "no subject": makeToken("alice", { claims: { sub: undefined } }),
    "an empty subject": makeToken(""),
    "alg none": makeToken("alice", { header: { alg: "none" } }),
    "alg RS256": makeToken("alice", { header: { alg: "RS256" } }),
    "a kid": makeToken("alice", { header: { kid: "1" } }),
  };
  for (const [what, token] of Object.entries(tokens)) {
    it(`says the error code and nothing else: ${what}`, async () => {
      for (const transports of [["websocket"], ["polling"]]) {
        const device = new Device(alice, { auth: token === undefined ? {} : { token }, transports });
        const error = await within(
          new Promise((resolve) => device.socket.once("connect_error", resolve)),
          "a refusal",
        );
        assert.equal(error.message, "unauthenticated");
        assert.equal(device.socket.connected, false);
        assert.equal(device.socket.active, false, "the client does not try again by itself");
        device.close();
      }
    });
  }

  it("can be repeated with a better token", async () => {
    const device = new Device(alice, { auth: { token: "old" } });
    await assert.rejects(device.connected(), /unauthenticated/);
    device.socket.auth = { token: alice.token };
    device.socket.connect();
    await device.connected();
    await device.data("presence", { user_ids: [] });
    device.close();
  });

  it("is told of namespaces that do not exist", async () => {
    const socket = io(`${server.url}/admin`, { forceNew: true, auth: { token: alice.token } });
    const refusal = new Promise((resolve) => socket.once("connect_error", resolve));
    const error = await within(refusal, "a refusal");
    assert.equal(error.message, "Invalid namespace");
    socket.disconnect();
  });
});

describe("tokens", () => {
  it("may be asked for at every connection", async () => {
    let times = 0;
    const auth = (give) => {
      times += 1;
      give({ token: alice.token });
    };
    const device = await alice.connect({ auth });
    device.socket.io.engine.close();
    await until(() => times === 2 && device.socket.connected, "a second connection");
    device.close();
  });

  it("of `semel token` work as they are printed", async () => {
    const token = (await server.run("token", "carol")).trim();
    const carol = new Person(server, "carol");
    carol.token = token;
    const device = await carol.connect();
    assert.equal((await carol.data("GET", "/api/users/me")).user?.id ?? "carol", "carol");
    device.close();
  });

  it("are checked while the connection lasts", async () => {
    const exp = Math.floor(Date.now() / 1000) + 3;
    const token = makeToken(alice.id, { claims: { exp } });
    const device = await alice.connect({ auth: { token } });
    const { code } = await device.received("closing", () => true, 15_000);
    assert.equal(code, "unauthenticated");
    await until(() => device.reasons.length > 0, "the end of the connection");
    assert.deepEqual(device.reasons, ["io server disconnect"]);
    assert.equal(device.socket.active, false, "the client does not come back by itself");
    device.close();
  });
});

describe("a server that stops", () => {
  for (const [what, transports] of Object.entries(TRANSPORTS)) {
    it(`is told, closes the transport, and the client comes back: ${what}`, async () => {
      const own = await Server.start();
      try {
        const person = await Person.arrive(own);
        const device = await person.connect({ transports });
        const isThere = () => device.socket.io.engine.transport.name === transports.at(-1);
        await until(isThere, "the transport");
        const code = await own.stop();
        assert.equal(code, 0);
        await until(() => device.reasons.length > 0, "the end of the connection");
        assert.ok(["transport close", "transport error"].includes(device.reasons[0]), device.reasons[0]);
        // Between two polls there is no way to tell a device anything.
        const notice = device.events.find(({ name }) => name === "closing")?.data;
        if (notice || transports.at(-1) === "websocket") {
          assert.equal(notice?.code, "shutting_down");
          assert.ok(notice.retry_after_ms > 0);
        }
        assert.equal(device.socket.active, true);
        await own.up();
        await until(() => device.socket.connected, "the client to come back");
        await device.data("presence", { user_ids: [] });
        device.close();
      } finally {
        await own.close();
      }
    });
  }
});
