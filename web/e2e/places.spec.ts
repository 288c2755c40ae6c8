// Going somewhere in a long conversation, and being where one was.

import type { Page } from "@playwright/test";
import { expect, test } from "./support";

/** The first row that is in view, and where its top is. */
function topRow(page: Page): Promise<{ seq: number; top: number }> {
  return page.locator("[data-region=timeline]").evaluate((log) => {
    const view = log.getBoundingClientRect();
    for (const row of log.querySelectorAll<HTMLElement>("[data-row]")) {
      const { top, bottom } = row.getBoundingClientRect();
      if (bottom > view.top) return { seq: Number(row.dataset["seq"]), top: Math.round(top) };
    }
    return { seq: 0, top: 0 };
  });
}

/** Where the list is once the hand is still, and the list with it. */
async function whereItRests(page: Page): Promise<{ seq: number; top: number }> {
  // Nowhere yet: it is looked at twice at least, with a pause in between.
  let now = { seq: 0, top: 0 };
  await expect(async () => {
    const before = now;
    now = await topRow(page);
    expect(now).toEqual(before);
  }).toPass({ intervals: [300] });
  return now;
}

test("a_quote_of_a_message_far_back_has_its_words_leads_there_and_back_to_the_end", async ({
  open,
  server,
}) => {
  test.setTimeout(180_000);
  const thread = await server.threadOf("ada", ["mira", "kim"], "Long");
  await server.say("ada", thread, "where it all began");
  const path = `/api/chat/threads/${thread}/messages`;
  const page1 = await server.call("ada", "GET", `${path}?after_seq=0&limit=10`);
  const { data } = (await page1.json()) as {
    data: { messages: { id: string; seq: number; content: string }[] };
  };
  const first = data.messages.find(({ content }) => content === "where it all began");
  await server.fill("ada", thread, 5_000);
  await server.say("mira", thread, "as I said then", { reply_to: first?.id });
  const mira = await open("mira");
  await mira.enter(thread);
  const { page } = mira;
  const answer = mira.messages.filter({ hasText: "as I said then" });
  await expect(answer).toBeInViewport();
  const quote = answer.locator("[data-quote]");
  await expect(quote).toContainText("where it all began");
  await expect(quote).toContainText("Ada Lovelace");
  await quote.click();
  const original = page.locator(`[data-row][data-seq='${first?.seq}']`);
  await expect(original).toBeInViewport();
  await expect(original).toHaveAttribute("data-marked", "");
  await expect(original).not.toHaveAttribute("data-marked", "");
  await page.getByRole("button", { name: /Jump to the latest/ }).click();
  await expect(answer).toBeInViewport();
  // A change of what is not loaded is in the quote as well.
  await server.call("ada", "PATCH", `${path}/${first?.id}`, { content: "where it really began" });
  await expect(quote).toContainText("where it really began");
});

test("a_quote_that_cannot_be_had_says_so_and_comes_with_the_connection", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Long");
  await server.say("ada", thread, "where it all began");
  const path = `/api/chat/threads/${thread}/messages`;
  const newest = await server.call("ada", "GET", `${path}?limit=1`);
  const { data } = (await newest.json()) as { data: { messages: { id: string }[] } };
  await server.fill("ada", thread, 200);
  await server.say("mira", thread, "as I said then", { reply_to: data.messages[0]?.id });
  const mira = await open("mira");
  const { page } = mira;
  const asksFor = /around_id=/;
  await page.route(asksFor, (route) => route.abort());
  await mira.enter(thread);
  const quote = mira.messages.filter({ hasText: "as I said then" }).locator("[data-quote]");
  await expect(quote).toHaveAttribute("data-quote", "missing");
  await expect(quote).toContainText("not on this device");
  const height = (await quote.boundingBox())?.height;
  await page.unroute(asksFor);
  await server.kill();
  await server.up();
  await expect(quote).toContainText("where it all began");
  expect((await quote.boundingBox())?.height).toBe(height);
});

test("web_12_a_conversation_is_where_it_was_left_also_after_a_reload", async ({ open, server }) => {
  test.setTimeout(120_000);
  const thread = await server.threadOf("ada", ["mira", "kim"], "Long");
  const other = await server.threadOf("ada", ["mira"]);
  await server.fill("ada", thread, 1_000);
  // What this person wrote is read: both open at their end.
  await server.say("mira", thread, "the last one");
  await server.say("mira", other, "elsewhere");
  const mira = await open("mira");
  await mira.enter(thread);
  const { page } = mira;
  await expect(page.locator("[data-row][data-seq='1001']")).toBeInViewport();
  await page.locator("[data-region=timeline]").hover();
  await expect(async () => {
    await page.mouse.wheel(0, -1_500);
    expect((await topRow(page)).seq).toBeLessThan(450);
  }).toPass({ intervals: [50] });
  const left = await whereItRests(page);
  await page.getByRole("link", { name: /^Ada Lovelace/ }).click();
  await expect(mira.messages.filter({ hasText: "elsewhere" })).toBeInViewport();
  await page.getByRole("link", { name: /^Long/ }).click();
  const isWhereItWas = () =>
    expect(async () => {
      const { seq, top } = await topRow(page);
      expect(seq).toBe(left.seq);
      expect(Math.abs(top - left.top)).toBeLessThanOrEqual(2);
    }).toPass({ timeout: 15_000 });
  await isWhereItWas();
  await page.reload();
  await isWhereItWas();
  // What comes meanwhile moves nothing.
  await server.say("ada", other, "for the list");
  await expect(page.getByRole("link", { name: /^Ada Lovelace.*for the list/ })).toBeVisible();
  await isWhereItWas();
  await page.getByRole("button", { name: /Jump to the latest/ }).click();
  await expect(page.locator("[data-row][data-seq='1001']")).toBeInViewport();
  await page.reload();
  await expect(page.locator("[data-row][data-seq='1001']")).toBeInViewport();
});

/** In the page: goes from chat to chat, as fast as they are there. What comes back are those that stand elsewhere for long. */
async function goAround(goals: readonly { path: string; seq?: number; top?: number }[]) {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const isThere = ({ seq, top = 0 }: { seq?: number; top?: number }) => {
    const log = document.querySelector("[data-region=timeline]");
    const edge = log?.getBoundingClientRect().top ?? 0;
    for (const row of log?.querySelectorAll<HTMLElement>("[data-row]") ?? []) {
      const box = row.getBoundingClientRect();
      if (box.bottom > edge)
        return Number(row.dataset["seq"]) === seq && Math.abs(box.top - top) <= 2;
    }
    return false;
  };
  const wrong: string[] = [];
  for (const [step, goal] of goals.entries()) {
    document.querySelector<HTMLElement>(`a[href='${goal.path}']`)?.click();
    const end = performance.now() + 10_000;
    // Once there it stays there.
    for (let steady = 0; steady < 3; ) {
      await frame();
      steady = location.pathname === goal.path && isThere(goal) ? steady + 1 : 0;
      if (performance.now() < end) continue;
      wrong.push(`${step}: ${goal.path}`);
      break;
    }
  }
  return wrong;
}

test("web_12_a_hundred_switches_among_five_chats_each_lead_where_it_was_left", async ({
  open,
  server,
}) => {
  test.setTimeout(120_000);
  const others = ["kim", "tomas", "grace", "edsger", "alan"];
  const chats: string[] = [];
  for (const other of others) {
    await server.call(other, "GET", "/api/users/me");
    const chat = await server.threadOf("ada", ["mira", other], `With ${other}`);
    await server.fill("ada", chat, 300);
    // What this person wrote is read: all open at their end.
    await server.say("mira", chat, "the last one");
    chats.push(chat);
  }
  const mira = await open("mira");
  const { page } = mira;
  const log = page.locator("[data-region=timeline]");
  // The first two stay at their end, the others are left at places of their own.
  const left: { readonly seq: number; readonly top: number }[] = [];
  for (const [place, chat] of chats.entries()) {
    await page.locator(`a[href='/c/${chat}']`).click();
    await expect(page.locator("[data-row][data-seq='301']")).toBeInViewport();
    if (place >= 2) {
      await log.hover();
      await expect(async () => {
        await page.mouse.wheel(0, -600);
        expect((await topRow(page)).seq).toBeLessThan(310 - 50 * place);
      }).toPass({ intervals: [50] });
    }
    left.push(await whereItRests(page));
  }
  let [dice, last] = [12, chats.length - 1];
  const way = Array.from({ length: 100 }, () => {
    dice = (dice * 1_103_515_245 + 12_345) % 2 ** 31;
    last = (last + 1 + (Math.floor(dice / 2 ** 16) % (chats.length - 1))) % chats.length;
    return last;
  });
  const goals = way.map((place) => ({ path: `/c/${chats[place]}`, ...left[place] }));
  expect(await page.evaluate(goAround, goals)).toEqual([]);
  // What is new comes before where it was left.
  const [, , chat = ""] = chats;
  if (way.at(-1) === 2) await page.locator(`a[href='/c/${chats[0]}']`).click();
  await server.say("ada", chat, "news");
  await expect(page.getByRole("link", { name: /Ada Lovelace: news/ })).toBeVisible();
  await page.locator(`a[href='/c/${chat}']`).click();
  await expect(page.locator("[data-unread]")).toBeInViewport();
  await expect(page.locator("[data-row][data-seq='302']")).toBeInViewport();
});

test("a_chat_has_one_place_by_whichever_of_its_addresses", async ({ open, server }) => {
  test.setTimeout(120_000);
  const thread = await server.threadOf("ada", ["mira"]);
  const other = await server.threadOf("ada", ["mira", "kim"], "Elsewhere");
  await server.fill("ada", thread, 300);
  await server.say("mira", thread, "the last one");
  await server.say("mira", other, "elsewhere");
  const mira = await open("mira");
  const { page } = mira;
  await page.goto(`${server.url}/u/ada`);
  await expect(page.locator("[data-row][data-seq='301']")).toBeInViewport();
  const leave = async (up: number) => {
    await page.locator("[data-region=timeline]").hover();
    const { seq } = await topRow(page);
    await expect(async () => {
      await page.mouse.wheel(0, -600);
      expect((await topRow(page)).seq).toBeLessThan(seq - up);
    }).toPass({ intervals: [50] });
    const left = await whereItRests(page);
    await page.getByRole("link", { name: /^Elsewhere/ }).click();
    await expect(mira.messages.filter({ hasText: "elsewhere" })).toBeInViewport();
    return left;
  };
  // Rows at most: what the pixels are is for the test above.
  const isAt = ({ seq }: { seq: number }) =>
    expect(async () => {
      expect(Math.abs((await topRow(page)).seq - seq)).toBeLessThanOrEqual(5);
    }).toPass({ timeout: 15_000 });
  const first = await leave(60);
  await mira.enter(thread);
  await isAt(first);
  // And the other way: what was left last counts, not what each address had.
  const second = await leave(30);
  await page.getByRole("link", { name: /^Ada Lovelace/ }).click();
  await expect(page).toHaveURL(/\/u\/ada$/);
  await isAt(second);
});
