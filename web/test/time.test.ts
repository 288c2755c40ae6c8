import type { Message, Row } from "@semel/sdk";
import { expect, test } from "vitest";
import { dayName, shortDate, timeOf } from "../src/lib/dates";
import { GROUP_WITHIN, placesOf } from "../src/lib/grouping";
import { localeFor } from "../src/lib/locale";

const noon = Date.UTC(2026, 0, 15, 12);

function row(seq: number, sender_id: string, after: number, kind: "text" | "system" = "text"): Row {
  const created_at = new Date(noon + after).toISOString();
  const message = { id: `${seq}`, seq, sender_id, created_at, kind } as Message;
  return { key: `${seq}`, message, state: "received", isOwn: false, hasPendingChange: false };
}

const groups = (rows: Row[], unread = 0) => placesOf(rows, unread).map((one) => one.startsGroup);

test("one person's messages stand together for five minutes", () => {
  expect(groups([row(1, "a", 0), row(2, "a", GROUP_WITHIN)])).toEqual([true, false]);
  expect(groups([row(1, "a", 0), row(2, "a", GROUP_WITHIN + 1)])).toEqual([true, true]);
  expect(groups([row(1, "a", 0), row(2, "b", 1), row(3, "a", 2)])).toEqual([true, true, true]);
});

test("what the system says and the unread divider part a group", () => {
  expect(groups([row(1, "a", 0), row(2, "a", 1, "system"), row(3, "a", 2)])).toEqual([
    true,
    true,
    true,
  ]);
  const places = placesOf([row(1, "a", 0), row(2, "a", 1), row(3, "a", 2)], 2);
  expect(places.map((one) => [one.startsUnread, one.startsGroup, one.endsGroup])).toEqual([
    [false, true, true],
    [true, true, false],
    [false, false, true],
  ]);
});

test("the divider stands before the first message that is there, also when the first unread one is not", () => {
  expect(placesOf([row(5, "a", 0), row(9, "a", 1)], 7).map((one) => one.startsUnread)).toEqual([
    false,
    true,
  ]);
});

test("what is prepended changes nothing but the first row", () => {
  const rows = [row(2, "a", 1), row(3, "b", 2), row(4, "b", 3)];
  const before = placesOf(rows, 0);
  const after = placesOf([row(1, "a", 0), ...rows], 0);
  expect(after.slice(2)).toEqual(before.slice(1));
});

test("days have names", () => {
  const words = { today: "Today", yesterday: "Yesterday" };
  const now = new Date(noon);
  const name = (days: number) =>
    dayName(new Date(noon - days * 86_400_000).toISOString(), now, "en", words);
  expect([name(0), name(1), name(3), name(400)]).toEqual([
    "Today",
    "Yesterday",
    "Monday, January 12",
    "Wednesday, December 11, 2024",
  ]);
  expect(shortDate(new Date(noon - 3 * 86_400_000).toISOString(), now, "en", "Yesterday")).toBe(
    "Mon",
  );
});

test("dates are written as where the device is at home, in the language that is spoken", () => {
  expect(localeFor("en", ["en-US", "en"])).toBe("en-US");
  expect(localeFor("en", ["en-GB"])).toBe("en-GB");
  expect(localeFor("en", ["de-DE", "de", "en-US"])).toBe("en-DE");
  expect(localeFor("en", ["de"])).toBe("en-DE");
  expect(localeFor("ar", ["en-GB", "en"])).toBe("ar-GB");
  expect(localeFor("en", ["en"])).toBe("en");
  expect(localeFor("en", [])).toBe("en");
  expect(localeFor("en", ["no locale"])).toBe("en");
});

test("clocks have 12 hours where people have them", () => {
  const at = new Date(2026, 0, 15, 15, 5).toISOString();
  const plain = (locale: string) => timeOf(at, locale).replaceAll(/\s/gu, " ");
  expect(plain("en-US")).toBe("3:05 PM");
  expect(plain("en-GB")).toBe("15:05");
  expect(plain("en-DE")).toBe("15:05");
});
