import { expect, test } from "vitest";
import { readAccount } from "../src/session/account";
import { arrivalOf } from "../src/session/arrival";
import { deviceName } from "../src/session/device";

test("what the address brings along is read by its name, whole", () => {
  expect(arrivalOf("#token=a.b%3Dc")).toEqual({ token: "a.b=c" });
  expect(arrivalOf("#operator=x")).toEqual({ operator: "x" });
  expect(arrivalOf("#sign_in_error=identity_taken")).toEqual({ error: "identity_taken" });
  for (const other of ["", "#", "#token=", "#words", "#token=%E0%A4%A"]) {
    expect(arrivalOf(other), other).toEqual({});
  }
});

test("a link into a group is one where links lead, and whole", () => {
  const token = `${"Ab-_".repeat(10)}xyz`;
  expect(arrivalOf(`#${token}`, "/join")).toEqual({ invite: token });
  expect(arrivalOf(`#${token}`, "/")).toEqual({});
  expect(arrivalOf("", "/join")).toEqual({});
  // One that was cut off is told from none.
  expect(arrivalOf(`#${token.slice(1)}`, "/join")).toEqual({ invite: null });
  expect(arrivalOf("#token=a", "/join")).toEqual({ token: "a" });
  expect(arrivalOf("#sign_in_error=suspended", "/join")).toEqual({ error: "suspended" });
});

test("an account that is kept is one person, and nothing else is", () => {
  expect(readAccount('{"user_id":"ada"}')).toEqual({ user_id: "ada" });
  expect(readAccount('{"user_id":"ada","name":"Ada","token":"t","more":1}')).toEqual({
    user_id: "ada",
    name: "Ada",
    token: "t",
  });
  for (const bad of ["", "nonsense", "null", "{}", '{"user_id":7}']) {
    expect(readAccount(bad), bad).toBeUndefined();
  }
});

test("a device is called by its browser and its system", () => {
  const chrome =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36";
  expect(deviceName(chrome)).toBe("Chrome, Linux");
  const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) Version/18.4 Safari/604.1";
  expect(deviceName(phone)).toBe("Safari, iPhone");
  expect(deviceName("something else")).toBe("");
});
