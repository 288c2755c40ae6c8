// Every page in every width and in both colours: nothing for axe to find, nothing that scrolls sideways. Pictures of them
// all are in `pictures/` afterwards.

import type { Page } from "@playwright/test";
import axe from "axe-core";
import { expect, test } from "./support";

async function isSound(page: Page, name: string): Promise<void> {
  const width = page.viewportSize()?.width ?? 0;
  expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(
    width,
  );
  // What fades in has the colours of its end only at its end. What spins has none.
  await page.waitForFunction(() => {
    const ends = (one: Animation) => one.effect?.getTiming().iterations !== Infinity;
    return document.getAnimations().every((one) => one.playState !== "running" || !ends(one));
  });
  await page.screenshot({ path: `pictures/${name}.png` });
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const run = (window as unknown as { axe: typeof axe }).axe.run;
    const { violations } = await run(document, { runOnly: tags });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
  });
  expect(found, name).toEqual([]);
}

const schemes = ["light", "dark"] as const;
const widths = [320, 768, 1440];

for (const colorScheme of schemes) {
  for (const width of widths) {
    test(`axe_finds_nothing_${colorScheme}_${width}`, async ({ open, server }) => {
      const thread = await server.threadOf("mira", ["ada", "tomas"], "Design crit");
      await server.say("mira", thread, "Contrast numbers are in: https://example.org/report");
      await server.say("tomas", thread, "@ada can you check them?");
      const ada = await open("ada", { colorScheme, viewport: { width, height: 740 } });
      const name = (part: string) => `${part}-${colorScheme}-${width}`;
      await expect(ada.page.getByRole("link", { name: /Design crit/ })).toBeVisible();
      await isSound(ada.page, name("chats"));
      await ada.page.getByRole("link", { name: /Design crit/ }).click();
      await expect(ada.messages.last()).toContainText("check them");
      await ada.say("They are fine.");
      await expect(ada.page.locator("[data-own][data-state=stored]")).toHaveCount(1);
      await isSound(ada.page, name("thread"));
      await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
      await expect(ada.page.getByRole("heading", { name: "Details" })).toBeVisible();
      await isSound(ada.page, name("details"));
      await ada.page.keyboard.press("Escape");
      await ada.page.keyboard.press("Control+k");
      await isSound(ada.page, name("palette"));
      await ada.page.keyboard.press("Escape");
      await ada.page.keyboard.press("Control+/");
      await isSound(ada.page, name("keys"));
      await ada.page.keyboard.press("Escape");
      const row = ada.messages.last();
      await row.focus();
      await row.press("Enter");
      await isSound(ada.page, name("actions"));
      await ada.page.keyboard.press("Escape");
      for (const part of ["people", "settings"]) {
        await ada.page.goto(`${server.url}/${part}`);
        await expect(ada.page.locator("[data-region=list] h1")).toBeVisible();
        await isSound(ada.page, name(part));
      }
      await ada.page.goto(`${server.url}/u/tomas`);
      await expect(ada.page.getByText("Say hello to")).toBeVisible();
      await isSound(ada.page, name("hello"));
      const kim = await open("kim", { colorScheme, viewport: { width, height: 740 } });
      await isSound(kim.page, name("empty"));
      await kim.page.getByRole("button", { name: "New chat" }).first().click();
      await isSound(kim.page, name("new"));
    });
  }
}

for (const width of widths) {
  test(`axe_finds_nothing_from_right_to_left_${width}`, async ({ open, server }) => {
    const thread = await server.threadOf("mira", ["ada", "tomas"], "نقد التصميم");
    await server.say("mira", thread, "الأرقام جاهزة: https://example.org/report");
    const ada = await open("ada", { viewport: { width, height: 740 } });
    await ada.page.evaluate(() => localStorage.setItem("semel:look", '{"language":"ar"}'));
    for (const [part, path] of [
      ["chats", "/"],
      ["thread", `/c/${thread}`],
      ["people", "/people"],
      ["settings", "/settings"],
    ] as const) {
      await ada.page.goto(`${server.url}${path}`);
      await expect(ada.page.locator("[data-region=list] h1")).toBeAttached();
      expect(await ada.page.locator("html").getAttribute("dir")).toBe("rtl");
      if (part === "thread") await ada.say("تبدو جيدة.");
      await isSound(ada.page, `${part}-rtl-${width}`);
    }
  });
}

test.describe("signing in", () => {
  test.use({ settings: { SEMEL_PHONE_SENDER: "terminal", SEMEL_EMAIL_SENDER: "terminal" } });

  for (const colorScheme of schemes) {
    test(`axe_finds_nothing_on_the_way_in_${colorScheme}`, async ({ visit, server }) => {
      for (const [at, width] of widths.entries()) {
        const to = `+49301234567${at}`;
        const page = await visit("/", { colorScheme, viewport: { width, height: 740 } });
        const name = (part: string) => `${part}-${colorScheme}-${width}`;
        await expect(page.getByLabel("Phone number")).toBeVisible();
        await isSound(page, name("sign-in"));
        await page.getByRole("button", { name: "Use an access token" }).click();
        await isSound(page, name("sign-in-token"));
        await page.getByRole("button", { name: "Sign in another way" }).click();
        await page.getByLabel("Phone number").fill(to);
        await page.getByRole("button", { name: "Send me a code" }).click();
        await expect(page.getByLabel("Code")).toBeFocused();
        await isSound(page, name("sign-in-code"));
        await page.getByLabel("Code").fill(await server.codeFor(to));
        await page.keyboard.press("Enter");
        await expect(page.locator("[data-region=list] h1")).toBeVisible();
        await page.goto(`${server.url}/settings`);
        await expect(page.locator("[data-session]")).toHaveCount(1);
        await page.locator("[data-session]").scrollIntoViewIfNeeded();
        await isSound(page, name("settings-devices"));
      }
    });
  }
});
