// What the Socket.IO protocol, revision 5, asks of a server for the one namespace that there is.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Person } from "../support/people.mjs";
import { Raw } from "../support/raw.mjs";
import { Server, makeToken } from "../support/server.mjs";

let server, alice;
before(async () => {
  server = await Server.start();
  alice = await Person.arrive(server, "alice");
});
after(() => server.close());

const PRESENCE = `["presence",{"user_ids":[]}]`;

describe("connect", () => {
  it("lets a person in who brings a token", async () => {
    const raw = await Raw.open(server);
    raw.send(`40${JSON.stringify({ token: alice.token })}`);
    const packet = await raw.next();
    assert.equal(packet.slice(0, 2), "40");
    const data = JSON.parse(packet.slice(2));
    assert.deepEqual(Object.keys(data), ["sid"]);
    assert.equal(typeof data.sid, "string");
    raw.close();
  });

  const refused = {
    "without a payload": "40",
    "with an empty payload": "40{}",
    "with a wrong token": `40{"token":"123"}`,
    "with a token of another type": `40{"token":123}`,
    "with a payload that is no object": `40[1]`,
    "with an expired token": () =>
      `40${JSON.stringify({ token: makeToken(alice.id, { claims: { exp: 1 } }) })}`,
  };
  for (const [what, packet] of Object.entries(refused)) {
    it(`tells who comes ${what} the error code`, async () => {
      const raw = await Raw.open(server);
      raw.send(typeof packet === "function" ? packet() : packet);
      assert.equal(await raw.next(), '44{"message":"unauthenticated"}');
      raw.close();
    });
  }

  it("lets a person in who was refused before, on the same session", async () => {
    const raw = await Raw.open(server);
    raw.send("40{}");
    await raw.next("44");
    raw.send(`40${JSON.stringify({ token: alice.token })}`);
    await raw.next("40");
    raw.close();
  });

  for (const packet of ["40/random", "40/random,", `40/random,{"token":"x"}`]) {
    it(`has no other namespace: ${packet}`, async () => {
      const raw = await Raw.open(server);
      raw.send(packet);
      assert.equal(await raw.next(), '44/random,{"message":"Invalid namespace"}');
      raw.close();
    });
  }

  it("goes on in the namespace when another one was refused", async () => {
    const raw = await Raw.enter(server, alice);
    raw.send("40/random");
    await raw.next("44/random");
    raw.send(`421${PRESENCE}`);
    await raw.next("431");
    raw.close();
  });

  it("ends the session when the first packet is not a connect", async () => {
    for (const packet of ["4abc", `42${PRESENCE}`, `421${PRESENCE}`]) {
      const raw = await Raw.open(server);
      raw.send(packet);
      await raw.closed();
    }
  });

  it("ends the session when nobody connects in time", async () => {
    const raw = await Raw.open(server);
    await raw.closed(30_000);
    assert.ok(raw.pings >= 1);
  });
});

describe("disconnect", () => {
  it("leaves the namespace: nothing comes any more", async () => {
    const raw = await Raw.enter(server, alice);
    const bob = await Person.arrive(server, "bob");
    const threadId = await bob.threadWith(alice);
    await raw.next("42", 5_000);
    raw.send("41");
    const other = await Raw.enter(server, alice);
    await bob.post(threadId, { client_id: crypto.randomUUID(), content: "gone" });
    await other.next('42["entry"');
    assert.deepEqual(raw.received.filter((packet) => packet.includes("gone")), []);
    raw.close();
    other.close();
  });

  it("lets a person come back on the same session, or closes it", async () => {
    const raw = await Raw.enter(server, alice);
    raw.send("41");
    if (!raw.isClosed) raw.send(`40${JSON.stringify({ token: alice.token })}`);
    await Promise.race([raw.next("40"), raw.closed()]);
    raw.close();
  });
});

describe("events", () => {
  it("are acknowledged under their number, however large", async () => {
    const raw = await Raw.enter(server, alice);
    for (const id of ["0", "7", "456", "4294967296", "9007199254740991"]) {
      raw.send(`42${id}${PRESENCE}`);
      assert.match(await raw.next("43"), new RegExp(`^43${id}\\[\\{"status":"success"`));
    }
    raw.close();
  });

  it("need no acknowledgement", async () => {
    const raw = await Raw.enter(server, alice);
    raw.send(`42${PRESENCE}`);
    raw.send(`429${PRESENCE}`);
    assert.match(await raw.next("43"), /^439\[/);
    raw.close();
  });

  it("may name the main namespace", async () => {
    const raw = await Raw.enter(server, alice);
    raw.send(`42/,5${PRESENCE}`);
    assert.match(await raw.next("43"), /^435\[/);
    raw.close();
  });

  it("with binary attachments are refused, and the connection goes on", async () => {
    const raw = await Raw.enter(server, alice);
    raw.send('452-789["message:send",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    raw.send(Buffer.from([1, 2, 3]));
    raw.send(Buffer.from([4, 5, 6]));
    const refusal = JSON.parse((await raw.next("43789")).slice(5))[0];
    assert.equal(refusal.status, "error");
    raw.send(`421${PRESENCE}`);
    await raw.next("431");
    raw.close();
  });

  const invalid = {
    "an unknown packet type": "4abc",
    "a payload that is no array": "42{}",
    "a payload that is cut off": '421["presence",',
    "a payload without a name": "421[]",
    "a name that is no text": "421[{}]",
    "an acknowledgement number that is no number": `42abc${PRESENCE}`,
    "an empty packet": "4",
  };
  for (const [what, packet] of Object.entries(invalid)) {
    it(`end the session: ${what}`, async () => {
      const raw = await Raw.enter(server, alice);
      raw.send(packet);
      await raw.closed();
    });
  }

  it("acknowledgements that nobody waits for are ignored", async () => {
    const raw = await Raw.enter(server, alice);
    raw.send("4312[]");
    raw.send(`421${PRESENCE}`);
    await raw.next("431");
    raw.close();
  });
});
