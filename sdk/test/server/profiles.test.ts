// Profiles that change while others look, and while they are away.

import { afterAll, beforeAll, expect, test } from "vitest";

import { MemoryDatabase } from "../../src/database/memory.js";
import { Value } from "../../src/emitter.js";
import { createClient, type Storage } from "../../src/index.js";
import { alone } from "../../src/tabs/port.js";
import { people, Server, tokenOf } from "../support/server.js";
import { until } from "../support/wait.js";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  await server.close();
});

/** What a device keeps while its program does not run. */
function kept(): Storage {
  const database = new MemoryDatabase();
  return {
    open: () => ({
      database,
      tabs: alone(),
      keptIn: new Value({ type: "memory", reason: "chosen" } as const),
    }),
    remove: async () => {},
  };
}

function client(userId: string, storage: Storage = kept()) {
  return createClient({ url: server.url, userId, auth: () => tokenOf(userId), storage });
}

test("p_profile_1 p_profile_3: a changed name is there without news, at once and after having been away", async () => {
  const [ada = "", bob = ""] = await people(server, "ada", "bob");
  const storage = kept();
  const [a, b] = [client(ada), client(bob, storage)];
  await Promise.all([a.start(), b.start()]);
  await a.send({ user_id: bob }, "hello").stored();
  const item = (of = b) => of.threads.get()[0];
  const names = (of = b) => item(of)?.thread?.participants.map((one) => one.display_name);
  await until(() => item()?.lastMessage !== undefined, "bob's list");
  const rev = item()?.thread?.last_rev;

  await a.actions.changeProfile({ display_name: "Ada Lovelace" });
  await until(() => item()?.title === "Ada Lovelace", "the title");
  expect(names()).toContain("Ada Lovelace");
  await until(() => b.contacts.get()[0]?.user.display_name === "Ada Lovelace", "the contact");

  await b.stop();
  await a.actions.changeProfile({ display_name: "Countess of Lovelace" });
  const again = client(bob, storage);
  await again.start();
  await until(() => item(again)?.title === "Countess of Lovelace", "the title after being away");
  expect(names(again)).toContain("Countess of Lovelace");
  expect(item(again)?.thread?.last_rev).toBe(rev);
  await Promise.all([a.stop(), again.stop()]);
});
