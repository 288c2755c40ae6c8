// Links into groups: made by one person, followed by another.

import type { Page } from "@playwright/test";
import { expect, type Person, type Server, test } from "./support";

test.use({ settings: { SEMEL_PHONE_SENDER: "terminal" } });

async function openInvites({ page }: Person): Promise<void> {
  await page.getByRole("button", { name: "Details of this conversation" }).click();
  await page.getByText("Invite by link").click();
  await expect(page.getByRole("button", { name: "Make a link" })).toBeVisible();
}

/** A link that was made without a browser, as a page of this server. */
async function linkInto(server: Server, thread: string, bounds = {}): Promise<string> {
  const answer = await server.call("ada", "POST", `/api/chat/threads/${thread}/invites`, bounds);
  const { data } = (await answer.json()) as { data: { invite: { token: string } } };
  return `/join#${data.invite.token}`;
}

async function usesOf(server: Server, thread: string): Promise<number[]> {
  const answer = await server.call("ada", "GET", `/api/chat/threads/${thread}/invites`);
  const { data } = (await answer.json()) as { data: { invites: { uses: number }[] } };
  return data.invites.map(({ uses }) => uses);
}

function pathOf(page: Page): string {
  const { pathname, hash } = new URL(page.url());
  return pathname + hash;
}

test("p_invite_1_p_invite_5_somebody_follows_a_link_signs_in_joins_and_writes", async ({
  open,
  visit,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  const ada = await open("ada");
  await ada.enter(thread);
  await openInvites(ada);
  await expect(ada.page.getByText("There is no link into this group.")).toBeVisible();
  await ada.page.getByLabel("How long it counts").selectOption("1 day");
  await ada.page.getByLabel("How many people it lets in").selectOption("5 people");
  await ada.page.getByRole("button", { name: "Make a link" }).click();
  // It is made: the next key copies it.
  await expect(ada.page.getByRole("button", { name: "Copy the link" })).toBeFocused();
  await expect(ada.page.locator("[data-invite]")).toContainText("0 of 5 joined");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.getByText("Copied.")).toHaveCount(1);
  const link = await ada.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(new RegExp(`^${server.url}/join#[\\w-]{43}$`));

  // Nobody is signed in: first that, then back to the link, which stands in no history.
  const page = await visit(link.slice(server.url.length));
  await expect(page.getByText("You were invited to a group.")).toBeVisible();
  expect(pathOf(page)).toBe("/join");
  await page.getByLabel("Phone number").fill("+493012345678");
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("Code").fill(await server.codeFor("+493012345678"));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Design crit" })).toBeVisible();
  await expect(page.getByText("3 members")).toBeVisible();
  await expect(page.getByText(/Mira|Tomas|Ada/)).toHaveCount(0);
  await page.getByRole("button", { name: "Join group" }).click();
  await expect(page.locator("#words")).toBeVisible();
  await expect(page.locator("[data-region=conversation] h1")).toHaveText("Design crit");
  expect(pathOf(page)).toBe(`/c/${thread}`);
  await page.locator("#words").fill("Hello from the link");
  await page.keyboard.press("Enter");
  await expect(page.locator("[data-own][data-state=stored]")).toHaveCount(1);
  await ada.page.keyboard.press("Escape");
  await expect(ada.messages.filter({ hasText: "Hello from the link" })).toHaveCount(1);
  await expect(ada.page.locator("[data-region=conversation] header")).toContainText("4 members");
  await openInvites(ada);
  await expect(ada.page.locator("[data-invite]")).toContainText("1 of 5 joined");

  // Who is in is led to where they are, and uses nothing of the link.
  await page.goto(link);
  await expect(page.getByText("You are in this group already")).toBeVisible();
  await page.getByRole("button", { name: "Open group" }).click();
  await expect(page.locator("#words")).toBeVisible();
  expect(await usesOf(server, thread)).toEqual([1]);

  // From then on it leads nowhere.
  await ada.page.getByRole("button", { name: "Revoke" }).click();
  await ada.page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(ada.page.getByText("There is no link into this group.")).toBeVisible();
  const kim = await open("kim");
  await kim.page.goto(link);
  await expect(kim.page.getByRole("heading", { name: "This link leads nowhere" })).toBeVisible();
  await kim.page.getByRole("button", { name: "Back to chats" }).click();
  expect(pathOf(kim.page)).toBe("/");
});

test("p_invite_5_the_answer_to_joining_is_lost", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  const link = await linkInto(server, thread, { uses_max: 5 });
  const { page } = await open("kim");
  const keys: (string | undefined)[] = [];
  await page.route("**/api/invites/join", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    const answer = await route.fetch();
    expect(answer.status()).toBe(200);
    if (keys.length === 1) await route.abort();
    else await route.fulfill({ response: answer });
  });
  await page.goto(server.url + link);
  await page.getByRole("button", { name: "Join group" }).dblclick();
  await expect(page.locator("#words")).toBeVisible();
  await expect(page.locator("[data-region=conversation] h1")).toHaveText("Design crit");
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBeTruthy();
  expect(keys[1]).toBe(keys[0]);
  expect(await usesOf(server, thread)).toEqual([1]);
});

test("p_invite_4_p_invite_6_links_that_let_nobody_in_say_why_and_what_to_do", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  const kim = await open("kim");
  const nowhere = kim.page.getByRole("heading", { name: "This link leads nowhere" });
  await kim.page.goto(`${server.url}/join`);
  await expect(nowhere).toBeVisible();
  await kim.page.goto(`${server.url}/join#cut-off`);
  await expect(nowhere).toBeVisible();
  await kim.page.goto(`${server.url}/join#${"A".repeat(43)}`);
  await expect(nowhere).toBeVisible();

  // Another link in the same tab, without loading the page anew; looked at while the server is away.
  const link = await linkInto(server, thread, { uses_max: 1 });
  await kim.page.route("**/api/invites/look", (route) => route.abort());
  await kim.page.evaluate((hash) => {
    location.hash = hash;
  }, link.slice("/join#".length));
  await expect(kim.page.getByRole("alert")).toContainText("There is no connection", {
    timeout: 40_000,
  });
  await kim.page.unroute("**/api/invites/look");
  await kim.page.getByRole("button", { name: "Try again" }).click();
  await expect(kim.page.getByRole("heading", { name: "Design crit" })).toBeVisible();

  // Somebody was faster.
  await server.call("eve", "GET", "/api/users/me");
  const token = link.slice("/join#".length);
  expect((await server.call("eve", "POST", "/api/invites/join", { token })).status).toBe(200);
  await kim.page.getByRole("button", { name: "Join group" }).click();
  await expect(nowhere).toBeVisible();

  // Whom somebody took out.
  await server.call("ada", "DELETE", `/api/chat/threads/${thread}/participants/eve`);
  const eve = await open("eve");
  await eve.page.goto(server.url + (await linkInto(server, thread)));
  await expect(
    eve.page.getByRole("heading", { name: "You were taken out of this group" }),
  ).toBeVisible();

  // Who may not add people has nothing to press.
  const mira = await open("mira");
  await mira.enter(thread);
  await mira.page.getByRole("button", { name: "Details of this conversation" }).click();
  await expect(mira.page.getByText("Only admins may add people.")).toBeVisible();
  await expect(mira.page.getByText("Invite by link")).toHaveCount(0);
  await server.call("ada", "PATCH", `/api/chat/threads/${thread}`, {
    settings: { adding: "everyone" },
  });
  await mira.page.getByText("Invite by link").click();
  await expect(mira.page.locator("[data-invite]")).toHaveCount(2);
  await expect(mira.page.locator("[data-invite]").last()).toContainText("Used up: 1 of 1");
  await expect(mira.page.locator("[data-invite]").first()).toContainText("by Ada Lovelace");
  // The links of others are not hers to revoke.
  await expect(mira.page.getByRole("button", { name: "Revoke" })).toHaveCount(0);
  await mira.page.getByRole("button", { name: "Make a link" }).click();
  await expect(mira.page.getByRole("button", { name: "Revoke" })).toHaveCount(1);
});
