// Every page in every width and in both colours: nothing for axe to find, nothing that scrolls sideways. Pictures of them
// all are in `pictures/` afterwards.

import type { Page } from "@playwright/test";
import { isSound, schemes, widths } from "./look";
import { photograph } from "./png";
import { expect, type Server, test } from "./support";

async function linkInto(server: Server, from: string, thread: string, bounds: unknown) {
  const answer = await server.call(from, "POST", `/api/chat/threads/${thread}/invites`, bounds);
  const { data } = (await answer.json()) as { data: { invite: { token: string } } };
  return data.invite.token;
}

/** A group of Ada's with a link that counts and one that is used up. */
async function groupWithLinks(server: Server) {
  await server.call("eve", "GET", "/api/users/me");
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Announcements");
  const token = await linkInto(server, "ada", thread, { uses_max: 50, expires_in_minutes: 10_080 });
  const used = await linkInto(server, "ada", thread, { uses_max: 1 });
  await server.call("eve", "POST", "/api/invites/join", { token: used });
  return { thread, link: `/join#${token}` };
}

async function choose(page: Page, buffer: Buffer): Promise<void> {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /^(Choose a picture|Change picture)$/ }).click();
  await (await chooser).setFiles({ name: "picture.png", mimeType: "image/png", buffer });
}

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
      await expect(ada.page.getByRole("dialog")).toBeVisible();
      await isSound(ada.page, name("palette"));
      await ada.page.keyboard.press("Escape");
      await ada.page.keyboard.press("Control+/");
      await expect(ada.page.getByRole("dialog")).toBeVisible();
      await isSound(ada.page, name("keys"));
      await ada.page.keyboard.press("Escape");
      const row = ada.messages.last();
      await row.focus();
      await row.press("Enter");
      await expect(ada.page.getByRole("dialog")).toBeVisible();
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
      await expect(kim.page.getByRole("dialog")).toBeVisible();
      await isSound(kim.page, name("new"));
    });
  }
}

for (const colorScheme of schemes) {
  for (const width of widths) {
    test(`axe_finds_nothing_in_groups_${colorScheme}_${width}`, async ({ open, server }) => {
      const thread = await server.threadOf("ada", ["mira", "tomas"], "Announcements");
      const description = "What is new in the design system.\nQuestions go to the crit on Fridays.";
      const settings = { posting: "admins", history: "joined" };
      await server.call("ada", "PATCH", `/api/chat/threads/${thread}`, { description, settings });
      await server.say("ada", thread, "Version 4 is out.");
      const options = { colorScheme, viewport: { width, height: 740 } };
      const [ada, mira] = [await open("ada", options), await open("mira", options)];
      const name = (part: string) => `${part}-${colorScheme}-${width}`;
      await ada.enter(thread);
      await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
      await ada.page.getByRole("button", { name: "Manage Mira Okafor" }).click();
      await isSound(ada.page, name("group-admin"));
      await ada.page.getByRole("button", { name: "Change title or description" }).click();
      await isSound(ada.page, name("group-change"));
      await mira.page.goto(`${server.url}/c/${thread}`);
      await expect(mira.page.getByText("Only admins may write")).toBeVisible();
      await isSound(mira.page, name("group-read-only"));
      await mira.messages.last().focus();
      await mira.messages.last().press("Enter");
      await mira.page.getByRole("button", { name: "Report…" }).click();
      await expect(mira.page.getByLabel("More about it")).toBeVisible();
      await isSound(mira.page, name("report"));
      await mira.page.keyboard.press("Escape");
      await mira.page.getByRole("button", { name: "Who are they?" }).click();
      await expect(mira.page.locator("[data-description]")).toBeVisible();
      await isSound(mira.page, name("group-participant"));
      await mira.page.keyboard.press("Escape");
      await server.call("ada", "DELETE", `/api/chat/threads/${thread}/participants/mira`);
      await expect(mira.page.getByText("You are not in this group any more.")).toBeVisible();
      await isSound(mira.page, name("group-former"));
      await server.operate("people/mira/suspend", { reason: "spam" });
      await expect(mira.page.getByRole("heading", { name: "You are suspended" })).toBeVisible();
      await isSound(mira.page, name("suspended"));
    });
  }
}

for (const colorScheme of schemes) {
  for (const width of widths) {
    test(`axe_finds_nothing_in_links_and_pictures_${colorScheme}_${width}`, async ({
      open,
      server,
    }) => {
      const options = { colorScheme, viewport: { width, height: 740 } };
      const { thread, link } = await groupWithLinks(server);
      const [ada, kim] = [await open("ada", options), await open("kim", options)];
      const name = (part: string) => `${part}-${colorScheme}-${width}`;
      await ada.page.goto(`${server.url}/settings`);
      await choose(ada.page, photograph(300, 200, [150, 60, 40, 255]));
      await isSound(ada.page, name("picture-chosen"));
      await ada.page.getByRole("button", { name: "Use this picture" }).click();
      await expect(ada.page.locator("[data-face=here]").first()).toBeVisible();
      await choose(ada.page, Buffer.from("nothing"));
      await expect(ada.page.getByText("cannot be read as a picture")).toBeVisible();
      await isSound(ada.page, name("picture-bad"));
      await ada.enter(thread);
      await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
      await choose(ada.page, photograph(200, 300, [40, 90, 140, 255]));
      await ada.page.getByRole("button", { name: "Use this picture" }).click();
      await expect(ada.page.getByRole("button", { name: "Remove picture" })).toBeVisible();
      await expect(ada.page.locator("[data-details] [data-face=here]")).toHaveCount(2);
      await ada.page
        .locator("[data-details] > [data-scroll]")
        .evaluate((panel) => panel.scrollTo(0, 0));
      await isSound(ada.page, name("group-picture"));
      await ada.page.getByText("Invite by link").click();
      await ada.page.getByRole("button", { name: "Make a link" }).click();
      await expect(ada.page.locator("[data-invite]")).toHaveCount(3);
      await ada.page.getByText("Invite by link").scrollIntoViewIfNeeded();
      await isSound(ada.page, name("invite-links"));
      await ada.page.getByRole("button", { name: "Revoke" }).last().click();
      await expect(ada.page.getByRole("heading", { name: "Revoke this link?" })).toBeVisible();
      await isSound(ada.page, name("invite-revoke"));
      await kim.page.goto(server.url + link);
      await expect(kim.page.getByRole("button", { name: "Join group" })).toBeVisible();
      await isSound(kim.page, name("join"));
      await kim.page.getByRole("button", { name: "Join group" }).click();
      await expect(kim.words).toBeVisible();
      await expect(kim.page.locator("[data-region=conversation] [data-face=here]")).toBeVisible();
      await isSound(kim.page, name("joined"));
      await kim.page.goto(server.url + link);
      await expect(kim.page.getByRole("button", { name: "Open group" })).toBeVisible();
      await isSound(kim.page, name("join-in"));
      await kim.page.goto(`${server.url}/join`);
      await kim.page.goto(`${server.url}/join#cut-off`);
      await expect(kim.page.getByText("This link leads nowhere")).toBeVisible();
      await isSound(kim.page, name("join-nowhere"));
      await server.call("ada", "DELETE", `/api/chat/threads/${thread}/participants/kim`);
      await kim.page.goto(server.url + link);
      await expect(kim.page.getByText("You were taken out")).toBeVisible();
      await isSound(kim.page, name("join-out"));
    });
  }
}

for (const colorScheme of schemes) {
  for (const width of widths) {
    test(`axe_finds_nothing_for_operators_${colorScheme}_${width}`, async ({ open, server }) => {
      const thread = await server.threadOf("mira", ["tomas", "kim"], "Design crit");
      await server.say("mira", thread, "Buy now, only today: https://example.org/offer");
      const said = await server.call("tomas", "GET", `/api/chat/threads/${thread}/messages`);
      const { data } = (await said.json()) as { data: { messages: { id: string }[] } };
      const path = `/api/chat/threads/${thread}/messages/${data.messages[0]?.id}/report`;
      const report = { reason: "spam", details: "In every group." };
      for (const who of ["tomas", "kim"]) await server.call(who, "POST", path, report);
      const reason = "Advertisements in every group, after two warnings.";
      await server.operate("people/mira/suspend", { reason });
      await server.operate("people/mira/lift", { reason: "They promised to stop." });
      await server.operate("people/mira/suspend", { reason: "They did not." });
      const viewport = { width, height: 740 };
      const { page } = await open("ada", { isOperator: true, colorScheme, viewport });
      const name = (part: string) => `${part}-${colorScheme}-${width}`;
      await page.goto(`${server.url}/operator`);
      await expect(page.getByRole("heading", { name: "Operator" })).toBeVisible();
      await isSound(page, name("operator"));
      await page.goto(`${server.url}/operator/log`);
      await expect(page.locator("[data-deed]")).toHaveCount(3);
      await expect(page.locator("[data-deed]").first()).toContainText("Mira Okafor");
      await isSound(page, name("operator-log"));
      await page.goto(`${server.url}/operator/reports`);
      await expect(page.locator("[data-report]").first()).toContainText("Mira Okafor");
      await isSound(page, name("operator-reports"));
      await page.goto(`${server.url}/operator/people`);
      await page.getByLabel("Whom do you look for?").fill("mira");
      await page.keyboard.press("Enter");
      await expect(page.locator("[data-person=mira]")).toContainText("Suspended");
      await isSound(page, name("operator-person"));
      await page.getByRole("button", { name: "Lift the suspension…" }).click();
      await expect(page.getByLabel("Reason")).toBeFocused();
      await isSound(page, name("operator-reason"));
    });
  }
}

for (const colorScheme of schemes) {
  for (const width of widths) {
    test(`axe_finds_nothing_about_people_${colorScheme}_${width}`, async ({ open, server }) => {
      const thread = await server.threadOf("ada", ["mira"]);
      await server.say("mira", thread, "hello");
      await server.threadOf("ada", ["mira", "tomas"], "Boats");
      await server.call("tomas", "PUT", "/api/users/me/handle", { handle: "tomas_s" });
      await server.call("mira", "PATCH", "/api/users/me", { about: "Colours, mostly blue ones." });
      await server.call("ada", "PATCH", "/api/contacts/mira", { own_name: "Mira of the crit" });
      const ada = await open("ada", { colorScheme, viewport: { width, height: 740 } });
      const { page } = ada;
      const name = (part: string) => `${part}-${colorScheme}-${width}`;
      await page.goto(`${server.url}/u/mira`);
      await page.getByRole("button", { name: "Details of this conversation" }).click();
      await expect(page.getByText("Colours, mostly blue ones.")).toBeVisible();
      await expect(page.getByText("Calls themselves")).toBeVisible();
      await isSound(page, name("person"));
      await page.getByRole("button", { name: "Block…" }).click();
      await isSound(page, name("person-block"));
      await page.getByRole("button", { name: "Block", exact: true }).click();
      await expect(page.locator("[data-details]").getByText("Unblock")).toBeVisible();
      await page.getByRole("button", { name: "Report…" }).click();
      await expect(page.getByRole("heading", { name: "Report this person" })).toBeVisible();
      await isSound(page, name("person-report"));
      await page.keyboard.press("Escape");
      await page.goto(`${server.url}/u/mira`);
      await expect(page.getByText("You have blocked")).toBeVisible();
      await isSound(page, name("person-blocked"));
      await page.goto(`${server.url}/settings`);
      await page.locator("[data-blocked=mira]").scrollIntoViewIfNeeded();
      await isSound(page, name("settings-blocked"));
      await page.goto(`${server.url}/u/nobody-at-all`);
      await expect(page.getByText("Nobody here is known as")).toBeVisible();
      await isSound(page, name("nobody"));
      await page.goto(`${server.url}/`);
      await page.getByRole("button", { name: "New chat" }).first().click();
      await page.getByLabel("Name or id").fill("@tomas_s");
      await isSound(page, name("new-find"));
      await page.keyboard.press("Enter");
      await expect(page.getByRole("button", { name: "Remove Tomas Silva" })).toBeVisible();
      await isSound(page, name("new-found"));
    });
  }
}

for (const width of widths) {
  test(`axe_finds_nothing_from_right_to_left_${width}`, async ({ open, server }) => {
    const thread = await server.threadOf("mira", ["ada", "tomas"], "نقد التصميم");
    const settings = { adding: "everyone" };
    await server.call("mira", "PATCH", `/api/chat/threads/${thread}`, { settings });
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
    await ada.page.goto(`${server.url}/c/${thread}`);
    await ada.page.getByRole("button", { name: "تفاصيل هذه المحادثة" }).click();
    await expect(ada.page.locator("[data-member=mira]")).toBeVisible();
    await isSound(ada.page, `group-rtl-${width}`);
    await ada.page.getByText("دعوة برابط").click();
    await ada.page.getByRole("button", { name: "أنشئ رابطًا" }).click();
    await expect(ada.page.locator("[data-invite]")).toHaveCount(1);
    await isSound(ada.page, `invite-links-rtl-${width}`);
    const other = await server.threadOf("mira", ["tomas", "kim"], "إعلانات");
    const token = await linkInto(server, "mira", other, {});
    await ada.page.goto(`${server.url}/join#${token}`);
    await expect(ada.page.getByRole("button", { name: "انضمّ إلى المجموعة" })).toBeVisible();
    await isSound(ada.page, `join-rtl-${width}`);
    await server.operate("people/tomas/suspend", { reason: "إعلانات" });
    const operator = server.token("kim", { scope: "operator" });
    await ada.page.evaluate(() => localStorage.removeItem("semel:account"));
    await ada.page.goto(`${server.url}/operator/log#token=${operator}`);
    await expect(ada.page.locator("[data-deed]")).toHaveCount(1);
    await isSound(ada.page, `operator-log-rtl-${width}`);
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
