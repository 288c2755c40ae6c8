// What pages look like when there is much on them, when nothing goes as it should: as in
// `look.spec.ts`, nothing for axe to find, nothing that scrolls sideways, and a picture of each.

import { limits } from "@semel/sdk";
import { busyThread, isSound, LONG, manyChats, schemes, widths } from "./look";
import { expect, test } from "./support";

for (const colorScheme of schemes) {
  for (const width of widths) {
    test(`axe_finds_nothing_where_there_is_much_${colorScheme}_${width}`, async ({
      open,
      server,
    }) => {
      test.setTimeout(120_000);
      await manyChats(server);
      const thread = await busyThread(server);
      const viewport = { width, height: 740 };
      const ada = await open("ada", { colorScheme, viewport });
      const { page } = ada;
      const name = (part: string) => `${part}-${colorScheme}-${width}`;
      await expect(page.getByRole("link", { name: /^Design crit/ })).toBeVisible();
      await expect(page.getByRole("link", { name: /^Group 20/ })).toBeAttached();
      await isSound(page, name("chats-many"));
      await ada.enter(thread);
      await expect(ada.messages.last()).toContainText("the end");
      await isSound(page, name("thread-busy"));
      await ada.messages.first().focus();
      await page.keyboard.press("Tab");
      await isSound(page, name("thread-keys"));
      await ada.messages.last().focus();
      await page.keyboard.press("r");
      await ada.words.fill("Is it? @");
      await expect(page.getByRole("listbox")).toBeVisible();
      await isSound(page, name("thread-mention"));
      await page.keyboard.press("Escape");
      await ada.words.fill(`${LONG}\n${LONG}\n${LONG}`);
      await isSound(page, name("thread-reply"));
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Insert an emoji" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await isSound(page, name("emoji"));
      await page.keyboard.press("Escape");
      await ada.words.fill("");
      await ada.words.press("ArrowUp");
      await isSound(page, name("thread-edit"));
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").fill("mira");
      await expect(page.getByRole("option").first()).toBeVisible();
      await isSound(page, name("palette-found"));
      await page.getByRole("combobox").fill("nothing of the kind");
      await expect(page.getByText("Nothing found.")).toBeVisible();
      await isSound(page, name("palette-none"));
      await page.keyboard.press("Escape");
      await page.goto(`${server.url}/people`);
      await page.getByLabel("Filter people").fill("nobody");
      await expect(page.getByText("Nobody with that name here.")).toBeVisible();
      await isSound(page, name("people-none"));
      await page.setViewportSize({ width, height: 2_000 });
      await page.goto(`${server.url}/settings`);
      await expect(page.getByLabel("Your name")).toHaveValue("Ada Lovelace");
      await isSound(page, name("settings-all"));
    });

    test(`axe_finds_nothing_where_things_fail_${colorScheme}_${width}`, async ({
      open,
      server,
    }) => {
      const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
      await server.fill("mira", thread, 60);
      const viewport = { width, height: 740 };
      const ada = await open("ada", { colorScheme, viewport });
      const { page } = ada;
      const name = (part: string) => `${part}-${colorScheme}-${width}`;
      await ada.enter(thread);
      await expect(ada.messages.last()).toBeVisible();
      await isSound(page, name("thread-unread"));
      await expect(page.locator("[data-unread]")).toBeInViewport();
      await page.goto(`${server.url}/c/01990000-0000-7000-8000-000000000000`);
      await expect(page.locator("[data-missing=gone]")).toBeVisible();
      await isSound(page, name("gone"));
      await ada.enter(thread);
      await page.context().setOffline(true);
      await server.kill();
      await expect(page.locator("[data-strip]")).toContainText("offline");
      await ada.say("This waits until there is a connection.");
      await expect(page.locator("[data-strip]")).toContainText("1 message will send");
      await isSound(page, name("offline"));
      await page.context().setOffline(false);
      await server.up();
      await expect(page.locator("[data-strip]:not([hidden])")).toHaveCount(0, { timeout: 40_000 });
      await ada.words.fill("x".repeat(limits.CONTENT_CHARACTERS_MAX + 50));
      await expect(page.locator("#too-long")).toBeVisible();
      await isSound(page, name("too-long"));
      await page.goto("about:blank");
      await page.goto(`${server.url}/#token=${server.token("mira")}`);
      await expect(page.getByRole("heading", { name: "Use another account?" })).toBeVisible();
      await isSound(page, name("account"));
    });
  }
}

for (const width of widths) {
  test(`axe_finds_nothing_busy_from_right_to_left_${width}`, async ({ open, server }) => {
    await manyChats(server);
    const thread = await busyThread(server);
    const { page } = await open("ada", { viewport: { width, height: 740 } });
    await page.evaluate(() => localStorage.setItem("semel:look", '{"language":"ar"}'));
    const name = (part: string) => `${part}-rtl-${width}`;
    await page.goto(server.url);
    await expect(page.locator("[data-region=list] li").first()).toBeVisible();
    await isSound(page, name("chats-many"));
    await page.goto(`${server.url}/c/${thread}`);
    await expect(page.locator("[data-row]").last()).toContainText("the end");
    await isSound(page, name("thread-busy"));
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("mira");
    await expect(page.getByRole("option").first()).toBeVisible();
    await isSound(page, name("palette-found"));
    await page.keyboard.press("Escape");
    await page.goto(`${server.url}/u/mira`);
    await page.locator("[data-region=conversation] header button").last().click();
    await expect(page.locator("[data-person=mira]")).toBeVisible();
    await isSound(page, name("person"));
  });
}
