// Reading back does not shake what is on the screen, and the end stays the end.

import { scrollUp } from "./scroll";
import { expect, test } from "./support";

test("story_10_story_13_scrolling_up_through_ten_pages_moves_nothing_the_wrong_way", async ({
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
