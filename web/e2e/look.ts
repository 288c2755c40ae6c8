// What every page is held to, and a picture of it in `pictures/`.

import { expect, type Page } from "@playwright/test";
import axe from "axe-core";
import type { Server } from "./support";

export const schemes = ["light", "dark"] as const;
export const widths = [320, 768, 1440];

export async function isSound(page: Page, name: string): Promise<void> {
  const width = page.viewportSize()?.width ?? 0;
  expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(
    width,
  );
  // What fades in has the colours of its end only at its end. What spins has none.
  await page.waitForFunction(() => {
    const ends = (one: Animation) => one.effect?.getTiming().iterations !== Infinity;
    return document.getAnimations().every((one) => one.playState !== "running" || !ends(one));
  });
  await page.screenshot({ path: `pictures/${name}.png` });
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const run = (window as unknown as { axe: typeof axe }).axe.run;
    const { violations } = await run(document, { runOnly: tags });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
  });
  expect(found, name).toEqual([]);
}

export const LONG =
  "Interdepartmental coordination of the very long titles that people give to their groups";

/** Not the group that these people have already. */
const another = { distinct: false };

/** Chats of every kind, more than fit on a screen. */
export async function manyChats(server: Server): Promise<void> {
  for (let n = 0; n < 24; n += 1) {
    const thread = await server.threadOf("ada", ["mira", "tomas"], `Group ${n + 1}`, another);
    await server.say("mira", thread, `This is what was said last in group ${n + 1}`);
  }
  const muted = await server.threadOf("ada", ["tomas"], LONG, another);
  await server.say("tomas", muted, `${LONG} ${LONG}`);
  await server.call("ada", "PATCH", `/api/chat/threads/${muted}/preferences`, { muted: true });
  const unnamed = await server.threadOf("ada", ["mira", "tomas", "kim"]);
  for (let n = 0; n < 12; n += 1) await server.say("kim", unnamed, "one of many");
  const direct = await server.threadOf("ada", ["mira"]);
  await server.say("ada", direct, "See you there.");
  await server.call("ada", "POST", "/api/chat/create-or-get", {
    participants: ["ada"],
    thread_type: "self",
  });
}

/** Messages with everything that may hang on one. */
export async function busyThread(server: Server): Promise<string> {
  const thread = await server.threadOf("ada", ["mira", "tomas", "kim"], "Design crit", another);
  const path = `/api/chat/threads/${thread}/messages`;
  const idOf = async (words: string) => {
    const answer = await server.call("ada", "GET", `${path}?limit=50`);
    const { data } = (await answer.json()) as {
      data: { messages: { id: string; content: string }[] };
    };
    return data.messages.find(({ content }) => content === words)?.id;
  };
  await server.say("mira", thread, "Contrast numbers are in.");
  await server.say(
    "mira",
    thread,
    "All of them: https://example.org/a/report/with/a/very/long/address/that/does/not/break/anywhere.html",
  );
  await server.say("ada", thread, `They are fine as far as I see. ${LONG}. ${LONG}.`);
  const first = await idOf("Contrast numbers are in.");
  await server.say("tomas", thread, "@ada and the dark ones?", { reply_to: first });
  await server.say("ada", thread, "Those as well", {
    reply_to: await idOf("@ada and the dark ones?"),
  });
  await server.say("kim", thread, "🎉🎉");
  await server.say("kim", thread, "Nonsense");
  await server.call("kim", "DELETE", `${path}/${await idOf("Nonsense")}`);
  await server.say("mira", thread, "teh end");
  await server.call("mira", "PATCH", `${path}/${await idOf("teh end")}`, { content: "the end" });
  for (const [who, emoji] of [
    ["ada", "👍"],
    ["tomas", "👍"],
    ["kim", "❤️"],
    ["tomas", "😂"],
  ] as const)
    await server.call(who, "PUT", `${path}/${first}/reactions/${encodeURIComponent(emoji)}`);
  return thread;
}
