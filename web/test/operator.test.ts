import type { AuditLine } from "@semel/sdk";
import { expect, test } from "vitest";
import { standingIn } from "../src/operator/standing";
import { readingsOf } from "../src/people/find";

test("what was typed is read as what it looks like, the likeliest first", () => {
  expect(readingsOf(" @ada ")).toEqual([{ handle: "@ada" }]);
  expect(readingsOf("+49 30 (1234)-567")).toEqual([{ phone: "+49 30 (1234)-567" }]);
  expect(readingsOf("ada@example.org")).toEqual([
    { id: "ada@example.org" },
    { email: "ada@example.org" },
  ]);
  expect(readingsOf("ada_l")).toEqual([{ id: "ada_l" }, { handle: "ada_l" }]);
  expect(readingsOf("7")).toEqual([{ id: "7" }]);
  expect(readingsOf("030 1234567")).toEqual([{ id: "030 1234567" }, { phone: "030 1234567" }]);
  expect(readingsOf("  ")).toEqual([]);
});

test("somebody's standing is what the newest deed about them says", () => {
  const line = (deed: string, user_id: string, at: string) =>
    ({ deed, user_id, at }) as unknown as AuditLine;
  const lines = [
    line("remove_message", "mira", "4"),
    line("lift", "ada", "3"),
    line("suspend", "mira", "2"),
    line("lift", "mira", "1"),
  ];
  expect(standingIn(lines, "mira")).toEqual({ type: "suspended", since: "2" });
  expect(standingIn(lines, "ada")).toEqual({ type: "good" });
  expect(standingIn(lines, "kim")).toEqual({ type: "unknown" });
});
