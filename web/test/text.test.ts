import { expect, test } from "vitest";
import { initialsOf } from "../src/lib/names";
import { pathOfUser, peerOf, sectionOf } from "../src/lib/routes";
import { matches } from "../src/lib/search";
import { isEmojiOnly, partsOf } from "../src/lib/text";
import { ownerOf } from "../src/lib/token";

test("a link ends before the sentence does", () => {
  expect(partsOf("see https://example.org/a?b=1). Yes", [])).toEqual([
    { type: "text", text: "see " },
    { type: "link", text: "https://example.org/a?b=1", href: "https://example.org/a?b=1" },
    { type: "text", text: "). Yes" },
  ]);
});

test("only http addresses are links", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "http://", "ftp://example.org"]) {
    expect(partsOf(text, []).every((part) => part.type === "text")).toBe(true);
  }
});

test("the longest name is meant, and an address is nobody's name", () => {
  const names = ["ada", "ada.l"];
  expect(partsOf("@ada.l and me@ada", names)).toEqual([
    { type: "mention", text: "@ada.l" },
    { type: "text", text: " and me@ada" },
  ]);
  expect(partsOf("@adam", names)).toEqual([{ type: "text", text: "@adam" }]);
});

test("nothing of a text is lost", () => {
  const text = "@ada: https://a.example/?q=@ada, @ nobody\n@ada";
  const parts = partsOf(text, ["ada"]);
  expect(parts.map((part) => part.text).join("")).toBe(text);
});

test("one to three emoji are large, words and digits are not", () => {
  expect(["👍", "👩‍👩‍👧", "🎉 ❤️🔥"].map(isEmojiOnly)).toEqual([true, true, false]);
  expect(["👍👍👍👍", "ok 👍", "", "123"].map(isEmojiOnly)).toEqual([false, false, false, false]);
});

test("names are found by the beginnings of their words, without accents", () => {
  expect(matches("okaf mi", ["Mira Okáfor"])).toBe(true);
  expect(matches("kaf", ["Mira Okafor"])).toBe(false);
  expect(matches("", ["anything"])).toBe(true);
});

test("initials of any name", () => {
  expect(["Mira Okafor", "ada", "Ngozi A. Eze", "中村", "🙂"].map(initialsOf)).toEqual([
    "MO",
    "A",
    "NE",
    "中",
    "?",
  ]);
});

test("addresses lead to conversations and back", () => {
  expect(peerOf(pathOfUser("a/b c"))).toEqual({ user_id: "a/b c" });
  expect(peerOf("/self")).toEqual({ self: true });
  expect([peerOf("/"), peerOf("/c/"), peerOf("/c/a/b"), peerOf("/u/%E0%A4%A")]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(["/", "/people", "/settings", "/u/ada"].map(sectionOf)).toEqual([
    "chats",
    "people",
    "settings",
    "conversation",
  ]);
});

test("a token says whose it is, anything else says nothing", () => {
  const body = Buffer.from(JSON.stringify({ sub: "ädä" })).toString("base64url");
  expect(ownerOf(`x.${body}.x`)).toBe("ädä");
  expect(["", "nonsense", "a.b.c", "a.bnVsbA.c"].map(ownerOf)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
