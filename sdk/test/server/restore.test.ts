// A real backup put in the place of the database: what was acknowledged since is offered again.

import { join } from "node:path";

import { expect, test } from "vitest";

import { MemoryDatabase } from "../../src/database/memory.js";
import type { Message } from "../../src/protocol/wire.js";
import { Life } from "../support/mortal.js";
import { people, Server } from "../support/server.js";
import { until } from "../support/wait.js";

test("p_sync_4: a server that was restored from a backup gets back what it had acknowledged, once, in order", async () => {
  const server = await Server.start();
  const [ada = "", bob = "", cat = ""] = await people(server, "ada", "bob", "cat");
  const { client } = new Life(server.url, ada, new MemoryDatabase());
  await client.start();
  const say = (to: string, words: string) => client.send({ user_id: to }, words).stored();
  await say(bob, "before the backup");
  const backup = join(server.dir, "copy.db");
  await server.run("backup", backup);
  await say(bob, "after the backup");
  const lost = await say(cat, "in a thread that the backup does not have");
  await server.kill();
  await server.run("restore", backup, "--replace");
  await server.up();
  const timeline = client.openTimeline({ user_id: cat });
  const isBack = () => {
    const { thread, rows } = timeline.get();
    return thread !== undefined && thread.id !== lost.thread_id && rows[0]?.state === "stored";
  };
  await until(isBack, "the thread that was lost", 40_000);
  await until(() => client.outbox.get().waiting === 0, "an empty outbox");
  expect(client.outbox.get().failed).toBe(0);
  const stored = await say(bob, "after the restore");
  const path = `/api/chat/threads/${stored.thread_id}/messages`;
  const { messages } = await server.call<{ messages: Message[] }>(bob, "GET", path);
  const words = ["before the backup", "after the backup", "after the restore"];
  expect(messages.map((message) => message.content)).toEqual(words);
  const theirs = client.openTimeline({ thread_id: stored.thread_id });
  await until(() => theirs.get().rows.length === 3, "the rows");
  expect(theirs.get().rows.map((row) => row.message.content)).toEqual(words);
  await client.stop();
  await server.close();
}, 90_000);
