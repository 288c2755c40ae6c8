// IndexedDB, Web Locks, BroadcastChannel and React as they really are.

import type { BrowserContext, Page as Tab } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import type { Message } from "../../src/protocol/wire.js";
import { people, Server, tokenOf } from "../support/server.js";
import { until } from "../support/wait.js";
import { Browsers, call } from "./browser.js";

let browsers: Browsers;
let server: Server;
let context: BrowserContext;
let ada: string;
let bob: string;

beforeAll(async () => {
  browsers = await Browsers.start();
});

afterAll(async () => {
  await browsers.close();
});

beforeEach(async () => {
  // A page of one origin asks a server of another one.
  server = await Server.start({ SEMEL_ALLOWED_ORIGINS: browsers.origin });
  [ada = "", bob = ""] = await people(server, "ada", "bob");
  context = await browsers.browser.newContext();
  return async () => {
    await context.close();
    await server.close();
  };
});

async function start(tab: Tab, userId = ada, url = server.url): Promise<void> {
  await call(tab, "start", { url, userId, token: tokenOf(userId) });
}

async function contents(): Promise<string[]> {
  const participants = [bob];
  type Found = { thread: { id: string } | null };
  const asked = { participants, thread_type: "direct" };
  const { thread } = await server.call<Found>(
    ada,
    "POST",
    "/api/chat/check-existing-thread",
    asked,
  );
  if (thread === null) return [];
  const path = `/api/chat/threads/${thread.id}/messages?limit=200`;
  const { messages } = await server.call<{ messages: Message[] }>(ada, "GET", path);
  return messages.map((message) => message.content);
}

test("req_b7: two tabs of one outbox: one leads, both show the same, everything is stored once", async () => {
  const [one, two] = [await browsers.tab(context), await browsers.tab(context)];
  await start(one);
  await start(two);
  await call(one, "open", { user_id: bob });
  await call(two, "open", { user_id: bob });
  const words = Array.from({ length: 40 }, (_, n) => `message ${n}`);
  await call(one, "sendMany", bob, words.slice(0, 20));
  await call(two, "sendMany", bob, words.slice(20));
  await until(async () => (await contents()).length === 40, "40 messages");
  const isSame = async () => {
    const rows = await Promise.all([call(one, "rows"), call(two, "rows")]);
    return rows.every((all) => all.length === 40 && all.every(({ state }) => state === "stored"));
  };
  await until(isSame, "the same rows in both tabs");
  expect(await call(one, "rows")).toEqual(await call(two, "rows"));
  expect([...(await contents())].sort()).toEqual([...words].sort());
  expect((await contents()).filter((text) => words.indexOf(text) < 20)).toEqual(words.slice(0, 20));
  expect((await call(one, "locks")).filter((name) => name?.endsWith(":leader"))).toHaveLength(1);
  expect(await call(one, "kept")).toEqual({ type: "disk" });
});

test("ec_m22 req_b7: a reload in mid-send, and a crash, lose nothing and double nothing", async () => {
  const tab = await browsers.tab(context);
  await start(tab);
  const words = Array.from({ length: 30 }, (_, n) => `message ${n}`);
  for (const word of words.slice(0, 10)) await call(tab, "send", bob, word);
  // The page goes while messages are on their way.
  await browsers.load(tab);
  await start(tab);
  for (const word of words.slice(10, 20)) await call(tab, "send", bob, word);
  const crash = tab.goto("chrome://crash").catch(() => undefined);
  await Promise.race([crash, tab.waitForEvent("crash")]);
  const again = await browsers.tab(context);
  await start(again);
  for (const word of words.slice(20)) await call(again, "send", bob, word);
  await until(async () => (await contents()).length >= 30, "30 messages");
  await until(async () => (await call(again, "waiting")) === 0, "an empty outbox");
  expect(await contents()).toEqual(words);
});

test("req_d7: what was written without a server is there after a reload, and is sent when there is one", async () => {
  const tab = await browsers.tab(context);
  await start(tab);
  await until(async () => (await call(tab, "phase")) === "online", "a connection");
  await server.kill();
  await call(tab, "send", bob, "written offline");
  await call(tab, "draft", bob, "begun");
  await browsers.load(tab);
  await start(tab);
  await call(tab, "open", { user_id: bob });
  const rows = await until(async () => (await call(tab, "rows"))[0], "the message");
  expect(rows.content).toBe("written offline");
  expect(await call(tab, "draftOf", bob)).toBe("begun");
  await server.up();
  await until(async () => (await contents()).length === 1, "the message at the server", 60_000);
  await until(async () => (await call(tab, "rows"))[0]?.state === "stored", "its tick");
  expect((await call(tab, "rows"))[0]?.key).toBe(rows.key);
});

test("the leader closes or freezes: another tab goes on", async () => {
  const [one, two] = [await browsers.tab(context), await browsers.tab(context)];
  await start(one);
  await until(async () => (await call(one, "phase")) === "online", "the first tab leads");
  await start(two);
  await call(one, "stop");
  await until(async () => (await call(two, "phase")) === "online", "the second tab leads");
  await call(two, "send", bob, "from the second tab");
  await until(async () => (await contents()).length === 1, "its message");
  const three = await browsers.tab(context);
  await start(three);
  const blocked = call(two, "block", 12_000);
  await three.bringToFront();
  await call(three, "send", bob, "while the leader is frozen");
  await until(async () => (await contents()).length === 2, "a new leader", 11_000);
  await blocked;
  expect(await contents()).toEqual(["from the second tab", "while the leader is frozen"]);
});

test("a newer program empties the cache under a tab that leads: everything is learnt anew", async () => {
  const [one, two] = [await browsers.tab(context), await browsers.tab(context)];
  await start(one);
  await call(one, "send", bob, "before the update");
  await until(async () => (await contents()).length === 1, "the message at the server");
  await until(async () => (await call(one, "waiting")) === 0, "an empty outbox");
  await until(async () => (await call(one, "count", "contacts")) === 1, "the contact");
  await call(one, "age");
  // Nobody looks at the new one: it does not take over for a leader that seems to be frozen.
  await one.bringToFront();
  await start(two);
  // Messages would come of themselves, some time; who is a contact is told by a `sync` only.
  await until(async () => (await call(two, "count", "contacts")) === 1, "the contact again");
  await call(two, "open", { user_id: bob });
  const [row] = await until(async () => {
    const rows = await call(two, "rows");
    return rows.length > 0 && rows;
  }, "what the server has");
  expect(row).toMatchObject({ content: "before the update", state: "stored" });
  await call(one, "send", bob, "from the older tab");
  await until(async () => (await call(two, "rows")).length === 2, "both messages in the new tab");
  await until(async () => (await contents()).length === 2, "both messages at the server");
  expect(await contents()).toEqual(["before the update", "from the older tab"]);
});

test("web_22: tabs whose disk is full go on by themselves: both show and send everything, once", async () => {
  const [one, two] = [await browsers.tab(context), await browsers.tab(context)];
  const { origin } = browsers;
  const tools = await context.newCDPSession(one);
  await tools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 500_000 });
  await start(one);
  await until(async () => (await call(one, "phase")) === "online", "the first tab leads");
  await start(two);
  await call(one, "open", { user_id: bob });
  await call(two, "open", { user_id: bob });
  let sent = 0;
  for (; sent < 20 && (await call(one, "kept")).type === "disk"; sent += 1)
    await call(one, "send", bob, `${sent} ${"😀".repeat(15_000)}`);
  expect(await call(one, "kept")).toEqual({ type: "memory", reason: "full" });
  await call(two, "send", bob, "from the other tab");
  sent += 1;
  const isStored = async () => {
    const rows = await Promise.all([call(one, "rows"), call(two, "rows")]);
    return rows.every((all) => all.length === sent && all.every(({ state }) => state === "stored"));
  };
  await until(isStored, "every message in both tabs");
  expect(new Set(await contents()).size).toBe(sent);
  expect(await contents()).toHaveLength(sent);
  await call(one, "signOut", "refuse");
  await until(async () => (await call(two, "phase")) === "stopped", "the other tab");
});

test("signing out removes everything, in all tabs, and not before what waits is given up", async () => {
  const [one, two] = [await browsers.tab(context), await browsers.tab(context)];
  await start(one);
  await start(two);
  await until(async () => (await call(one, "phase")) === "online", "a connection");
  await server.kill();
  await call(one, "send", bob, "not sent");
  await expect(call(one, "signOut", "refuse")).rejects.toThrow(/not sent/);
  await call(one, "signOut", "discard");
  await until(async () => (await call(two, "phase")) === "stopped", "the other tab");
  expect(await call(one, "databases")).toEqual([]);
  await server.up();
  await browsers.load(one);
  await start(one);
  await until(async () => (await call(one, "phase")) === "online", "a connection");
  expect(await contents()).toEqual([]);
});

test("story_d3 web_28: React shows a message once, as the same element from the first moment on", async () => {
  const tab = await browsers.tab(context);
  await start(tab);
  await call(tab, "react", bob);
  await call(tab, "send", bob, "Hello Bob");
  const line = tab.locator("li");
  await line.waitFor();
  const element = await line.elementHandle();
  await tab.getByText("online 1").waitFor();
  await until(async () => (await contents()).length === 1, "the message at the server");
  expect(await line.count()).toBe(1);
  expect(await element?.evaluate((node) => node.isConnected && node.textContent)).toBe("Hello Bob");
});
