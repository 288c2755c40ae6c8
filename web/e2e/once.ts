// What every screen has to show, whatever happened: every message once, in the order of seq.

import type { BrowserContextOptions, Page, Request, WebSocket } from "@playwright/test";
import { BadProxy } from "../../sdk/test/support/proxy";
import { History } from "./history";
import { expect, type Fixtures, type More, type Person, type Server } from "./support";
import { isAnswer } from "./wire";

export const words = (from: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${from} ${n + 1}`);

type Opened = Pick<Fixtures, "open" | "server">;

/** These people, in a group that all of them look at; what they do is written down. `more` is how the first one comes. */
export async function gather({ open, server }: Opened, ids: readonly string[], more = {}) {
  const history = new History();
  const [first = "", ...others] = ids;
  const thread = await history.thread(server, first, others, "Once");
  const opening = ids.map((id) => open(id, { ...(id === first ? more : {}), history }));
  const people = await Promise.all(opening);
  await Promise.all(people.map((one) => enterOnline(one, thread)));
  return { history, thread, people };
}

/** Opens a chat, and waits until the page has heard what it missed: what it says from then on goes out at once. */
async function enterOnline(one: Person, thread: string): Promise<void> {
  const { page } = one;
  let isOnline = false;
  const left = (request: Request) => {
    if (request.isNavigationRequest()) isOnline = false;
  };
  // Of which socket: the page before may have opened one just now.
  const follow = (socket: WebSocket) =>
    socket.on("framereceived", ({ payload }) => {
      isOnline ||= isAnswer(String(payload));
    });
  page.on("request", left).on("websocket", follow);
  await one.enter(thread);
  await expect.poll(() => isOnline).toBe(true);
  page.off("request", left).off("websocket", follow);
}

/** Kim and Ada. */
export async function together(opened: Opened, more: BrowserContextOptions & More = {}) {
  const { history, thread, people } = await gather(opened, ["kim", "ada"], more);
  const [kim, ada] = people as [Person, Person];
  return { history, thread, kim, ada };
}

/** The same person in another tab of the same browser, at the same place. */
export async function anotherTab(one: Person, history: History): Promise<Person> {
  const page = await one.page.context().newPage();
  await history.watch(page, one.id);
  await page.goto(one.page.url());
  const other = one.with(page);
  await expect(other.words).toBeVisible();
  return other;
}

/** Waits until all is stored, then looks at every screen; all of them show the same. */
export async function allIsThereOnce(
  people: readonly Person[],
  said: readonly string[],
): Promise<void> {
  const screens: string[][] = [];
  for (const { page } of people) {
    await expect(page.locator("[data-strip]:not([hidden])")).toHaveCount(0, { timeout: 30_000 });
  }
  for (const one of people) {
    await expect(one.page.locator(`[data-row][data-seq="${said.length}"]`)).toHaveCount(1);
    const { seqs, texts } = await one.everything();
    expect(seqs).toEqual(said.map((_, n) => n + 1));
    screens.push(texts);
  }
  for (const screen of screens) expect(screen).toEqual(screens[0]);
  expect([...(screens[0] ?? [])].sort()).toEqual([...said].sort());
}

/** Those of one person, in the order in which they stand. */
export async function orderOf(one: Person, from: string): Promise<string[]> {
  const { texts } = await one.everything();
  return texts.filter((text) => text.startsWith(`${from} `));
}

/** Writes without waiting for anything but the field. */
export async function write(one: Person, texts: readonly string[]): Promise<void> {
  for (const text of texts) await one.say(text);
}

/** A way to the server that can be broken. */
export async function badWay(server: Server): Promise<BadProxy> {
  return BadProxy.start(() => Number(new URL(server.url).port));
}

/**
 * From now on no row may stand there twice or as one that was given up, not even for a moment. The texts have to differ; what
 * comes back says what was wrong.
 */
export async function lookOut(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const wrong: string[] = [];
    const look = () => {
      const texts = [...document.querySelectorAll("[data-row] [data-text]")];
      const said = texts.map((node) => node.textContent ?? "");
      wrong.push(...said.filter((text, place) => said.indexOf(text) !== place));
      if (document.querySelector("[data-row][data-state=failed]")) wrong.push("failed");
    };
    const changes = { subtree: true, childList: true, attributes: true, characterData: true };
    new MutationObserver(look).observe(document.body, changes);
    Object.assign(window, { wrong });
  });
  return () => page.evaluate(() => (window as unknown as { wrong: string[] }).wrong);
}
