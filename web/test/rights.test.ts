import type { Role, Thread, ThreadSettings } from "@semel/sdk";
import { expect, test } from "vitest";
import { rightsIn } from "../src/lib/rights";

const open = {
  posting: "everyone",
  adding: "everyone",
  naming: "everyone",
  history: "all",
} as const;
const closed = { posting: "admins", adding: "admins", naming: "admins", history: "all" } as const;

function group(role: Role | undefined, settings: ThreadSettings): Thread {
  const participants = role === undefined ? [] : [{ user_id: "ada", role }];
  return { participants, settings } as unknown as Thread;
}

test("admins may do everything, others what the group lets them", () => {
  const all = { mayWrite: true, mayAdd: true, mayName: true };
  const none = { mayWrite: false, mayAdd: false, mayName: false };
  expect(rightsIn(group("admin", closed), "ada")).toEqual({ isAdmin: true, ...all });
  expect(rightsIn(group("participant", open), "ada")).toEqual({ isAdmin: false, ...all });
  expect(rightsIn(group("participant", closed), "ada")).toEqual({ isAdmin: false, ...none });
  const mixed = { ...closed, posting: "everyone", naming: "everyone" } as const;
  expect(rightsIn(group("participant", mixed), "ada")).toEqual({
    isAdmin: false,
    mayWrite: true,
    mayAdd: false,
    mayName: true,
  });
});

test("whose role the thread does not carry may try to write, and is offered nothing else", () => {
  expect(rightsIn(group(undefined, closed), "ada")).toEqual({
    isAdmin: false,
    mayWrite: true,
    mayAdd: false,
    mayName: false,
  });
});
