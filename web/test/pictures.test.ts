import { expect, test } from "vitest";
import { middleOf, sizeWithin } from "../src/lib/pictures";

test("a picture is made smaller in its own shape, never larger, and never nothing", () => {
  expect(sizeWithin(1600, 1200, 512)).toEqual([512, 384]);
  expect(sizeWithin(1200, 1600, 512)).toEqual([384, 512]);
  expect(sizeWithin(512, 512, 512)).toEqual([512, 512]);
  expect(sizeWithin(513, 100, 512)).toEqual([512, 100]);
  expect(sizeWithin(20, 10, 512)).toEqual([20, 10]);
  expect(sizeWithin(9_000, 2, 512)).toEqual([512, 1]);
});

test("what is shown in a circle is the middle", () => {
  expect(middleOf(300, 200)).toEqual([50, 0, 200]);
  expect(middleOf(200, 300)).toEqual([0, 50, 200]);
  expect(middleOf(7, 7)).toEqual([0, 0, 7]);
});
