import type { Invite } from "@semel/sdk";
import { expect, test } from "vitest";
import { isUsedUp, linkOf } from "../src/lib/invites";
import { arrivalOf } from "../src/session/arrival";

const invite = (uses: number, uses_max?: number | null): Invite => ({
  id: "01a20091-042b-7fd9-89e1-2367ab857a1f",
  thread_id: "01a20091-042b-7fd9-89e1-2367ab857a1e",
  token: "t".repeat(43),
  created_by: "ada",
  created_at: "2027-01-15T08:00:00.000Z",
  uses,
  ...(uses_max === undefined ? {} : { uses_max }),
});

test("a link that is passed on is one that is understood", () => {
  const link = new URL(linkOf("https://chat.example.org", "t".repeat(43)));
  expect(link.pathname + link.search).toBe("/join");
  expect(arrivalOf(link.hash, link.pathname)).toEqual({ invite: "t".repeat(43) });
});

test("a link is used up when as many came as it lets in", () => {
  expect([invite(0, 1), invite(1, 2), invite(9, null), invite(9)].map(isUsedUp)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect([invite(1, 1), invite(3, 2)].map(isUsedUp)).toEqual([true, true]);
});
