import { BadProxy } from "../../sdk/test/support/proxy";
import { expect, test } from "./support";

test("p_profile_1_p_profile_3_a_changed_name_is_seen_without_news_and_after_being_offline", async ({
  open,
  server,
}) => {
  test.setTimeout(120_000);
  const group = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  await server.say("ada", group, "Shall we?");
  const direct = await server.threadOf("ada", ["mira"]);
  await server.say("ada", direct, "Morning!");
  const proxy = await BadProxy.start(() => Number(new URL(server.url).port));
  const mira = await open("mira", { url: proxy.url });
  const ada = await open("ada");
  await mira.enter(group);
  const bubble = mira.page.locator("[data-region=timeline]").getByText("Ada Lovelace");
  await expect(bubble).toBeVisible();
  const list = mira.page.locator("[data-region=list]");
  const header = mira.page.locator("[data-region=conversation] header");

  const rename = async (name: string) => {
    await ada.page.goto(new URL("/settings", ada.page.url()).href);
    const field = ada.page.getByLabel("Your name");
    await expect(field).not.toHaveValue("");
    await field.fill(name);
    await ada.page.getByRole("button", { name: "Save" }).first().click();
    await expect(ada.page.getByText("Saved.")).toBeVisible();
  };
  const isSeen = async (name: string) => {
    await mira.enter(group);
    await expect(list.getByRole("link", { name: new RegExp(name) })).toHaveCount(2);
    await expect(mira.page.locator("[data-region=timeline]").getByText(name)).toBeVisible();
    await mira.enter(direct);
    await expect(header).toContainText(name);
  };
  await rename("Ada King");
  // Nothing is touched: the bubble on the screen changes by itself.
  await expect(mira.page.locator("[data-region=timeline]").getByText("Ada King")).toBeVisible();
  await expect(bubble).toHaveCount(0);
  await isSeen("Ada King");

  await mira.page.context().setOffline(true);
  proxy.cut();
  await expect(mira.page.locator("[data-strip]")).toContainText("offline");
  await rename("Countess of Lovelace");
  await expect(header).toContainText("Ada King");
  await mira.page.context().setOffline(false);
  // Until it comes back: what failed meanwhile made it wait.
  await expect(header).toContainText("Countess of Lovelace", { timeout: 60_000 });
  await isSeen("Countess of Lovelace");
  // No thread had news by any of it.
  const messages = await server.call("mira", "GET", `/api/chat/threads/${group}/messages`);
  expect(JSON.stringify(await messages.json())).not.toContain("Countess");
  await proxy.close();
});

test("a_title_made_of_names_follows_them_and_has_ones_own", async ({ open, server }) => {
  const some = ["mira", "tomas"];
  const group = await server.threadOf("ada", some);
  await server.say("ada", group, "Shall we?");
  const mira = await open("mira");
  const { page } = mira;
  const line = page.locator("[data-region=list] li a");
  const header = page.locator("[data-region=conversation] h1");
  await mira.enter(group);
  const isCalled = async (title: string) => {
    await expect(line).toContainText(title);
    await expect(header).toHaveText(title);
  };
  await isCalled("Ada Lovelace, Mira Okafor and Tomas Silva");
  const rename = async (who: string, display_name: string) => {
    const answer = await server.call(who, "PATCH", "/api/users/me", { display_name });
    expect(answer.status).toBe(200);
  };
  await rename("ada", "Ada King");
  await isCalled("Ada King, Mira Okafor and Tomas Silva");
  // On a device that never knew the old name.
  const tomas = await open("tomas");
  await tomas.enter(group);
  const title = tomas.page.locator("[data-region=conversation] h1");
  await expect(title).toHaveText("Ada King, Mira Okafor and Tomas Silva");
  // A name of one's own is for oneself.
  await server.call("mira", "PATCH", "/api/contacts/tomas", { own_name: "Captain" });
  await isCalled("Ada King, Mira Okafor and Captain");
  await expect(title).toHaveText("Ada King, Mira Okafor and Tomas Silva");
  await page.getByRole("button", { name: "Details of this conversation" }).click();
  await expect(page.locator("[data-details]").getByText("and Captain")).toBeVisible();
  await page.keyboard.press("Escape");

  const change = (title: string) =>
    server.call("ada", "PATCH", `/api/chat/threads/${group}`, { title });
  // A title that somebody chose has no names to follow, also when it is the same words.
  await change("Ada King, Mira Okafor and Tomas Silva");
  await isCalled("Ada King, Mira Okafor and Tomas Silva");
  await rename("ada", "Countess");
  await expect(mira.messages.last()).toContainText("named the group");
  await expect(page.getByRole("link", { name: /Countess/ })).toHaveCount(0);
  await change("");
  await isCalled("Countess, Mira Okafor and Captain");
  await page.reload();
  await isCalled("Countess, Mira Okafor and Captain");
  // More than three: as many others.
  const expand = `/api/chat/threads/${group}/expand`;
  await server.call("ada", "POST", expand, { new_participants: ["kim"] });
  await isCalled("Countess, Mira Okafor, Captain and 1 other");
});
