// Links into groups, against the real server.

import { afterAll, beforeAll, expect, test } from "vitest";

import {
  type Client,
  createClient,
  createInvite,
  joinByInvite,
  limits,
  listInvites,
  lookAtInvite,
  memoryStorage,
  revokeInvite,
} from "../../src/index.js";
import { BadProxy } from "../support/proxy.js";
import { people, Server, tokenOf } from "../support/server.js";
import { until } from "../support/wait.js";

let server: Server;
let proxy: BadProxy;
const open: Client[] = [];

beforeAll(async () => {
  server = await Server.start();
  proxy = await BadProxy.start(() => Number(new URL(server.url).port));
});

afterAll(async () => {
  for (const client of open) await client.stop();
  await proxy.close();
  await server.close();
});

async function online(userId: string): Promise<Client> {
  const auth = () => tokenOf(userId);
  const made = createClient({ url: proxy.url, userId, auth, storage: memoryStorage() });
  open.push(made);
  await made.start();
  await until(() => made.connection.get().phase === "online", "a connection");
  return made;
}

/** Ada's group of herself and Bob, and Cat who is not in it. */
async function group() {
  const ids = await people(server, "ada", "bob", "cat");
  const [a, b, c] = await Promise.all(ids.map(online));
  if (a === undefined || b === undefined || c === undefined) throw new Error("three people");
  const participants = [b.userId];
  const { thread } = await a.actions.createOrGet({
    participants,
    thread_type: "group",
    title: "Boats",
    distinct: false,
  });
  return { a, b, c, id: thread.id };
}

/** Whoever joined, as the log of the group says. */
async function joinsOf(one: Client, thread_id: string): Promise<(string | null | undefined)[]> {
  const path = `/api/chat/threads/${thread_id}/entries?after_rev=0`;
  type Page = { entries: { type: string; actor_id?: string | null }[] };
  const { entries } = await server.call<Page>(one.userId, "GET", path);
  return entries.filter(({ type }) => type === "participants_added").map((it) => it.actor_id);
}

test("p_invite_2 p_invite_3: a link has its bounds, is listed, and shows the group but nobody of it", async () => {
  const { a, c, id } = await group();
  const made = await createInvite(a, id, { uses_max: 2, expires_in_minutes: 60 });
  expect(made).toMatchObject({ thread_id: id, uses: 0, uses_max: 2, created_by: a.userId });
  expect(Date.parse(made.expires_at ?? "") - Date.parse(made.created_at)).toBe(60 * 60_000);
  const free = await createInvite(a, id);
  expect([free.uses_max ?? null, free.expires_at ?? null]).toEqual([null, null]);
  expect(await listInvites(a, id)).toEqual([free, made]);
  const sight = await lookAtInvite(c, made.token);
  expect({ ...sight, thread_id: sight.thread_id ?? null }).toEqual({
    title: "Boats",
    participant_count: 2,
    thread_id: null,
  });
  expect((await lookAtInvite(a, made.token)).thread_id).toBe(id);
  expect((await listInvites(a, id)).map((each) => each.uses)).toEqual([0, 0]);
});

test("p_invite_2: bounds that no link has are refused, and so is who may not add people", async () => {
  const { a, b, c, id } = await group();
  for (const bounds of [
    { uses_max: 0 },
    { uses_max: limits.INVITE_USES_MAX + 1 },
    { expires_in_minutes: limits.INVITE_MINUTES_MIN - 1 },
    { expires_in_minutes: limits.INVITE_MINUTES_MAX + 1 },
  ]) {
    await expect(createInvite(a, id, bounds)).rejects.toMatchObject({ code: "invalid_request" });
  }
  for (const made of [
    createInvite(a, id, { uses_max: limits.INVITE_USES_MAX }),
    createInvite(a, id, { expires_in_minutes: limits.INVITE_MINUTES_MIN }),
    createInvite(a, id, { expires_in_minutes: limits.INVITE_MINUTES_MAX }),
  ]) {
    expect((await made).uses).toBe(0);
  }
  await expect(createInvite(b, id)).rejects.toMatchObject({ code: "forbidden" });
  // Who may not add sees the links that they made themselves.
  expect(await listInvites(b, id)).toEqual([]);
  await expect(createInvite(c, id)).rejects.toMatchObject({ code: "not_found" });
});

test("p_invite_5: who joins is in it, and those who are see it; again uses nothing", async () => {
  const { a, b, c, id } = await group();
  const { token } = await createInvite(a, id, { uses_max: 1 });
  const joined = await joinByInvite(c, token);
  expect([joined.thread.id, joined.joined]).toEqual([id, true]);
  for (const one of [a, b, c]) {
    const count = () =>
      one.threads.get().find((item) => item.thread?.id === id)?.thread?.participant_count;
    await until(() => count() === 3, "three people");
  }
  const message = await c.send({ thread_id: id }, "hello from a link").stored();
  await until(
    () => b.threads.get().some((item) => item.thread?.last_message?.id === message.id),
    "the message",
  );
  expect((await joinByInvite(c, token)).joined).toBe(false);
  expect((await listInvites(a, id))[0]?.uses).toBe(1);
});

test("p_invite_5 story_c10: the answer to joining is lost: the repeat joins nobody twice", async () => {
  const { a, c, id } = await group();
  const { token } = await createInvite(a, id, { uses_max: 5 });
  const losing = proxy.loseAnswers(300);
  const joining = joinByInvite(c, token);
  await losing;
  // The repeat has the first answer: with another key it would say that she is in already.
  expect(await joining).toMatchObject({ joined: true, thread: { id } });
  expect((await listInvites(a, id))[0]?.uses).toBe(1);
  expect(await joinsOf(a, id)).toEqual([c.userId]);
});

test("p_invite_1: the answer to making is lost: the repeat has the one link that was made", async () => {
  const { a, c, id } = await group();
  const losing = proxy.loseAnswers(300);
  const making = createInvite(a, id, { uses_max: 3 });
  await losing;
  const made = await making;
  expect((await listInvites(a, id)).map((each) => each.id)).toEqual([made.id]);
  expect((await lookAtInvite(c, made.token)).title).toBe("Boats");
});

test("p_invite_4 p_invite_5: revoked also when the answer is lost; used up or made up leads nowhere", async () => {
  const { a, b, c, id } = await group();
  const made = await createInvite(a, id);
  const losing = proxy.loseAnswers(300);
  const revoking = revokeInvite(a, id, made.id);
  await losing;
  await revoking;
  expect(await listInvites(a, id)).toEqual([]);
  await expect(revokeInvite(a, id, made.id)).rejects.toMatchObject({ code: "not_found" });
  const used = await createInvite(a, id, { uses_max: 1 });
  const dan = await online((await people(server, "dan"))[0] ?? "");
  await joinByInvite(dan, used.token);
  for (const token of [made.token, used.token, "x".repeat(43), ""]) {
    await expect(lookAtInvite(c, token)).rejects.toMatchObject({ code: "not_found" });
    await expect(joinByInvite(c, token)).rejects.toMatchObject({ code: "not_found" });
  }
  // Those who may not add people learn nothing of links, and revoke none.
  await expect(revokeInvite(b, id, used.id)).rejects.toMatchObject({ code: "forbidden" });
});

test("p_invite_6: whom somebody took out no link brings back", async () => {
  const { a, b, id } = await group();
  const { token } = await createInvite(a, id);
  await a.actions.remove(id, b.userId);
  await expect(lookAtInvite(b, token)).rejects.toMatchObject({ code: "forbidden" });
  await expect(joinByInvite(b, token)).rejects.toMatchObject({ code: "forbidden" });
});
