// Reading back does not shake what is on the screen.

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
