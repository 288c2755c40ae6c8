// State + events = state: what the SDK makes of entries is what the server says the thread is.

import { afterAll, beforeAll, expect, test } from "vitest";

import { moved, type Onlooker, reduce } from "../../src/log/reduce.js";
import type { Entry, Message, Thread } from "../../src/protocol/wire.js";
import { dice } from "../model/clock.js";
import { people, Server, tokenOf } from "../support/server.js";

const SEED = Number(process.env["SEMEL_SDK_SEED"] ?? 1);
let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  await server.close();
});

test("req_b4: every action's entries lead from the old state to the new one", async () => {
  const random = dice(SEED);
  const ids = await people(server, "ada", "bob", "cat", "dan", "eve");
  const [ada = "", bob = ""] = ids;
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  const body = { participants: ids.slice(0, 3), thread_type: "group", distinct: false };
  type Made = { thread: Thread };
  const { thread: made } = await server.call<Made>(ada, "POST", "/api/chat/create-or-get", body);
  const path = `/api/chat/threads/${made.id}`;
  const get = async (who: string) =>
    (await server.call<{ thread: Thread }>(who, "GET", path)).thread;
  const pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
  const upload = await fetch(`${server.url}/api/pictures`, {
    method: "POST",
    headers: { authorization: `Bearer ${tokenOf(ada)}` },
    body: Uint8Array.from(atob(pixel), (letter) => letter.charCodeAt(0)),
  });
  const uploaded = (await upload.json()) as { data: { picture: string } };
  const messages: Message[] = [];
  const say = async () => {
    const body = { client_id: crypto.randomUUID(), content: `message ${messages.length}` };
    const { message } = await server.call<{ message: Message }>(
      pick([ada, bob]),
      "POST",
      `${path}/messages`,
      body,
    );
    messages.push(message);
  };
  await say();
  const about = () => pick(messages.filter((message) => !message.deleted_at));
  const actions: Record<string, () => Promise<unknown>> = {
    say,
    edit: async () => {
      const { id, sender_id } = about();
      await server.call(sender_id, "PATCH", `${path}/messages/${id}`, {
        content: `edited ${random()}`,
      });
    },
    react: () =>
      server.call(pick([ada, bob]), "PUT", `${path}/messages/${about().id}/reactions/%F0%9F%91%8D`),
    remove: async () => {
      await say();
      const message = messages.pop();
      await server.call(message?.sender_id ?? "", "DELETE", `${path}/messages/${message?.id}`);
    },
    title: () => server.call(ada, "PATCH", path, { title: pick(["", "A title", "Another"]) }),
    settings: () =>
      server.call(ada, "PATCH", path, {
        settings: { adding: pick(["everyone", "admins"]), naming: pick(["everyone", "admins"]) },
      }),
    description: () => server.call(ada, "PATCH", path, { description: pick(["", "What\nit is"]) }),
    picture: () => server.call(ada, "PATCH", path, { picture: pick(["", uploaded.data.picture]) }),
    expand: () => server.call(ada, "POST", `${path}/expand`, { new_participants: [pick(ids)] }),
    leave: async () => {
      const other = (await get(ada)).participants.find(
        (one) => one.user_id !== ada && one.user_id !== bob,
      );
      if (other !== undefined)
        await server.call(ada, "DELETE", `${path}/participants/${other.user_id}`);
    },
    role: () =>
      server.call(ada, "POST", `${path}/participants/${bob}/role`, {
        role: pick(["admin", "participant"]),
      }),
  };
  const names = Object.keys(actions);
  for (let step = 0; step < 80; step += 1) {
    const name = step < names.length ? names[step] : pick(names);
    const before = { ada: await get(ada), bob: await get(bob) };
    await actions[name ?? "say"]?.();
    for (const [who, old] of [
      [ada, before.ada],
      [bob, before.bob],
    ] as const) {
      const query = `after_rev=${old.last_rev}`;
      const { entries } = await server.call<{ entries: Entry[] }>(
        who,
        "GET",
        `${path}/entries?${query}`,
      );
      const onlooker: Onlooker = { me: who, nameOf: (id) => `Name of ${id}` };
      let now = entries.reduce((thread, entry) => reduce(thread, entry, onlooker), old);
      const fresh = await get(who);
      // Positions come as events of their own.
      for (const one of fresh.participants) now = moved(now, one.user_id, one, who);
      expect(now, `${name} as ${who}`).toEqual(fresh);
    }
  }
});
