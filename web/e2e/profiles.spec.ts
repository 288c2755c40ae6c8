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
