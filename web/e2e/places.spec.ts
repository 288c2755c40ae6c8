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

test("story_12_a_conversation_is_where_it_was_left_also_after_a_reload", async ({
  open,
  server,
}) => {
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
  // The hand is still, and so is the list.
  let left = await topRow(page);
  await expect(async () => {
    const before = left;
    left = await topRow(page);
    expect(left).toEqual(before);
  }).toPass({ intervals: [300] });
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
