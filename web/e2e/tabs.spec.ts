// Several tabs, new versions, and what is on the screen besides messages.

import type { BrowserContext } from "@playwright/test";
import { History } from "./history";
import { newerLater } from "./newer";
import { anotherTab } from "./once";
import { expect, test } from "./support";

interface Heard {
  readonly tab: string;
  readonly body: string;
  /** The browser shows the last one of each. */
  readonly tag: string;
  readonly silent: boolean;
}

/** Tells of every notification of every tab, and lets a test say which tab is looked at. */
async function overhear(context: BrowserContext, heard: Heard[]) {
  await context.grantPermissions(["notifications"]);
  await context.exposeBinding("semelNotice", (_, tab: string, given: NotificationOptions = {}) => {
    const { body = "", tag = "", silent } = given;
    heard.push({ tab, body, tag, silent: silent === true });
  });
  await context.addInitScript(() => {
    const page = window as unknown as Record<string, unknown>;
    const tell = page["semelNotice"] as (tab: string, given?: NotificationOptions) => void;
    const name = String(Math.random());
    // By the service worker, where there is one, else by the page.
    ServiceWorkerRegistration.prototype.showNotification = async (_, options) =>
      tell(name, options);
    page["Notification"] = class {
      static permission = "granted";
      onclick = null;
      constructor(_: string, options: NotificationOptions) {
        tell(name, options);
      }
      close() {}
    };
    page["isLookedAt"] = true;
    document.hasFocus = () => page["isLookedAt"] === true;
  });
}

test("web_21_one_tab_tells_of_a_message_and_none_while_any_is_looked_at", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Once");
  const mira = await open("mira");
  const context = mira.page.context();
  const heard: Heard[] = [];
  await overhear(context, heard);
  await mira.page.close();
  const tabs = await Promise.all([1, 2, 3, 4].map(() => context.newPage()));
  for (const page of tabs) {
    await page.goto(server.url);
    await mira.with(page).isConnected();
  }
  const look = async (at: number | undefined) => {
    for (const [place, page] of tabs.entries())
      await page.evaluate((isLookedAt) => {
        Object.assign(window, { isLookedAt });
        dispatchEvent(new Event(isLookedAt ? "focus" : "blur"));
      }, place === at);
  };
  const isShown = async (text: string) => {
    for (const page of tabs)
      await expect(page.getByRole("link", { name: new RegExp(text) })).toBeVisible();
  };
  await look(undefined);
  for (const text of ["one", "two", "three"]) {
    await server.say("ada", thread, text);
    await isShown(text);
    await expect.poll(() => heard.length).toBeGreaterThan(0);
  }
  await expect.poll(() => heard.map(({ body }) => body)).toEqual(["one", "two", "three"]);
  expect(new Set(heard.map(({ tab }) => tab)).size).toBe(1);
  await look(2);
  await server.say("ada", thread, "seen");
  await isShown("seen");
  // The one that tells goes: another one takes its place.
  await tabs[0]?.close();
  tabs.shift();
  await look(undefined);
  await server.say("ada", thread, "four");
  await isShown("four");
  await expect.poll(() => heard.map(({ body }) => body)).toEqual(["one", "two", "three", "four"]);

  // What came while there was no connection is told as one for each conversation, with one sound at most.
  heard.length = 0;
  const direct = await server.threadOf("ada", ["mira"]);
  await context.setOffline(true);
  for (const page of tabs) await expect(page.locator("[data-strip]")).toContainText("offline");
  for (let n = 1; n <= 5; n += 1) {
    await server.say("ada", thread, `group ${n}`);
    await server.say("ada", direct, `direct ${n}`);
  }
  await context.setOffline(false);
  await isShown("group 5");
  await isShown("direct 5");
  await expect.poll(() => heard.map(({ body }) => body).sort()).toEqual(["direct 5", "group 5"]);
  expect(new Set(heard.map(({ tag }) => tag)).size).toBe(2);
  expect(new Set(heard.map(({ tab }) => tab)).size).toBe(1);
  expect(heard.filter(({ silent }) => !silent).length).toBeLessThanOrEqual(1);
});

test("a_newer_version_waits_until_its_person_wants_it", async ({ open, server }) => {
  test.setTimeout(90_000);
  const way = await newerLater(Number(new URL(server.url).port));
  const kim = await open("kim", { url: way.url });
  const { page } = kim;
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.reload();
  await kim.isConnected();
  await kim.talkTo("ada");
  await kim.words.fill("half a sentence");
  const notice = page.getByText("A new version is ready.");
  way.become();
  // What a server does that is started anew. A browser that looks already does not look twice: then the next time tells.
  await expect(async () => {
    await page.context().setOffline(true);
    await expect(page.locator("[data-strip]")).toContainText("offline");
    await page.context().setOffline(false);
    await expect(notice).toBeVisible({ timeout: 8_000 });
  }).toPass({ timeout: 45_000 });
  await expect(kim.words).toHaveValue("half a sentence");
  await page.getByRole("button", { name: "Load it" }).click();
  await expect(page.locator("script[src='/boot.js?newer']")).toHaveCount(1);
  await expect(kim.words).toHaveValue("half a sentence");
  await way.close();
});

test("the_list_is_made_wider_with_keys_and_by_hand_and_stays_so", async ({ open, server }) => {
  const ada = await open("ada", { viewport: { width: 1440, height: 740 } });
  const { page } = ada;
  const edge = page.getByRole("separator", { name: "Width of the list" });
  const column = page.locator("[data-region=list]");
  const width = async () => Math.round((await column.boundingBox())?.width ?? 0);
  expect(await width()).toBe(336);
  await edge.focus();
  await edge.press("ArrowRight");
  expect(await width()).toBe(352);
  await expect(edge).toHaveAttribute("aria-valuenow", "352");
  await edge.press("End");
  await edge.press("ArrowRight");
  expect(await width()).toBe(420);
  const box = await edge.boundingBox();
  const [x, y] = [(box?.x ?? 0) + 4, 300];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - 60, y);
  await page.mouse.move(x - 110, y);
  await page.mouse.up();
  expect(await width()).toBeGreaterThan(300);
  expect(await width()).toBeLessThan(320);
  const drawn = await width();
  await page.reload();
  await expect.poll(width).toBe(drawn);
  await page.goto(`${server.url}/settings`);
  await page.getByRole("combobox", { name: "Width of the list" }).selectOption("least");
  await expect.poll(width).toBe(280);
  // From right to left the keys go the other way.
  await page.evaluate(() => localStorage.setItem("semel:look", '{"language":"ar"}'));
  await page.goto(server.url);
  await page.getByRole("separator").focus();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(width).toBe(352);
  await page.setViewportSize({ width: 700, height: 740 });
  await expect(page.getByRole("separator")).toBeHidden();
});

test("the_day_is_said_while_somebody_scrolls", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Long");
  await server.fill("ada", thread, 300);
  await server.say("mira", thread, "the last one");
  const mira = await open("mira");
  await mira.enter(thread);
  const pill = mira.page.locator("[data-day-now]");
  await expect(mira.page.locator("[data-row][data-seq='301']")).toBeVisible();
  await expect(pill).toHaveCSS("opacity", "0");
  await mira.page.locator("[data-region=timeline]").hover();
  await mira.page.mouse.wheel(0, -400);
  await expect(pill).toHaveCSS("opacity", "1");
  await expect(pill).toHaveText("Today");
  await expect(pill).toHaveCSS("opacity", "0", { timeout: 5_000 });
});

test("a_draft_that_one_tab_sends_is_gone_in_the_others", async ({ open, server }) => {
  const history = new History();
  const thread = await history.thread(server, "kim", ["ada", "mira"], "Drafts");
  const kim = await open("kim", { history });
  await kim.enter(thread);
  await kim.words.fill("half a thought");
  await expect(kim.page.getByRole("link", { name: /Draft: half a thought/ })).toBeVisible();
  const other = await anotherTab(kim, history);
  await expect(other.words).toHaveValue("half a thought");
  await kim.words.press("Enter");
  await expect(other.messages).toHaveCount(1);
  await expect(other.words).toHaveValue("");
  await other.words.press("Enter");
  // What one tab writes is in the other; what is being written there stays.
  await kim.words.fill("another one");
  await expect(other.words).toHaveValue("another one");
  await other.words.pressSequentially(", and more", { delay: 20 });
  await expect(kim.words).toHaveValue("another one, and more");
  await expect(other.words).toHaveValue("another one, and more");
  await expect(kim.messages).toHaveCount(1);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("req_d7_the_page_opens_when_the_server_does_not_answer", async ({ open, server }) => {
  const thread = await server.threadOf("kim", ["ada", "mira"], "Frozen");
  await server.say("ada", thread, "before the ice");
  const kim = await open("kim");
  await kim.enter(thread);
  await expect(kim.messages).toHaveCount(1);
  await kim.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  // The second visit has a worker.
  await kim.page.reload();
  await kim.isConnected();
  server.freeze();
  try {
    await kim.page.reload({ waitUntil: "commit" });
    await expect(kim.messages).toHaveCount(1);
    await expect(kim.page.getByText("before the ice").first()).toBeVisible();
  } finally {
    server.thaw();
  }
  await kim.isConnected();
});

test("what_lies_over_a_page_goes_when_its_person_signs_out_in_another_tab", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("mira", ["ada"]);
  await server.say("mira", thread, "for Ada alone");
  const ada = await open("ada");
  await ada.enter(thread);
  await ada.messages.first().press("Enter");
  const dialog = ada.page.getByRole("dialog");
  await expect(dialog).toContainText("Copy");
  const other = await ada.page.context().newPage();
  await other.goto(`${server.url}/settings`);
  await other.getByRole("button", { name: "Sign out" }).last().click();
  await other.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  // Without a reload.
  await ada.page.getByLabel("Access token").fill(server.token("kim"));
  await ada.page.getByRole("button", { name: "Open my chats" }).click();
  await ada.isConnected();
  await expect(dialog).toHaveCount(0);
});
