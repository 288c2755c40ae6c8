// Pictures of people and groups: chosen, made smaller, seen by others.

import type { Page } from "@playwright/test";
import { limits } from "@semel/sdk";
import { photograph, png } from "./png";
import { expect, test } from "./support";

/** What was uploaded, as it went over the line. */
function uploadsOf(page: Page): { readonly type: string; readonly bytes: number }[] {
  const uploads: { readonly type: string; readonly bytes: number }[] = [];
  page.on("requestfinished", async (request) => {
    if (request.method() !== "POST" || !request.url().endsWith("/api/pictures")) return;
    const headers = await request.allHeaders();
    const bytes = Number(headers["content-length"]);
    uploads.push({ type: headers["content-type"] ?? "", bytes });
  });
  return uploads;
}

async function choose(page: Page, name: string, buffer: Buffer, mimeType = "image/png") {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /^(Choose a picture|Change picture)$/ }).click();
  await (await chooser).setFiles({ name, mimeType, buffer });
}

/** The pictures that a part of the page shows, as wide as the server made them. */
function facesIn(page: Page, part: string) {
  return page
    .locator(`${part} [data-face=here]`)
    .evaluateAll((faces) => faces.map((one) => (one as HTMLImageElement).naturalWidth));
}

test("p_picture_3_a_large_picture_is_made_smaller_and_both_people_see_it", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  const ada = await open("ada");
  const uploads = uploadsOf(ada.page);
  const large = photograph(1100, 800, [150, 60, 40, 255]);
  expect(large.length).toBeGreaterThan(limits.PICTURE_BYTES_MAX * 3);
  await ada.page.goto(`${server.url}/settings`);
  await choose(ada.page, "me.png", large);
  await expect(ada.page.getByRole("img", { name: "The picture that was chosen" })).toBeVisible();
  await expect(ada.page.getByRole("button", { name: "Use this picture" })).toBeFocused();
  expect(uploads).toEqual([]);
  await ada.page.keyboard.press("Enter");
  await expect.poll(() => facesIn(ada.page, "[data-region=list]")).toEqual([512]);
  await expect.poll(() => uploads.length).toBe(1);
  expect(uploads[0]?.type).toBe("image/jpeg");
  expect(uploads[0]?.bytes).toBeGreaterThan(0);
  expect(uploads[0]?.bytes).toBeLessThanOrEqual(limits.PICTURE_BYTES_MAX);
  await expect(ada.page.getByRole("button", { name: "Change picture" })).toBeFocused();

  // The group's, of what the server takes as it is.
  await ada.enter(thread);
  await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
  const small = png(64, 64, (x, y) => [20, 90, 200, x > y ? 255 : 0]);
  await choose(ada.page, "group.png", small);
  await ada.page.getByRole("button", { name: "Use this picture" }).click();
  await expect(ada.page.getByRole("button", { name: "Remove picture" })).toBeVisible();
  await expect.poll(() => uploads[1]).toEqual({ type: "image/png", bytes: small.length });
  // Her own among the members, the group's above them.
  await expect.poll(() => facesIn(ada.page, "dialog")).toEqual([64, 512]);
  await ada.page.keyboard.press("Escape");
  await ada.say("Look at me");

  const mira = await open("mira");
  await mira.enter(thread);
  await expect.poll(() => facesIn(mira.page, "[data-region=conversation] header")).toEqual([64]);
  await expect.poll(() => facesIn(mira.page, "[data-region=list]")).toEqual([64]);
  await expect.poll(() => facesIn(mira.page, "[data-row]")).toEqual([512]);
  await mira.page.getByRole("button", { name: "Details of this conversation" }).click();
  await expect.poll(() => facesIn(mira.page, "[data-member=ada]")).toEqual([512]);
  await mira.page.goto(`${server.url}/people`);
  await expect.poll(() => facesIn(mira.page, "[data-region=list]")).toEqual([512]);

  // While both look, it goes and another one comes.
  await mira.enter(thread);
  await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
  await ada.page.getByRole("button", { name: "Remove picture" }).click();
  const header = mira.page.locator("[data-region=conversation] header");
  await expect(header.locator("img")).toHaveCount(0);
  await choose(ada.page, "group.png", photograph(450, 700, [60, 120, 60, 255]));
  await ada.page.getByRole("button", { name: "Use this picture" }).click();
  await expect.poll(() => facesIn(mira.page, "[data-region=conversation] header")).toEqual([329]);
});

test("p_picture_1_what_is_no_picture_is_refused_in_plain_words", async ({ open, server }) => {
  const { page } = await open("ada");
  const uploads = uploadsOf(page);
  await page.goto(`${server.url}/settings`);
  const alert = page.locator("[data-region=list]").getByRole("alert").filter({ hasText: /\S/ });
  await choose(page, "me.png", Buffer.from("no picture at all"));
  await expect(alert).toHaveText(
    "This file cannot be read as a picture. Choose a PNG, JPEG or WebP.",
  );
  const vector = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>');
  await choose(page, "me.svg", vector, "image/svg+xml");
  await expect(alert).toContainText("cannot be read as a picture");
  expect(uploads).toEqual([]);
  // What could be read, and then was not taken; and the way back.
  await page.route("**/api/pictures", (route) =>
    route.fulfill({ status: 413, json: { code: "body_too_large", detail: "too large" } }),
  );
  await choose(
    page,
    "me.png",
    png(20, 20, () => [1, 2, 3, 255]),
  );
  await expect(alert).toBeHidden();
  await page.getByRole("button", { name: "Use this picture" }).click();
  await expect(alert).toContainText("cannot be read as a picture");
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("button", { name: "Choose a picture" })).toBeFocused();
});

test("p_picture_6_a_picture_that_is_gone_or_elsewhere_leaves_initials", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  const path = `/api/chat/threads/${thread}`;
  // The page's policy lets it ask nobody else for pictures; a complaint would fail this test.
  await server.call("ada", "PATCH", path, { picture: "https://example.org/group.png" });
  const ada = await open("ada");
  await ada.enter(thread);
  const header = ada.page.locator("[data-region=conversation] header");
  await expect(header).toContainText("DC");
  await expect(header.locator("img")).toHaveCount(0);
  // It is there, and then it does not come.
  await ada.page.route("**/api/pictures/*", (route) => route.abort());
  await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
  await choose(
    ada.page,
    "group.png",
    png(20, 20, () => [1, 2, 3, 255]),
  );
  const failed = ada.page.waitForEvent("requestfailed");
  await ada.page.getByRole("button", { name: "Use this picture" }).click();
  expect((await failed).url()).toContain("/api/pictures/");
  await expect(ada.page.getByRole("button", { name: "Remove picture" })).toBeVisible();
  await expect(header.locator("img")).toHaveCount(0);
  await expect(header).toContainText("DC");
});
