import { expect, test } from "vitest";
import { ar } from "../src/i18n/ar";
import { en } from "../src/i18n/en";
import { format, parse } from "../src/i18n/format";

const slots = (text: string) =>
  [...new Set([...text.matchAll(/\{(\w+)[,}]/gu)].map((found) => found[1]))].sort();

test("every language has every text, with the same slots", () => {
  const keys = Object.keys(en) as (keyof typeof en)[];
  expect(Object.keys(ar).sort()).toEqual([...keys].sort());
  for (const key of keys) {
    expect(slots(ar[key]), key).toEqual(slots(en[key]));
    expect(() => [parse(en[key]), parse(ar[key])], key).not.toThrow();
  }
});

test("slots are filled, and numbers have their words", () => {
  expect(format("Hello {name}!", { name: "{ada} # }" }, "en")).toBe("Hello {ada} # }!");
  const text = "{count, plural, one {New message from {name}} other {# new messages from {name}}}.";
  expect(format(text, { count: 1, name: "Mira" }, "en")).toBe("New message from Mira.");
  expect(format(text, { count: 1_200, name: "#" }, "en")).toBe("1,200 new messages from #.");
  const members = "{count, plural, one {عضو} two {عضوان} few {# أعضاء} other {# عضوًا}}";
  expect([1, 2, 3, 11].map((count) => format(members, { count }, "ar"))).toEqual([
    "عضو",
    "عضوان",
    `${new Intl.NumberFormat("ar").format(3)} أعضاء`,
    `${new Intl.NumberFormat("ar").format(11)} عضوًا`,
  ]);
  expect(format("C# is a language", {}, "en")).toBe("C# is a language");
});

test("a text that is not of the format is found", () => {
  for (const text of ["{", "}", "{a", "{a, plural, one {x}}", "{a, select, other {x}}", "{a b}"]) {
    expect(() => parse(text), text).toThrow(SyntaxError);
  }
});
