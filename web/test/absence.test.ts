import { expect, test } from "vitest";
import { goneSince } from "../src/lib/absence";

test("attempts to come back, however many, are all of one absence", () => {
  let from = goneSince(undefined, "online", 100);
  expect(from).toBeUndefined();
  for (const at of [200, 300, 400, 500])
    from = goneSince(goneSince(from, "waiting", at), "connecting", at + 50);
  expect(from).toBe(200);
  from = goneSince(from, "syncing", 600);
  expect(from).toBeUndefined();
  expect(goneSince(from, "waiting", 700)).toBe(700);
});
