// What the Engine.IO protocol, revision 4, asks of a server, without a client in between.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Person } from "../support/people.mjs";
import { Polling, Raw, SEPARATOR } from "../support/raw.mjs";
import { Server } from "../support/server.mjs";
import { until, within } from "../support/wait.mjs";

let server, alice;
before(async () => {
  server = await Server.start();
  alice = await Person.arrive(server, "alice");
});
after(() => server.close());

const HANDSHAKE_KEYS = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];
// An event that is answered at once, so that answers come in the order of the events.
const OPEN = '["thread:open",{"thread_id":"0190b5c8-0000-7000-8000-000000000001"}]';
const connectPacket = () => `40${JSON.stringify({ token: alice.token })}`;

function checkHandshake(handshake, upgrades) {
  assert.deepEqual(Object.keys(handshake).sort(), HANDSHAKE_KEYS);
  assert.equal(typeof handshake.sid, "string");
  assert.deepEqual(handshake.upgrades, upgrades);
  assert.equal(handshake.pingInterval, 10_000);
  assert.equal(handshake.pingTimeout, 10_000);
  assert.ok(handshake.maxPayload >= 100_000);
}

/** The session is gone: whatever is asked of it is refused. */
async function isGone(polling) {
  assert.equal((await polling.get()).status, 400);
  assert.equal((await polling.post("4x")).status, 400);
}

describe("handshake over polling", () => {
  it("opens a session and offers the upgrade", async () => {
    const answer = await new Polling(server).get();
    assert.equal(answer.status, 200);
    const text = await answer.text();
    assert.equal(text[0], "0");
    checkHandshake(JSON.parse(text.slice(1)), ["websocket"]);
  });

  it("gives every session an id of its own", async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => Polling.open(server)));
    assert.equal(new Set(sessions.map(({ sid }) => sid)).size, 20);
  });

  const wrong = {
    "no EIO": "transport=polling",
    "EIO that is no number": "EIO=abc&transport=polling",
    "an older EIO": "EIO=3&transport=polling",
    "no transport": "EIO=4",
    "an unknown transport": "EIO=4&transport=abc",
    "an unknown session": "EIO=4&transport=polling&sid=nobody",
  };
  for (const [what, query] of Object.entries(wrong)) {
    it(`refuses ${what}`, async () => {
      const answer = await fetch(`${server.url}/socket.io/?${query}`);
      assert.equal(answer.status, 400);
    });
  }

  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    it(`refuses to open a session with ${method}`, async () => {
      const answer = await fetch(new Polling(server).url(), { method });
      assert.equal(answer.status, 400);
    });
  }
});

describe("handshake over WebSocket", () => {
  it("opens a session with no further upgrade", async () => {
    const raw = await Raw.open(server);
    checkHandshake(raw.handshake, []);
    raw.close();
  });

  const wrong = {
    "no EIO": { EIO: "" },
    "EIO that is no number": { EIO: "abc" },
    "an unknown transport": { transport: "abc" },
    "an unknown session": { sid: "nobody" },
  };
  for (const [what, query] of Object.entries(wrong)) {
    it(`refuses ${what}`, async () => {
      await new Raw(server, query).closed();
    });
  }
});

describe("messages over polling", () => {
  it("takes one packet and answers in the poll", async () => {
    const polling = await Polling.open(server);
    const answer = await polling.post(connectPacket());
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), "ok");
    assert.match(await polling.packet("40"), /^40\{"sid":"[^"]+"\}$/);
  });

  it("takes several packets in one payload and answers them in order", async () => {
    const polling = await Polling.open(server);
    await polling.enter(alice);
    const events = [1, 2, 3].map((id) => `42${id}${OPEN}`);
    assert.equal((await polling.post(events.join(SEPARATOR))).status, 200);
    const acks = [];
    while (acks.length < 3) acks.push(...(await polling.packets()));
    assert.deepEqual(acks.map((ack) => ack.slice(0, 3)), ["431", "432", "433"]);
  });

  it("takes characters of every length", async () => {
    const polling = await Polling.open(server);
    await polling.enter(alice);
    await polling.post(`427["message:send",{"content":"é€😀"}]`);
    assert.match(await polling.packet("437"), /"status":"error"/);
  });

  it("ends the session on something that is no packet", async () => {
    const polling = await Polling.open(server);
    const status = await polling.post("abc").then(({ status }) => status, () => 400);
    assert.equal(status, 400);
    await isGone(polling);
  });

  it("refuses a payload beyond the limit", async () => {
    const polling = await Polling.open(server);
    const body = `4${"x".repeat(polling.handshake.maxPayload + 1)}`;
    const status = await polling.post(body).then(({ status }) => status, () => 413);
    assert.ok(status === 413 || status === 400, `${status}`);
    assert.equal(await server.health(), 200);
  });

  it("ends the session when two polls run at once", async () => {
    const polling = await Polling.open(server);
    await polling.enter(alice);
    const statuses = [];
    const poll = (query) => polling.get(query).then(({ status }) => statuses.push(status));
    await within(Promise.all([poll(), poll({ t: "2" })]), "both polls", 5_000);
    assert.deepEqual(statuses.sort(), [200, 400]);
    await isGone(polling);
  });
});

describe("messages over WebSocket", () => {
  it("answers a packet with a packet", async () => {
    const raw = await Raw.open(server);
    raw.send(connectPacket());
    assert.match(await raw.next(), /^40\{"sid":"[^"]+"\}$/);
    raw.close();
  });

  it("ends the session on something that is no packet", async () => {
    const raw = await Raw.open(server);
    raw.send("abc");
    await raw.closed();
  });
});

describe("heartbeat", { concurrency: true }, () => {
  it("is sent over WebSocket, and keeps the session while it is answered", async () => {
    const raw = await Raw.enter(server, alice);
    await until(() => raw.pings >= 3, "three pings", 35_000);
    raw.send(`421${OPEN}`);
    await raw.next("431");
    raw.close();
  });

  it("is sent over polling, and keeps the session while it is answered", async () => {
    const polling = await Polling.open(server);
    await polling.enter(alice);
    const wanted = polling.packet("431");
    await until(() => polling.pings >= 3, "three pings", 35_000);
    await polling.post(`421${OPEN}`);
    await wanted;
  });

  it("ends a WebSocket session that does not answer", async () => {
    const raw = await Raw.enter(server, alice);
    raw.answersPings = false;
    await raw.closed(25_000);
  });

  it("ends a polling session that does not answer", async () => {
    const polling = await Polling.open(server);
    await polling.enter(alice);
    const isOver = async () => (await polling.get()).status === 400;
    await until(isOver, "the end of the session", 30_000);
  });
});

describe("close", () => {
  it("ends a polling session and releases its poll", async () => {
    const polling = await Polling.open(server);
    await polling.enter(alice);
    const poll = polling.get();
    assert.equal((await polling.post("1")).status, 200);
    const answer = await within(poll, "the poll", 5_000);
    // The poll may come after the end.
    if (answer.status === 200) assert.match(await answer.text(), /^(2\x1e)?[16]$/);
    else assert.equal(answer.status, 400);
    await isGone(polling);
  });

  it("ends a WebSocket session", async () => {
    const raw = await Raw.open(server);
    raw.send("1");
    await raw.closed();
  });
});

describe("upgrade", () => {
  const upgrade = async (polling) => {
    const raw = new Raw(server, { sid: polling.sid });
    await within(raw.opened, "the WebSocket");
    raw.send("2probe");
    assert.equal(await raw.next(), "3probe");
    return raw;
  };

  it("releases the poll and goes on over WebSocket", async () => {
    const polling = await Polling.open(server);
    await polling.enter(alice);
    const poll = polling.packets();
    const raw = await upgrade(polling);
    assert.deepEqual(await poll, ["6"]);
    raw.send("5");
    raw.send(`421${OPEN}`);
    assert.match(await raw.next(), /^431\[/);
    raw.close();
  });

  it("loses nothing that was sent before it", async () => {
    const polling = await Polling.open(server);
    await polling.enter(alice);
    const events = Array.from({ length: 20 }, (_, id) => `42${id}${OPEN}`);
    await polling.post(events.join(SEPARATOR));
    const poll = polling.packets();
    const raw = await upgrade(polling);
    const acks = (await poll).filter((packet) => packet.startsWith("43"));
    raw.send("5");
    while (acks.length < 20) acks.push(await raw.next("43"));
    const ids = acks.map((ack) => Number(/^43(\d+)/.exec(ack)[1]));
    assert.deepEqual(ids, events.map((_, id) => id));
    raw.close();
  });

  it("ends polling for the session", async () => {
    const polling = await Polling.open(server);
    const raw = await upgrade(polling);
    raw.send("5");
    raw.send(connectPacket());
    await raw.next("40");
    assert.equal((await polling.get()).status, 400);
    raw.send(`421${OPEN}`);
    await raw.next("431");
    raw.close();
  });

  it("ignores a second WebSocket with the same session", async () => {
    const polling = await Polling.open(server);
    const raw = await upgrade(polling);
    raw.send("5");
    raw.send(connectPacket());
    await raw.next("40");
    const second = new Raw(server, { sid: polling.sid });
    await second.closed();
    raw.send(`421${OPEN}`);
    await raw.next("431");
    raw.close();
  });

  it("is given up when the WebSocket goes, and polling goes on", async () => {
    const polling = await Polling.open(server);
    const raw = new Raw(server, { sid: polling.sid });
    await within(raw.opened, "the WebSocket");
    raw.close();
    await polling.enter(alice);
  });
});

it("a server without polling refuses it and serves WebSocket", async () => {
  const only = await Server.start({ SEMEL_POLLING: "false" });
  try {
    assert.equal((await new Polling(only).get()).status, 400);
    const raw = await Raw.open(only);
    checkHandshake(raw.handshake, []);
    raw.close();
  } finally {
    await only.close();
  }
});
