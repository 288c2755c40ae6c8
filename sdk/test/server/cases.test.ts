// What a client can cause or suffer (edge cases, and reports about other chat systems), against the real server.

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type Client, createClient, lookUp, memoryStorage } from "../../src/index.js";
import type { Message, Thread } from "../../src/protocol/wire.js";
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

function client(userId: string, token = () => tokenOf(userId)): Client {
  const made = createClient({ url: proxy.url, userId, auth: token, storage: memoryStorage() });
  open.push(made);
  return made;
}

async function online(userId: string): Promise<Client> {
  const made = client(userId);
  await made.start();
  await until(() => made.connection.get().phase === "online", "a connection");
  return made;
}

async function messagesOf(userId: string, thread_id: string): Promise<Message[]> {
  const path = `/api/chat/threads/${thread_id}/messages?limit=200`;
  return (await server.call<{ messages: Message[] }>(userId, "GET", path)).messages;
}

async function post(userId: string, thread_id: string, content: string): Promise<Message> {
  const body = { client_id: crypto.randomUUID(), content };
  const path = `/api/chat/threads/${thread_id}/messages`;
  return (await server.call<{ message: Message }>(userId, "POST", path, body)).message;
}

async function direct(one: string, other: string): Promise<string> {
  const body = { participants: [other] };
  return (await server.call<{ thread: Thread }>(one, "POST", "/api/chat/create-or-get", body))
    .thread.id;
}

describe("sending", () => {
  test("ec_m05: the same words twice are two messages", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const me = await online(ada);
    const sent = [me.send({ user_id: bob }, "ok"), me.send({ user_id: bob }, "ok")];
    const [one, two] = await Promise.all(sent.map((each) => each.stored()));
    expect([one?.seq, two?.seq]).toEqual([1, 2]);
  });

  test("ec_m01 ec_m08: the same client id, later and from another device, is the same message", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const [laptop, phone] = [await online(ada), await online(ada)];
    const client_id = crypto.randomUUID();
    const one = await laptop.send({ user_id: bob }, "hello", { client_id }).stored();
    const two = await phone.send({ user_id: bob }, "hello", { client_id }).stored();
    expect(two.id).toBe(one.id);
    expect(await messagesOf(ada, one.thread_id)).toHaveLength(1);
  });

  test("ec_m02: a client id that is spent fails, and goes with a new one when it is tried again", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const [laptop, phone] = [await online(ada), await online(ada)];
    const client_id = crypto.randomUUID();
    const { thread_id } = await laptop.send({ user_id: bob }, "hello", { client_id }).stored();
    const other = phone.send({ user_id: bob }, "other words", { client_id });
    await expect(other.stored()).rejects.toMatchObject({ code: "client_id_reused" });
    expect(phone.outbox.get().failures[0]?.code).toBe("client_id_reused");
    const fresh = await phone.retry(client_id);
    expect(fresh).not.toBe(client_id);
    await until(async () => (await messagesOf(ada, thread_id)).length === 2, "both messages");
    expect(phone.outbox.get()).toMatchObject({ waiting: 0, failed: 0 });
  });

  test("ec_m16 story_d16: a message that is refused takes no number, and does not keep others waiting", async () => {
    const [ada = "", bob = "", cat = ""] = await people(server, "ada", "bob", "cat");
    const body = { participants: [ada, bob, cat], thread_type: "group", distinct: false };
    const { thread } = await server.call<{ thread: Thread }>(
      bob,
      "POST",
      "/api/chat/create-or-get",
      body,
    );
    await server.call(bob, "PATCH", `/api/chat/threads/${thread.id}`, {
      settings: { posting: "admins" },
    });
    const me = await online(ada);
    const refused = me.send({ thread_id: thread.id }, "may I?");
    const other = me.send({ user_id: bob }, "to somebody else");
    await expect(refused.stored()).rejects.toMatchObject({ code: "forbidden", retryable: false });
    await other.stored();
    const timeline = me.openTimeline({ thread_id: thread.id });
    const row = await until(
      () => timeline.get().rows.find(({ state }) => state === "failed"),
      "the row",
    );
    expect(row.failure?.code).toBe("forbidden");
    // New words are sent at once, under the same client id, because nothing was stored.
    const failed = (content: string) =>
      timeline
        .get()
        .rows.some(({ state, message }) => state === "failed" && message.content === content);
    await me.edit({ client_id: refused.client_id }, "may I now?");
    await until(() => failed("may I now?"), "another refusal");
    await server.call(bob, "PATCH", `/api/chat/threads/${thread.id}`, {
      settings: { posting: "everyone" },
    });
    await me.edit({ client_id: refused.client_id }, "now I may");
    const isThere = async () => (await messagesOf(bob, thread.id)).at(-1)?.content === "now I may";
    await until(isThere, "the message");
    expect((await messagesOf(bob, thread.id)).map(({ seq }) => seq)).toEqual([1]);
  });

  test("too long or empty: refused before anything is kept", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const me = client(ada);
    const long = "x".repeat(16_001);
    expect(() => me.send({ user_id: bob }, long)).toThrow(/16000 characters/);
    expect(() => me.send({ user_id: bob }, "€".repeat(15_000) + "𝄞".repeat(1_000))).not.toThrow();
    expect(() => me.send({ user_id: bob }, "𝄞".repeat(16_000))).not.toThrow();
    expect(() => me.send({ user_id: bob }, "  \n")).toThrow(/needs words/);
  });

  test("ec_m10: a token that ran out is replaced, and the message is stored once", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const reasons: string[] = [];
    const me = createClient({
      url: server.url,
      userId: ada,
      storage: memoryStorage(),
      auth: (reason) => {
        reasons.push(reason);
        return tokenOf(ada, reason === "needed" ? -60 : 3_600);
      },
    });
    open.push(me);
    await me.start();
    const { thread_id } = await me.send({ user_id: bob }, "hello").stored();
    expect(reasons).toEqual(["needed", "refused"]);
    expect(await messagesOf(ada, thread_id)).toHaveLength(1);
  });

  test("story_d1 story_d3: the answer is lost after the commit: the repeat gets the first message", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const me = await online(ada);
    const losing = proxy.loseAnswers(300);
    const sent = me.send({ user_id: bob }, "hello");
    await losing;
    const message = await sent.stored();
    expect(await messagesOf(ada, message.thread_id)).toHaveLength(1);
  });

  test("web_27: what is edited before it is sent is one message, not marked as edited", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const me = client(ada);
    const sent = me.send({ user_id: bob }, "helo");
    await me.edit({ client_id: sent.client_id }, "hello");
    const other = me.send({ user_id: bob }, "never said");
    await me.remove({ client_id: other.client_id });
    await me.start();
    const message = await sent.stored();
    expect(message).toMatchObject({ content: "hello", edited_at: null });
    expect(await messagesOf(ada, message.thread_id)).toHaveLength(1);
  });

  test("ec_m04: a message that is deleted while it is on its way ends as a tombstone, once", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const me = await online(ada);
    const losing = proxy.loseAnswers(300);
    const sent = me.send({ user_id: bob }, "hello");
    await sent.kept;
    const timeline = me.openTimeline({ user_id: bob });
    await until(() => timeline.get().rows[0]?.state === "sending", "it is on its way");
    await me.remove({ client_id: sent.client_id });
    await losing;
    const { thread_id } = await until(
      () => me.threads.get()[0]?.thread?.last_message ?? undefined,
      "the thread",
    );
    await until(async () => (await messagesOf(ada, thread_id))[0]?.deleted_at, "the tombstone");
    expect(await messagesOf(ada, thread_id)).toHaveLength(1);
  });
});

describe("threads", () => {
  test("ec_v01 req_d4 story_c4: two people write to each other at the same moment: one thread", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const [a, b] = [await online(ada), await online(bob)];
    const [one, two] = await Promise.all([
      a.send({ user_id: bob }, "hi bob").stored(),
      b.send({ user_id: ada }, "hi ada").stored(),
    ]);
    expect(one.thread_id).toBe(two.thread_id);
    const byPerson = a.openTimeline({ user_id: bob });
    const byThread = a.openTimeline({ thread_id: one.thread_id });
    await until(() => byPerson.get().rows.length === 2 && byThread.get().rows.length === 2, "both");
    expect(byPerson.get().rows.map((row) => row.key)).toEqual(
      byThread.get().rows.map((row) => row.key),
    );
    expect(a.threads.get()).toHaveLength(1);
  });

  test("ec_v04 story_c7: notes to oneself are one thread, also under one's own name", async () => {
    const [ada = ""] = await people(server, "ada");
    const me = await online(ada);
    const one = await me.send({ self: true }, "milk").stored();
    const two = await me.send({ user_id: ada }, "bread").stored();
    expect(two.thread_id).toBe(one.thread_id);
  });
});

describe("coming back", () => {
  test("story_l4 story_l6 req_b5: 300 messages, edits, deletions and reactions of an absence are there, once, in order", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const thread_id = await direct(ada, bob);
    const first = await post(bob, thread_id, "first");
    const me = await online(ada);
    const timeline = me.openTimeline({ thread_id });
    await until(() => timeline.get().rows.length === 1, "the first message");
    await server.kill();
    await server.up();
    for (let number = 0; number < 300; number += 1) await post(bob, thread_id, `message ${number}`);
    const path = `/api/chat/threads/${thread_id}/messages`;
    await server.call(bob, "PATCH", `${path}/${first.id}`, { content: "edited" });
    await server.call(bob, "PUT", `${path}/${first.id}/reactions/%F0%9F%91%8D`);
    me.wake();
    await until(() => timeline.get().rows.length === 301, "everything", 30_000);
    const reactions = () => timeline.get().rows[0]?.message.reactions[0]?.count;
    await until(() => reactions() === 1, "the reaction");
    expect(timeline.get().rows[0]?.message.content).toBe("edited");
    expect(timeline.get().rows.map(({ message }) => message.seq)).toEqual(
      Array.from({ length: 301 }, (_, n) => n + 1),
    );
    expect(timeline.get().unreadCount).toBe(301);
  });

  test("history is loaded in pages without a hole, from the end, from anywhere, and over a gap between", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const thread_id = await direct(ada, bob);
    for (let number = 1; number <= 400; number += 1)
      await post(bob, thread_id, `message ${number}`);
    const me = await online(ada);
    const timeline = me.openTimeline({ thread_id });
    await until(() => timeline.get().rows.length > 0, "the newest page");
    const seqs = () => timeline.get().rows.map((row) => row.message.seq);
    const isWhole = () => {
      const all = seqs();
      return all.every((seq, n) => seq === (all[0] ?? 0) + n);
    };
    expect(seqs().at(-1)).toBe(400);
    expect(timeline.get()).toMatchObject({
      older: "more",
      newer: "end",
      isLive: true,
      firstUnreadSeq: 1,
    });
    await timeline.jumpTo(100);
    expect(timeline.get().isLive).toBe(false);
    expect(seqs()).toContain(100);
    expect(isWhole()).toBe(true);
    // What comes now does not appear in the middle of history.
    await post(bob, thread_id, "message 401");
    await until(() => timeline.get().thread?.last_seq === 401, "the newest message");
    expect(seqs()).not.toContain(401);
    for (let page = 0; page < 20 && timeline.get().newer !== "end"; page += 1)
      await timeline.loadNewer();
    expect([seqs().at(-1), timeline.get().isLive, isWhole()]).toEqual([401, true, true]);
    for (let page = 0; page < 20 && timeline.get().older !== "end"; page += 1)
      await timeline.loadOlder();
    expect([seqs()[0], seqs().length, isWhole()]).toEqual([1, 401, true]);
    await timeline.jumpToLatest();
    expect(seqs().at(-1)).toBe(401);
    const hits = await me.search("MESSAGE 17", { thread_id, limit: 3 });
    expect(hits.map((hit) => hit.content)).toEqual(["message 317", "message 217", "message 179"]);
  });

  test("what a message answers is found however far back it is, and follows its changes", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const thread_id = await direct(ada, bob);
    const first = await post(bob, thread_id, "the first one");
    for (let number = 2; number <= 150; number += 1)
      await post(bob, thread_id, `message ${number}`);
    const me = await online(ada);
    const timeline = me.openTimeline({ thread_id });
    await until(() => timeline.get().rows.length > 0, "the newest page");
    const far = lookUp(me, thread_id, first.id);
    const end = far.subscribe(() => {});
    await until(() => far.get().message?.content === "the first one", "the message");
    // It is not among what the device holds, and its changes arrive all the same.
    const path = `/api/chat/threads/${thread_id}/messages/${first.id}`;
    await server.call(bob, "PATCH", path, { content: "other words" });
    await until(() => far.get().message?.content === "other words", "the change");
    await server.call(bob, "DELETE", path);
    await until(() => Boolean(far.get().message?.deleted_at), "the tombstone");
    end();
    await timeline.jumpTo(first.seq);
    expect(timeline.get().rows.some((row) => row.message.id === first.id)).toBe(true);
    const newest = timeline.get().thread?.last_message?.id ?? "";
    const near = lookUp(me, thread_id, newest);
    near.subscribe(() => {})();
    await until(() => near.get().state === "found", "the newest");
    const none = lookUp(me, thread_id, crypto.randomUUID());
    none.subscribe(() => {});
    await until(() => none.get().state === "gone", "an answer");
  });

  test("without the server, what is not held is said to be missing, and is there when it is back", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const thread_id = await direct(ada, bob);
    for (let number = 1; number <= 200; number += 1)
      await post(bob, thread_id, `message ${number}`);
    const me = await online(ada);
    const timeline = me.openTimeline({ thread_id });
    await until(() => timeline.get().rows.length > 0, "the newest page");
    await server.kill();
    await timeline.jumpTo(1);
    expect(timeline.get()).toMatchObject({ older: "missing", error: { code: "network" } });
    await server.up();
    await timeline.jumpTo(1);
    expect(timeline.get().rows[0]?.message.seq).toBe(1);
  }, 90_000);
});

describe("people", () => {
  test("req_d3 req_d6: contacts, presence and typing are live", async () => {
    const [ada = "", bob = ""] = await people(server, "ada", "bob");
    const [a, b] = [await online(ada), await online(bob)];
    const { thread_id } = await a.send({ user_id: bob }, "hello").stored();
    await until(() => b.contacts.get().some((item) => item.user.user_id === ada), "the contact");
    const presence = a.presence(bob);
    const end = presence.subscribe(() => {});
    await until(() => presence.get()?.online === true, "bob is there");
    b.setTyping(thread_id);
    await until(() => a.typing(thread_id).get().includes(bob), "bob types");
    await b.stop();
    await until(() => presence.get()?.online === false, "bob is gone", 30_000);
    end();
  });

  test("req_d5 req_a11: groups through the SDK: made, renamed, people added, left", async () => {
    const [ada = "", bob = "", cat = ""] = await people(server, "ada", "bob", "cat");
    const [a, c] = [await online(ada), await online(cat)];
    const asked = {
      participants: [bob],
      thread_type: "group",
      title: "Boats",
      distinct: false,
    } as const;
    const { thread } = await a.actions.createOrGet(asked);
    await until(() => a.threads.get().some((item) => item.thread?.id === thread.id), "the group");
    await a.actions.expand(thread.id, [cat], { message_content: "welcome" });
    await until(() => c.threads.get()[0]?.thread?.participant_count === 3, "the group at cat's");
    await a.actions.change(thread.id, { title: "Ships" });
    await until(() => c.threads.get()[0]?.title === "Ships", "the title");
    await c.actions.leave(thread.id);
    await until(() => c.threads.get().length === 0, "cat left");
    await until(() => a.threads.get()[0]?.thread?.participant_count === 2, "cat is gone");
  });

  test("p_picture_4: a picture is uploaded, and somebody has it", async () => {
    const [ada = ""] = await people(server, "ada");
    const me = await online(ada);
    const pixel =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
    const bytes = Uint8Array.from(atob(pixel), (letter) => letter.charCodeAt(0));
    const picture = new Blob([bytes], { type: "image/png" });
    const uploaded = await me.actions.uploadPicture(picture);
    expect(uploaded).toMatchObject({ width: 1, height: 1 });
    const changed = await me.actions.changeProfile({ picture: uploaded.picture });
    expect(changed.picture).toBe(uploaded.picture);
    const shown = await fetch(`${server.url}${uploaded.picture}`);
    expect(shown.headers.get("content-type")).toBe("image/jpeg");
    await expect(me.actions.uploadPicture(new Blob(["<svg/>"]))).rejects.toMatchObject({
      code: "invalid_request",
    });
  });
});
