// Groups: what they are about, who may do what, and what it looks like for whom something is not allowed.

import { expect, type Person, test } from "./support";

async function details(one: Person): Promise<void> {
  await one.page.getByRole("button", { name: "Details of this conversation" }).click();
  await expect(one.page.getByRole("heading", { name: "Details" })).toBeVisible();
}

test("p_thread_10_two_people_and_the_rules_of_a_group", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  const [ada, mira] = [await open("ada"), await open("mira")];
  await ada.enter(thread);
  await mira.enter(thread);

  // An admin says what it is about; a participant reads it, and has nothing to press that would be refused.
  await details(ada);
  await ada.page.getByRole("button", { name: "Change title or description" }).click();
  await ada.page.getByLabel("Title", { exact: true }).fill("Design critique");
  await ada.page
    .getByLabel("Description", { exact: true })
    .fill("Fridays at ten.\nBring one screen.");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(ada.page.locator("[data-description]")).toContainText("Bring one screen.");
  await expect(mira.page.locator("[data-region=conversation] h1")).toHaveText("Design critique");
  await details(mira);
  await expect(mira.page.locator("[data-description]")).toContainText("Fridays at ten.");
  await expect(mira.page.locator("[data-rule=posting]")).toHaveText("Everyone");
  await expect(mira.page.locator("[data-rule=history]")).toHaveText("All messages");
  await expect(mira.page.locator("dialog select")).toHaveCount(0);
  await expect(mira.page.getByRole("button", { name: /Manage|Change title/ })).toHaveCount(0);
  await expect(mira.page.getByText("Only admins may add people.")).toBeVisible();

  // Each rule counts for both at once, in the open panel as well.
  await ada.page.getByLabel("Add people", { exact: true }).selectOption("everyone");
  await expect(mira.page.getByText("Add people").last()).toBeVisible();
  await ada.page.getByLabel("Title and description").selectOption("everyone");
  await expect(
    mira.page.getByRole("button", { name: "Change title or description" }),
  ).toBeVisible();
  await ada.page.getByLabel("New members see").selectOption("joined");
  await expect(mira.page.locator("[data-rule=history]")).toHaveText("Only what is new");
  await mira.page.keyboard.press("Escape");
  await ada.page.getByLabel("Write messages").selectOption("admins");
  await expect(mira.words).toHaveCount(0);
  await expect(mira.page.getByText("Only admins may write in this group.")).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await ada.say("Please read the notes first.");
  const first = mira.messages.filter({ hasText: "Please read" });
  await first.focus();
  await first.press("Enter");
  await expect(mira.page.getByRole("button", { name: "Reply" })).toHaveCount(0);
  await mira.page.getByRole("button", { name: "React 👍" }).click();
  await expect(ada.page.getByRole("button", { name: /👍, 1 person/ })).toBeVisible();

  // Who becomes an admin writes again.
  await details(ada);
  await ada.page.getByRole("button", { name: "Manage Mira Okafor" }).click();
  await ada.page.getByRole("button", { name: "Make an admin" }).click();
  await expect(ada.page.locator("[data-member=mira]")).toContainText("Admin");
  await mira.say("I have.");
  await expect(ada.messages.filter({ hasText: "I have." })).toHaveCount(1);
  await ada.page.getByRole("button", { name: "Manage Mira Okafor" }).click();
  await ada.page.getByRole("button", { name: "Take the admin role away" }).click();
  await expect(mira.words).toHaveCount(0);

  // Who is taken out reads what was said, and is told plainly.
  await ada.page.getByRole("button", { name: "Manage Mira Okafor" }).click();
  await ada.page.getByRole("button", { name: "Remove from the group" }).click();
  await ada.page.getByRole("button", { name: "Remove from the group" }).click();
  await expect(ada.page.getByRole("heading", { name: "Details" })).toBeVisible();
  await expect(ada.page.locator("[data-member=mira]")).toHaveCount(0);
  await expect(mira.page.getByText("You are not in this group any more.")).toBeVisible();
  await expect(mira.messages.filter({ hasText: "I have." })).toBeVisible();
  await expect(mira.page.getByRole("button", { name: "Details of this conversation" })).toHaveCount(
    0,
  );
  await expect(mira.page.getByRole("link", { name: /Design critique/ })).toHaveCount(0);
});

test("a_rule_that_changed_meanwhile_is_told_in_plain_words", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  await server.call("ada", "PATCH", `/api/chat/threads/${thread}`, {
    settings: { naming: "everyone" },
  });
  const mira = await open("mira");
  await mira.enter(thread);
  await details(mira);
  await mira.page.getByRole("button", { name: "Change title or description" }).click();
  await mira.page.getByLabel("Title", { exact: true }).fill("Mine");
  // The answer of a server that saw the rule change a moment before this call.
  await mira.page.route("**/api/chat/threads/*", async (route) => {
    if (route.request().method() === "PATCH")
      await server.call("ada", "PATCH", `/api/chat/threads/${thread}`, {
        settings: { naming: "admins" },
      });
    await route.continue();
  });
  await mira.page.getByRole("button", { name: "Save" }).click();
  await expect(mira.page.getByRole("alert")).toHaveText("You may not do this.");
  await expect(mira.page.locator("[data-region=conversation] h1")).toHaveText("Design crit");
});

test("p_operator_1_who_is_suspended_is_told_so_and_comes_back", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  const mira = await open("mira");
  await mira.enter(thread);
  await mira.say("Hello");
  await expect(mira.page.locator("[data-own][data-state=stored]")).toHaveCount(1);
  await server.operate("people/mira/suspend", { reason: "spam" });
  await expect(mira.page.getByRole("heading", { name: "You are suspended" })).toBeVisible();
  await expect(mira.words).toHaveCount(0);
  await mira.page.reload();
  await expect(mira.page.getByRole("heading", { name: "You are suspended" })).toBeVisible();
  // The attempt is over before the suspension is: else it would get in.
  const socket = mira.page.waitForEvent("websocket");
  const attempt = socket.then((one) => one.waitForEvent("close"));
  await mira.page.getByRole("button", { name: "Try again" }).click();
  await attempt;
  await expect(mira.page.getByRole("button", { name: "Try again" })).toBeEnabled();
  await expect(mira.page.getByRole("heading", { name: "You are suspended" })).toBeVisible();
  await server.operate("people/mira/lift", { reason: "a mistake" });
  await mira.page.getByRole("button", { name: "Try again" }).click();
  await expect(mira.words).toBeVisible();
  await mira.say("Here again");
  await expect(mira.page.locator("[data-own][data-state=stored]")).toHaveCount(2);
});

test("p_operator_3_what_an_operator_removed_is_called_so", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
  await server.say("mira", thread, "buy now");
  const ada = await open("ada");
  await ada.enter(thread);
  await expect(ada.messages).toHaveCount(1);
  const { data } = (await (
    await server.call("ada", "GET", `/api/chat/threads/${thread}/messages`)
  ).json()) as { data: { messages: { id: string }[] } };
  const id = data.messages[0]?.id ?? "";
  await server.operate(`threads/${thread}/messages/${id}/remove`, { reason: "spam" });
  await expect(ada.messages.first()).toContainText("An operator of this server removed this");
  await expect(ada.page.getByRole("link", { name: /removed by an operator/ })).toHaveCount(1);
});
