import type { Row } from "@semel/sdk";
import { expect, test } from "vitest";
import { heardAtFirst, newsSince, type Shown, sendersOf } from "../src/lib/herald";

const row = (seq: number, sender_id = "ada") =>
  ({ isOwn: sender_id === "me", message: { seq, sender_id } }) as Row;

function shown(rows: readonly Row[], more: Partial<Shown> = {}): Shown {
  return {
    isLoaded: true,
    isLive: true,
    rows,
    last: rows.at(-1)?.message.seq,
    isNew: false,
    ...more,
  };
}

const seqs = (rows: readonly Row[]) => rows.map(({ message }) => message.seq);

test("history is no news, also when it comes after the page", () => {
  const empty = shown([], { isLoaded: false });
  expect(heardAtFirst(undefined, empty)).toBeUndefined();
  // Loaded, and the thread is not known yet.
  expect(heardAtFirst(undefined, shown([]))).toBeUndefined();
  expect(heardAtFirst(undefined, shown([row(1), row(64)]))).toBe(64);
  expect(heardAtFirst(10, shown([row(64)]))).toBe(10);
});

test("the first message into an empty chat is news", () => {
  const heard = heardAtFirst(undefined, shown([], { isNew: true }));
  expect(heard).toBe(0);
  expect(heardAtFirst(undefined, shown([], { isNew: true, isLoaded: false }))).toBeUndefined();
  const later = shown([row(1)]);
  expect(heardAtFirst(heard, later)).toBe(0);
  expect(seqs(newsSince(0, later).fresh)).toEqual([1]);
  // What is there already is none, also before the device could know.
  expect(heardAtFirst(undefined, shown([row(1)], { isNew: true }))).toBe(1);
});

test("what is known of before it is here is news when it comes", () => {
  const { fresh, heard } = newsSince(0, shown([], { last: 1 }));
  expect([fresh, heard]).toEqual([[], 0]);
  const later = newsSince(heard, shown([row(1), row(0, "me")], { last: 1 }));
  expect([seqs(later.fresh), later.heard]).toEqual([[1], 1]);
});

test("what others say is news, once; what this person says is not", () => {
  const { fresh, heard } = newsSince(2, shown([row(1), row(2), row(3), row(4, "me"), row(5)]));
  expect([seqs(fresh), heard]).toEqual([[3, 5], 5]);
  expect(newsSince(heard, shown([row(5)])).fresh).toEqual([]);
});

test("what came while somebody looked at history is heard when they come back", () => {
  const away = newsSince(5, shown([row(1), row(2)], { isLive: false, last: 9 }));
  expect([away.fresh, away.heard]).toEqual([[], 9]);
  expect(newsSince(away.heard, shown([row(8), row(9)])).fresh).toEqual([]);
});

test("everybody who spoke is named, the last one first", () => {
  expect(sendersOf([row(1, "ada"), row(2, "kim"), row(3, "ada")])).toEqual(["ada", "kim"]);
  expect(sendersOf([row(1, "ada"), row(2, "kim")])).toEqual(["kim", "ada"]);
});
