// Ids, pauses, tokens, errors.

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { backoff, CONNECT_BACKOFF, SERVER_WAIT_MAX, waitFor } from "../../src/backoff.js";
import { Value } from "../../src/emitter.js";
import { systemEnvironment } from "../../src/environment.js";
import { hasCode, isRetryable, SemelError } from "../../src/errors.js";
import { canonicalUserId, isUuid, makeIds } from "../../src/ids.js";
import { subjectOf, Tokens } from "../../src/network/tokens.js";
import { tokenOf } from "../support/server.js";

describe("ids", () => {
  test("ec_x11: client ids are UUIDs of version 7, in order, also when the clock goes back", () => {
    let now = 1_800_000_000_000;
    const newId = makeIds({ ...systemEnvironment, now: () => now });
    const ids = Array.from({ length: 10_000 }, (_, n) => {
      if (n === 5_000) now -= 86_400_000;
      return newId();
    });
    expect(ids.every((id) => isUuid(id) && id[14] === "7" && /[89ab]/.test(id[19] ?? ""))).toBe(
      true,
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  test("ec_v02: ids in the form of a UUID are lower-cased, others stay", () => {
    expect(canonicalUserId("0198A4B2-7C1D-7A52-9C3E-5F0D8E6B1A34")).toBe(
      "0198a4b2-7c1d-7a52-9c3e-5f0d8e6b1a34",
    );
    expect(canonicalUserId("Ada")).toBe("Ada");
  });
});

describe("pauses", () => {
  test("are random up to a bound that doubles, and never longer than the longest", () => {
    const property = fc.property(
      fc.nat(100),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, random) => {
        const wait = backoff(CONNECT_BACKOFF, failures, random);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThan(Math.min(30_000, 500 * 2 ** failures));
      },
    );
    fc.assert(property);
    expect(backoff(CONNECT_BACKOFF, 6, 0.5)).toBe(15_000);
  });

  test("honour what the server asks for, within reason", () => {
    expect(waitFor(7_000, CONNECT_BACKOFF, 0, 0)).toBe(7_000);
    expect(waitFor(10 * SERVER_WAIT_MAX, CONNECT_BACKOFF, 0, 0)).toBe(SERVER_WAIT_MAX);
    expect(waitFor(undefined, CONNECT_BACKOFF, 0, 0)).toBe(0);
  });
});

describe("tokens", () => {
  test("are asked for once, and anew when one was refused", async () => {
    const asked: string[] = [];
    const tokens = new Tokens((reason) => `${reason} ${asked.push(reason)}`, "ada");
    expect(await Promise.all([tokens.get(), tokens.get()])).toEqual(["needed 1", "needed 1"]);
    const renewed = await Promise.all([tokens.replace("needed 1"), tokens.replace("needed 1")]);
    expect(renewed).toEqual(["refused 2", "refused 2"]);
    expect(asked).toEqual(["needed", "refused"]);
  });

  test("of another person are refused", async () => {
    expect(subjectOf(tokenOf("bob"))).toBe("bob");
    expect(subjectOf("opaque")).toBeUndefined();
    await expect(new Tokens(() => tokenOf("bob"), "ada").get()).rejects.toMatchObject({
      code: "wrong_account",
    });
  });
});

describe("errors", () => {
  test("have codes of a closed list; unknown ones are not retried", () => {
    expect(isRetryable("overloaded")).toBe(true);
    expect(isRetryable("forbidden")).toBe(false);
    expect(isRetryable("of a newer server")).toBe(false);
    const error: unknown = new SemelError("network", "lost");
    expect(hasCode(error, "network")).toBe(true);
    expect(hasCode(error, "forbidden")).toBe(false);
    expect(hasCode(new Error("network"), "network")).toBe(false);
  });
});

describe("observables", () => {
  test("tell of changes only, and no more when nobody listens", () => {
    const value = new Value(1);
    let told = 0;
    const end = value.subscribe(() => {
      told += 1;
    });
    value.set(1);
    expect(told).toBe(0);
    value.set(2);
    expect(told).toBe(1);
    end();
    value.set(3);
    expect(told).toBe(1);
  });
});
