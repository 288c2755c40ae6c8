// A message that is known by its id only.

import { expect, test } from "vitest";
import { replicaOf } from "../../src/client/contexts.js";
import { LOOKUPS_MAX } from "../../src/client/lookup.js";
import { createClient, lookUp, memoryStorage, type Network, SemelError } from "../../src/index.js";
import type { Message } from "../../src/protocol/wire.js";
import { changeOf } from "../../src/tabs/news.js";
import { until } from "../support/wait.js";

/** A server that knows a message by each id, and counts how often it is asked. */
function world() {
  const asked: string[] = [];
  const state = { isAway: false, content: "words" };
  const network: Network = {
    connect: async () => ({ ask: () => new Promise(() => {}), close: () => {} }),
    call: async <T>(_: string, { query }: { query?: Readonly<Record<string, unknown>> }) => {
      const id = String(query?.["around_id"]);
      asked.push(id);
      if (state.isAway) throw new SemelError("network", "away");
      const message = { id, seq: 7, thread_id: "t", content: state.content } as Message;
      return { messages: id === "nobody" ? [] : [message] } as T;
    },
  };
  const storage = memoryStorage();
  const client = createClient({ url: "http://x", userId: "me", auth: () => "t", storage, network });
  return { asked, state, client };
}

test("is asked for once while somebody listens, whoever they are, and not before", async () => {
  const { asked, client } = world();
  const found = lookUp(client, "t", "a");
  expect(found.get().state).toBe("looking");
  const ends = [found, lookUp(client, "t", "a")].map((one) => one.subscribe(() => {}));
  await until(() => found.get().state === "found", "the message");
  for (const end of ends) end();
  lookUp(client, "t", "a").subscribe(() => {})();
  expect(asked).toEqual(["a"]);
});

test("follows what becomes of it, and stays as it was when that cannot be had", async () => {
  const { asked, state, client } = world();
  const found = lookUp(client, "t", "a");
  found.subscribe(() => {});
  await until(() => found.get().state === "found", "the message");
  state.content = "other words";
  await replicaOf(client).refresh(changeOf("t", [{ seq: 8 }]));
  await replicaOf(client).refresh(changeOf("other", [{ seq: 7 }]));
  expect(asked).toEqual(["a"]);
  await replicaOf(client).refresh(changeOf("t", [{ seq: 7 }]));
  await until(() => found.get().message?.content === "other words", "the change");
  state.isAway = true;
  await replicaOf(client).refresh(changeOf("t", [{ seq: 7 }]));
  await until(() => asked.length === 3, "another look");
  expect(found.get()).toMatchObject({ state: "found", message: { content: "other words" } });
});

test("that is nobody's to see is gone; what cannot be had is missing", async () => {
  const { state, client } = world();
  const nobody = lookUp(client, "t", "nobody");
  nobody.subscribe(() => {});
  await until(() => nobody.get().state === "gone", "an answer");
  state.isAway = true;
  const missing = lookUp(client, "t", "a");
  missing.subscribe(() => {});
  await until(() => missing.get().state === "missing", "an answer");
});

test("is remembered, of 256 that nobody listens to the newest", async () => {
  const { asked, client } = world();
  const look = async (id: string) => {
    const one = lookUp(client, "t", id);
    const end = one.subscribe(() => {});
    await until(() => one.get().state === "found", "the message");
    end();
  };
  for (let n = 0; n < LOOKUPS_MAX; n += 1) await look(`${n}`);
  await look("0");
  expect(asked.length).toBe(LOOKUPS_MAX);
  await look("one more");
  await look("1");
  expect(asked.length).toBe(LOOKUPS_MAX + 1);
  await look("0");
  expect(asked.slice(-2)).toEqual(["one more", "0"]);
});
