import { compileMessage } from "@lingui/message-utils/compileMessage";
import { expect, test } from "vitest";
import { ar } from "../src/i18n/ar";
import { en } from "../src/i18n/en";

const slots = (text: string) =>
  [...new Set([...text.matchAll(/\{(\w+)[,}]/gu)].map((found) => found[1]))].sort();

test("every language has every text, with the same slots", () => {
  const keys = Object.keys(en) as (keyof typeof en)[];
  expect(Object.keys(ar).sort()).toEqual([...keys].sort());
  for (const key of keys) {
    expect(slots(ar[key]), key).toEqual(slots(en[key]));
    expect(() => [compileMessage(en[key]), compileMessage(ar[key])]).not.toThrow();
  }
});
