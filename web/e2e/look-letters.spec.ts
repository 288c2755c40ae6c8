// Pages for those whose browser has letters twice as large as usual: nothing for axe to find, nothing that scrolls sideways,
// and a picture of each.

import { busyThread, isSound, manyChats, widths } from "./look";
import { expect, test } from "./support";

// The browser's own setting: the widths at which the layout changes are counted in letters as well.
test.use({
  launchOptions: {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--blink-settings=defaultFontSize=32"],
  },
});

for (const width of widths) {
  test(`axe_finds_nothing_with_large_letters_${width}`, async ({ open, server }) => {
    test.setTimeout(120_000);
    await manyChats(server);
    const thread = await busyThread(server);
    const ada = await open("ada", { isOperator: true, viewport: { width, height: 740 } });
    const { page } = ada;
    const name = (part: string) => `${part}-large-${width}`;
    for (const [part, path] of [
      ["chats", "/"],
      ["people", "/people"],
      ["settings", "/settings"],
      ["operator", "/operator"],
      ["operator-people", "/operator/people"],
      ["hello", "/u/tomas"],
    ] as const) {
      await page.goto(`${server.url}${path}`);
      await expect(page.locator("[data-region=list] h1")).toBeAttached();
      await isSound(page, name(part));
    }
    await ada.enter(thread);
    await expect(ada.messages.first()).toBeVisible();
    await isSound(page, name("thread"));
    await ada.messages.last().focus();
    await page.keyboard.press("r");
    await ada.words.fill("Is it? @");
    await expect(page.getByRole("listbox")).toBeVisible();
    await isSound(page, name("mention"));
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Details of this conversation" }).click();
    await expect(page.getByRole("heading", { name: "Details" })).toBeVisible();
    await isSound(page, name("details"));
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("mira");
    await expect(page.getByRole("option").first()).toBeVisible();
    await isSound(page, name("palette"));
    await page.keyboard.press("Escape");
    await page.goto("about:blank");
    await page.goto(`${server.url}/#token=${server.token("mira")}`);
    await expect(page.getByRole("heading", { name: "Use another account?" })).toBeVisible();
    await isSound(page, name("account"));
  });
}
