// What people suffered with other clients, by number (README.md says of which list), and what this one shows instead.

import type { Page } from "@playwright/test";
import { History } from "./history";
import { allIsThereOnce, badWay, lookOut, orderOf, together, words, write } from "./once";
import { expect, type Person, test } from "./support";
import { isAnswer, isEntry, Wire } from "./wire";

const ON_ITS_WAY = "[data-row][data-seq='0']";

/** From now on the timers of this page can be wound forward; it hears what the other one says, `ada 1`. */
async function windable({ page }: Person, other: Person): Promise<void> {
  await page.clock.install();
  await page.reload();
  await other.say("ada 1");
  await expect(page.locator("[data-row][data-seq='1']")).toBeVisible();
}

/** The elements of these rows are known again, as long as they are the same ones. */
async function mark(page: Page): Promise<number> {
  return page.locator("[data-row]").evaluateAll((rows) => {
    for (const row of rows) row.setAttribute("data-same", "");
    return rows.length;
  });
}

test("web_1_a_message_that_is_stored_while_its_chat_is_left_is_one_row", async ({
  open,
  server,
}) => {
  const wire = new Wire();
  const { history, thread, kim, ada } = await together({ open, server }, { wire });
  const { page } = kim;
  const other = await history.thread(server, "kim", ["tomas"]);
  await server.fill("tomas", other, 1, history.witness("tomas"));
  await expect(page.locator("a[href='/u/tomas']")).toBeVisible();
  const wrong = await lookOut(page);
  for (const [text, stored] of [
    ["kim 1", "while away"],
    ["kim 2", "after the return"],
  ] as const) {
    wire.hold((said) => isAnswer(said) || isEntry(said));
    await kim.words.fill(text);
    // In one go, faster than any hand.
    await kim.words.evaluate((field) => {
      const options = { key: "Enter", bubbles: true, cancelable: true };
      field.dispatchEvent(new KeyboardEvent("keydown", options));
      document.querySelector<HTMLElement>("a[href='/u/tomas']")?.click();
    });
    await expect(kim.messages.filter({ hasText: "message 1" })).toBeVisible();
    await expect(ada.messages.filter({ hasText: text })).toHaveCount(1);
    if (stored === "while away") wire.letGo();
    await page.locator(`a[href='/c/${thread}']`).click();
    await expect(kim.messages.filter({ hasText: text })).toHaveCount(1);
    wire.letGo();
    await expect(page.locator(ON_ITS_WAY)).toHaveCount(0);
  }
  await allIsThereOnce([kim, ada], words("kim", 2));
  expect(await wrong()).toEqual([]);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("web_3_a_message_that_came_back_by_the_log_is_stored_though_its_answer_never_comes", async ({
  open,
  server,
}) => {
  const wire = new Wire();
  const { history, kim, ada } = await together({ open, server }, { wire });
  const { page } = kim;
  await windable(kim, ada);
  const wrong = await lookOut(page);
  wire.set((said) => (isAnswer(said) ? "lose" : "pass"));
  await kim.say("kim 1");
  const row = kim.messages.filter({ hasText: "kim 1" });
  await expect(row).toHaveAttribute("data-seq", "2");
  await mark(page);
  wire.letGo();
  await page.clock.fastForward(31_000);
  await kim.say("kim 2");
  await allIsThereOnce([kim, ada], ["ada 1", "kim 1", "kim 2"]);
  await expect(row).toHaveAttribute("data-same", "");
  expect(await wrong()).toEqual([]);
  await history.judge(server, ["kim", "ada"], "acknowledged,unknown,converged,agreed");
});

test("web_6_story_o4_what_this_device_another_one_and_others_say_stands_by_its_seq", async ({
  open,
  server,
}) => {
  const wire = new Wire();
  const { history, thread, kim, ada } = await together({ open, server }, { wire });
  const wrong = await lookOut(kim.page);
  wire.hold(isEntry);
  await ada.say("ada 1");
  await expect(ada.page.locator("[data-own][data-seq='1']")).toHaveCount(1);
  // Its answer comes before what was said earlier.
  await kim.say("kim 1");
  await expect(kim.messages.filter({ hasText: "kim 1" })).toHaveAttribute("data-seq", "2");
  await server.fill("kim", thread, 1, history.witness("kim"));
  await kim.say("kim 2");
  await expect(kim.page.locator(ON_ITS_WAY)).toHaveCount(0);
  wire.letGo();
  const said = ["ada 1", "kim 1", "message 1", "kim 2"];
  await allIsThereOnce([kim, ada], said);
  expect((await kim.everything()).texts).toEqual(said);
  expect(await wrong()).toEqual([]);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("web_9_story_o6_fifty_messages_to_three_chats_outlive_their_tab_and_keep_their_order", async ({
  open,
  server,
}) => {
  const history = new History();
  const chats = [
    await history.thread(server, "kim", ["ada", "mira"], "One"),
    await history.thread(server, "kim", ["ada", "tomas"], "Two"),
    await history.thread(server, "kim", ["ada"]),
  ];
  for (const chat of chats) await server.fill("ada", chat, 1, history.witness("ada"));
  const paths = [`/c/${chats[0]}`, `/c/${chats[1]}`, "/u/ada"];
  const proxy = await badWay(server);
  const [kim, ada] = [
    await open("kim", { history, url: proxy.url }),
    await open("ada", { history }),
  ];
  const context = kim.page.context();
  await kim.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await context.setOffline(true);
  proxy.cut();
  const said = chats.map(() => ["message 1"]);
  for (let written = 0; written < 50; ) {
    const place = Math.floor(written / 6) % 3;
    await kim.page.locator(`a[href='${paths[place]}']`).click();
    for (let more = 6; more > 0 && written < 50; more -= 1) {
      written += 1;
      said[place]?.push(`kim ${written}`);
      await (written < 50 ? kim.say(`kim ${written}`) : kim.sayForGood(`kim ${written}`));
    }
  }
  await kim.page.close();
  const page = await context.newPage();
  await history.watch(page, "kim");
  await page.goto(proxy.url);
  await expect(page.locator("[data-strip]")).toContainText("50 messages will send");
  await context.setOffline(false);
  const again = kim.with(page);
  for (const [place, chat] of chats.entries()) {
    for (const one of [again, ada]) await one.enter(chat);
    await allIsThereOnce([again, ada], said[place] ?? []);
    expect((await ada.everything()).texts).toEqual(said[place]);
  }
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
  await proxy.close();
});

test("web_15_what_comes_draws_no_older_row_again", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Busy");
  await server.fill("ada", thread, 40);
  // What this person wrote is read: the thread opens at its end.
  await server.say("mira", thread, "the last one");
  const mira = await open("mira", { viewport: { width: 1000, height: 2000 } });
  await mira.enter(thread);
  const { page } = mira;
  await expect(page.locator("[data-row][data-seq='41']")).toBeVisible();
  await page.evaluate(() => {
    // React puts what it drew an element with at the element: it is another object when it was drawn again.
    const drawnWith = (row: Element) =>
      Object.entries(row).find(([name]) => name.startsWith("__reactProps"))?.[1];
    // The newest one stands differently when there is one after it.
    const rows = [...document.querySelectorAll("[data-row]")].slice(0, -1);
    const before = new Map(rows.map((row) => [row, drawnWith(row)]));
    const look = () => {
      const still = rows.filter((row) => row.isConnected);
      const again = still.filter((row) => drawnWith(row) !== before.get(row));
      return { still: still.length, again: again.map((row) => row.getAttribute("data-seq")) };
    };
    Object.assign(window, { look });
  });
  type Look = { readonly still: number; readonly again: readonly string[] };
  const look = () => page.evaluate(() => (window as unknown as { look: () => Look }).look());
  for (const text of words("ada", 20)) await server.say("ada", thread, text);
  await expect(page.locator("[data-row][data-seq='61']")).toBeVisible();
  const { still, again } = await look();
  expect(still).toBeGreaterThan(15);
  expect(again).toEqual([]);
  // One that did change is drawn again.
  const path = `/api/chat/threads/${thread}/messages`;
  const answer = await server.call("ada", "GET", `${path}?after_seq=39&limit=1`);
  const { data } = (await answer.json()) as { data: { messages: { id: string }[] } };
  await server.call("ada", "PATCH", `${path}/${data.messages[0]?.id}`, { content: "other words" });
  await expect(mira.messages.filter({ hasText: "other words" })).toBeVisible();
  expect((await look()).again).toEqual(["40"]);
});

test("web_19_story_d18_story_l1_what_is_lost_or_comes_twice_leaves_no_hole", async ({
  open,
  server,
}) => {
  const wire = new Wire();
  const { history, kim, ada } = await together({ open, server }, { wire });
  const wrong = await lookOut(kim.page);
  let entries = 0;
  wire.set((said) => {
    if (!isEntry(said)) return "pass";
    entries += 1;
    if (entries % 7 === 0) return "lose";
    return entries % 5 === 0 ? "twice" : "pass";
  });
  await write(ada, words("ada", 22));
  await expect(kim.page.locator("[data-row][data-seq='22']")).toBeVisible();
  // It sleeps, and wakes.
  await kim.page.context().setOffline(true);
  await expect(kim.page.locator("[data-strip]")).toContainText("offline");
  await write(ada, words("then", 5));
  await kim.page.context().setOffline(false);
  await allIsThereOnce([kim, ada], [...words("ada", 22), ...words("then", 5)]);
  expect(await orderOf(kim, "ada")).toEqual(words("ada", 22));
  expect(await wrong()).toEqual([]);
  await history.judge(server, ["kim", "ada"], "acknowledged,gap,duplicate,converged,agreed");
});

test("web_22_a_database_that_fails_at_every_third_write_loses_nothing", async ({
  open,
  server,
}) => {
  const { history, kim, ada } = await together({ open, server });
  const { page } = kim;
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.addInitScript(() => {
    const { transaction } = IDBDatabase.prototype;
    let [writes, failures] = [0, 0];
    IDBDatabase.prototype.transaction = function (stores, mode, options) {
      if (mode === "readwrite" && [stores].flat().includes("outbox")) {
        writes += 1;
        if (writes % 3 === 0) {
          failures += 1;
          Object.assign(window, { failures });
          // As WebKit says it.
          const name = failures % 2 === 0 ? "InvalidStateError" : "UnknownError";
          throw new DOMException("Connection to Indexed Database server lost.", name);
        }
      }
      return transaction.call(this, stores, mode, options);
    };
  });
  await page.reload();
  await expect(kim.words).toBeVisible();
  await server.kill();
  await write(kim, words("kim", 5));
  await kim.sayForGood("kim 6");
  const failures = () => page.evaluate(() => (window as unknown as { failures: number }).failures);
  expect(await failures()).toBeGreaterThan(1);
  await page.reload();
  await expect(kim.messages).toHaveCount(6);
  await server.up();
  await allIsThereOnce([kim, ada], words("kim", 6));
  expect((await ada.everything()).texts).toEqual(words("kim", 6));
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("web_28_fifty_that_are_stored_at_once_stay_the_same_elements_at_the_end", async ({
  open,
  server,
}) => {
  const viewport = { width: 1000, height: 2_400 };
  const { history, kim, ada } = await together({ open, server }, { viewport });
  const { page } = kim;
  await server.kill();
  await write(kim, words("kim", 50));
  await expect(page.locator(ON_ITS_WAY)).toHaveCount(50);
  const wrong = await lookOut(page);
  const count = await mark(page);
  // How far the end was from the lower edge in any frame, at most.
  await page.locator("[data-region=timeline]").evaluate((log) => {
    const page = window as unknown as { away: number };
    page.away = 0;
    const look = () => {
      page.away = Math.max(page.away, log.scrollHeight - log.clientHeight - log.scrollTop);
      requestAnimationFrame(look);
    };
    look();
  });
  await server.up();
  await expect(page.locator(ON_ITS_WAY)).toHaveCount(0, { timeout: 30_000 });
  await expect(page.locator("[data-row][data-same]")).toHaveCount(count);
  expect(await page.evaluate(() => (window as unknown as { away: number }).away)).toBeLessThan(2);
  await allIsThereOnce([kim, ada], words("kim", 50));
  expect(await wrong()).toEqual([]);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("story_c1_story_c3_story_c4_two_people_who_begin_at_once_have_one_chat", async ({
  open,
  server,
}) => {
  const history = new History();
  const [kim, ada] = [await open("kim", { history }), await open("ada", { history })];
  await kim.talkTo("ada");
  await ada.talkTo("kim");
  const wrong = [await lookOut(kim.page), await lookOut(ada.page)];
  await Promise.all([write(kim, words("kim", 3)), write(ada, words("ada", 3))]);
  await allIsThereOnce([kim, ada], [...words("kim", 3), ...words("ada", 3)]);
  for (const one of [kim, ada]) {
    await expect(one.page.locator("[data-region=list] li")).toHaveCount(1);
    expect(await orderOf(one, "kim")).toEqual(words("kim", 3));
    expect(await orderOf(one, "ada")).toEqual(words("ada", 3));
  }
  for (const look of wrong) expect(await look()).toEqual([]);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("story_l10_a_connection_that_died_without_a_word_is_left", async ({ open, server }) => {
  const proxy = await badWay(server);
  const { history, kim, ada } = await together({ open, server }, { url: proxy.url });
  await windable(kim, ada);
  proxy.stall();
  await kim.say("kim 1");
  await ada.say("ada 2");
  await expect(ada.page.locator("[data-own][data-seq='2']")).toHaveCount(1);
  await expect(kim.page.locator(ON_ITS_WAY)).toHaveCount(1);
  await kim.page.clock.fastForward(60_000);
  await allIsThereOnce([kim, ada], ["ada 1", "ada 2", "kim 1"]);
  await history.judge(server, ["kim", "ada"], "acknowledged,unknown,converged,agreed");
  await proxy.close();
});
