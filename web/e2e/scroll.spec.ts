// Reading back does not shake what is on the screen, and the end stays the end.

import { scrollTo, scrollUp } from "./scroll";
import { expect, test } from "./support";

test("web_10_web_13_scrolling_up_through_ten_pages_moves_nothing_the_wrong_way", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Long");
  await server.fill("ada", thread, 1_000);
  // What this person wrote is read: the thread opens at its end.
  await server.say("mira", thread, "the last one");
  const mira = await open("mira");
  await mira.enter(thread);
  await expect(mira.page.locator("[data-row][data-seq='1001']")).toBeVisible();
  const found = await scrollUp(mira.page, 220, 120);
  expect({ wrong: found.wrong, jumps: found.jumps, blank: found.blank }).toEqual({
    wrong: 0,
    jumps: 0,
    blank: 0,
  });
  const [first = 0] = found.seen;
  expect(first).toBeLessThan(361);
  expect(found.seen).toEqual(Array.from({ length: 1_002 - first }, (_, n) => first + n));
});

test("story_l4_10000_messages_from_the_first_unread_to_the_beginning_and_back", async ({
  open,
  server,
}) => {
  test.setTimeout(300_000);
  const thread = await server.threadOf("ada", ["mira", "kim"], "Long");
  await server.fill("ada", thread, 10_000);
  await server.call("mira", "POST", `/api/chat/threads/${thread}/read`, { seq: 2_000 });
  const mira = await open("mira");
  await mira.enter(thread);
  const { page } = mira;
  const row = (seq: number) => page.locator(`[data-row][data-seq='${seq}']`);
  await expect(page.locator("[data-unread]")).toBeVisible();
  await expect(row(2_001)).toBeInViewport();
  const steady = { wrong: 0, jumps: 0, blank: 0 };
  const up = await scrollTo(page, 1, -180);
  expect({ wrong: up.wrong, jumps: up.jumps, blank: up.blank }).toEqual(steady);
  const down = await scrollTo(page, 2_100, 180);
  expect({ wrong: down.wrong, jumps: down.jumps, blank: down.blank }).toEqual(steady);
  // Every message was on the screen, up and down again.
  for (const { seen } of [up, down]) {
    const [first = 0] = seen;
    const last = seen.at(-1) ?? 0;
    expect(seen).toEqual(Array.from({ length: last - first + 1 }, (_, n) => first + n));
    expect(first).toBeLessThanOrEqual(12);
    expect(last).toBeGreaterThan(1_990);
  }
  expect(Math.max(up.mounted, down.mounted)).toBeLessThan(120);
  await page.getByRole("button", { name: /Jump to the latest/ }).click();
  await expect(row(10_000)).toBeInViewport();
  const end = await scrollUp(page, 60, 180);
  expect({ wrong: end.wrong, jumps: end.jumps, blank: end.blank }).toEqual(steady);
  expect(await page.locator("[data-row]").count()).toBeLessThan(120);
});

test("a_hand_right_after_a_thread_opened_is_not_undone", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Long");
  await server.fill("ada", thread, 300);
  await server.call("mira", "POST", `/api/chat/threads/${thread}/read`, { seq: 150 });
  const mira = await open("mira");
  await mira.enter(thread);
  const { page } = mira;
  const row = page.locator("[data-row][data-seq='151']");
  await expect(row).toBeInViewport();
  const top = () => row.evaluate((node) => node.getBoundingClientRect().top);
  const before = await top();
  await page.locator("[data-region=timeline]").hover();
  await page.mouse.wheel(0, -180);
  // Something grows at once; what is on the screen may move by that much, and not back to where it was.
  await page
    .locator("[data-row]")
    .last()
    .evaluate((node: HTMLElement) => {
      node.style.paddingBottom = "40px";
    });
  await expect.poll(top).toBeGreaterThan(before + 130);
  await page.waitForTimeout(400);
  expect(await top()).toBeGreaterThan(before + 130);
});

test("a_thread_with_many_new_messages_opens_at_the_first_of_them", async ({ open, server }) => {
  // Some of them are there at once, then what was before, then the others.
  for (const count of [30, 60, 100]) {
    const thread = await server.threadOf("ada", ["mira", "kim"], `With ${count}`);
    await server.fill("ada", thread, count);
    const mira = await open("mira");
    await mira.enter(thread);
    await expect(mira.page.locator("[data-unread]")).toBeInViewport();
    await expect(mira.page.locator("[data-row][data-seq='1']")).toBeInViewport();
    await mira.page.close();
  }
});

test("what_was_new_stays_as_many_while_it_is_read", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "New ones");
  await server.fill("ada", thread, 10);
  await server.call("mira", "POST", `/api/chat/threads/${thread}/read`, { seq: 3 });
  const mira = await open("mira");
  await mira.enter(thread);
  const divider = mira.page.locator("[data-unread]");
  await expect(divider).toContainText("7");
  await expect(
    mira.page.locator("[data-region=list] li").filter({ hasText: "unread" }),
  ).toHaveCount(0);
  await expect(divider).toContainText("7");
});

test("what_grows_or_takes_room_does_not_take_the_end_away", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Long");
  await server.fill("ada", thread, 60);
  await server.say("mira", thread, "the last one");
  const mira = await open("mira");
  await mira.enter(thread);
  const { page } = mira;
  await expect(page.locator("[data-row][data-seq='61']")).toBeVisible();
  const log = page.locator("[data-region=timeline]");
  const isAtEnd = () =>
    expect
      .poll(() => log.evaluate((node) => node.scrollHeight - node.clientHeight - node.scrollTop))
      .toBeLessThan(2);
  await isAtEnd();
  // A picture that comes late.
  const gap = () =>
    log.evaluate((node) => {
      const place = (seq: number) =>
        node.querySelector(`[data-row][data-seq='${String(seq)}']`)?.getBoundingClientRect();
      return (place(61)?.top ?? 0) - (place(60)?.bottom ?? 0);
    });
  await page.locator("[data-row][data-seq='60']").evaluate((row: HTMLElement) => {
    row.style.paddingBottom = "300px";
  });
  await expect.poll(gap).toBeGreaterThan(-1);
  await isAtEnd();
  // A draft of many lines.
  const room = await log.evaluate((node) => node.clientHeight);
  await mira.words.fill("one\ntwo\nthree\nfour\nfive");
  await expect.poll(() => log.evaluate((node) => node.clientHeight)).toBeLessThan(room - 40);
  await isAtEnd();
  // A narrow window, in which every message is taller.
  await page.setViewportSize({ width: 420, height: 500 });
  await isAtEnd();
});
