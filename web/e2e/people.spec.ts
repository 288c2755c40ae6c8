// Finding people, what they are called here, and whom one does not want to hear.

import { expect, type Server, test } from "./support";

async function handleOf(server: Server, id: string, handle: string): Promise<void> {
  const answer = await server.call(id, "PUT", "/api/users/me/handle", { handle });
  expect(answer.status).toBe(200);
}

test("p_people_2_somebody_is_found_by_their_handle_and_a_chat_begins", async ({ open, server }) => {
  await handleOf(server, "mira", "mira_o");
  const [ada, mira] = [await open("ada"), await open("mira")];
  await ada.page.getByRole("button", { name: "New chat" }).first().click();
  const field = ada.page.getByLabel("Name or id");
  await field.fill("@nobody_here");
  await field.press("Enter");
  await expect(ada.page.getByText("Nobody is found by that.")).toBeVisible();
  await field.fill("@mira_o");
  await ada.page.getByRole("button", { name: "Find “@mira_o”" }).click();
  await expect(ada.page.getByRole("button", { name: "Remove Mira Okafor" })).toBeVisible();
  await ada.page.getByRole("button", { name: "Open chat" }).click();
  // She is no contact yet, and is called by her name all the same.
  await expect(ada.page.getByRole("heading", { name: "Mira Okafor" })).toBeVisible();
  await ada.say("Hello Mira");
  await mira.page.getByRole("link", { name: /Ada Lovelace/ }).click();
  await expect(mira.messages.filter({ hasText: "Hello Mira" })).toBeVisible();
});

test("p_people_1_a_handle_is_taken_changed_and_given_up", async ({ open, server }) => {
  await handleOf(server, "mira", "taken_one");
  const { page } = await open("ada");
  await page.goto(`${server.url}/settings`);
  const field = page.getByRole("textbox", { name: "Your handle" });
  await field.fill("taken_one");
  await field.press("Enter");
  await expect(page.getByText("Somebody else has this handle")).toBeVisible();
  await field.fill("1ada");
  await page.getByRole("button", { name: "Take it" }).click();
  await expect(page.getByText("That is no handle that can be taken.")).toBeVisible();
  await field.fill("@Ada_L");
  await page.getByRole("button", { name: "Take it" }).click();
  await expect(field).toHaveValue("ada_l");
  await expect(page.getByRole("button", { name: "Change it" })).toBeDisabled();
  await page.reload();
  await expect(field).toHaveValue("ada_l");
  const found = () => server.call("mira", "POST", "/api/users/find", { handle: "ada_l" });
  const who = async () => ((await (await found()).json()) as { data: { user: unknown } }).data.user;
  expect(await who()).toMatchObject({ user_id: "ada" });
  await page.getByLabel("By your handle").selectOption("nobody");
  await expect.poll(who).toBeNull();
  await page.reload();
  await expect(page.getByLabel("By your handle")).toHaveValue("nobody");
  await page.getByRole("button", { name: "Give it up" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Give it up" }).click();
  await expect(page.getByText("You have no handle now.")).toBeVisible();
  await expect(field).toHaveValue("");
});

test("p_own_1_a_name_of_ones_own_is_used_everywhere_and_seen_by_nobody_else", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira"]);
  await server.say("mira", thread, "hello");
  const group = await server.threadOf("ada", ["mira", "tomas"], "Boats");
  await server.say("mira", group, "ahoy");
  const [ada, tomas] = [await open("ada"), await open("tomas")];
  await ada.page.goto(`${server.url}/u/mira`);
  await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
  const details = ada.page.locator("[data-details]");
  await details.getByLabel("Your name for them").fill("Captain");
  await details.getByRole("button", { name: "Save" }).click();
  await expect(details.getByText("Calls themselves Mira Okafor")).toBeVisible();
  await expect(details.getByRole("link", { name: "Boats" })).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await expect(details).toHaveCount(0);
  await expect(ada.page.getByRole("heading", { name: "Captain" })).toBeVisible();
  await expect(ada.page.getByRole("link", { name: /Captain hello/ })).toBeVisible();
  await expect(ada.page.getByRole("link", { name: /Boats Captain: ahoy/ })).toBeVisible();
  await ada.page.keyboard.press("Control+k");
  await ada.page.getByRole("combobox").fill("capt");
  await expect(ada.page.getByRole("option", { name: /Captain/ }).first()).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await ada.page.goto(`${server.url}/people`);
  await expect(ada.page.getByRole("link", { name: /Captain/ })).toBeVisible();
  await expect(tomas.page.getByRole("link", { name: /Boats Mira Okafor: ahoy/ })).toBeVisible();
});

test("p_own_1_who_is_mentioned_is_offered_and_managed_by_the_name_of_ones_own", async ({
  open,
  server,
}) => {
  const group = await server.threadOf("ada", ["mira", "tomas"], "Boats");
  await server.call("ada", "PATCH", "/api/contacts/mira", { own_name: "Captain" });
  const ada = await open("ada");
  await ada.enter(group);
  const offered = ada.page.getByRole("listbox", { name: "People to mention" }).getByRole("option");
  await ada.words.pressSequentially("@");
  await expect(offered).toHaveText(["CCaptainmira", "TSTomas Silvatomas"]);
  // By any of her names.
  for (const typed of ["capt", "okaf", "mira"]) {
    await ada.words.fill(`@${typed}`);
    await expect(offered).toHaveText(["CCaptainmira"]);
  }
  await ada.words.press("Enter");
  await expect(ada.words).toHaveValue("@mira ");
  await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
  await ada.page.getByRole("button", { name: "Manage Captain" }).click();
  await ada.page.getByRole("button", { name: "Remove from the group" }).click();
  await expect(ada.page.getByRole("heading", { name: /Captain/ })).toBeVisible();
});

test("p_block_1_whom_somebody_blocks_cannot_write_and_is_not_told", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira"]);
  await server.say("mira", thread, "hello");
  const [ada, mira] = [await open("ada"), await open("mira")];
  await ada.page.goto(`${server.url}/u/mira`);
  await mira.enter(thread);
  await ada.page.getByRole("button", { name: "Details of this conversation" }).click();
  await ada.page.getByRole("button", { name: "Block…" }).click();
  await expect(ada.page.getByRole("heading", { name: "Block Mira Okafor?" })).toBeVisible();
  await ada.page.getByRole("button", { name: "Block", exact: true }).click();
  await expect(ada.page.locator("[data-details]").getByText("Unblock")).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await expect(ada.page.getByText("You have blocked Mira Okafor.")).toBeVisible();
  await expect(ada.words).toHaveCount(0);
  await mira.say("are you there?");
  await expect(mira.page.getByText("This person cannot be reached.")).toBeVisible();
  await expect(mira.words).toBeVisible();
  await ada.page.goto(`${server.url}/settings`);
  await expect(ada.page.locator("[data-blocked=mira]")).toBeVisible();
  await ada.page.getByRole("button", { name: "Unblock Mira Okafor" }).click();
  await expect(ada.page.getByText("You have blocked nobody.")).toBeVisible();
  await mira.page.getByRole("button", { name: "Retry" }).click();
  await expect(mira.page.locator("[data-own][data-state=failed]")).toHaveCount(0);
  await ada.page.goto(`${server.url}/u/mira`);
  await expect(ada.messages.filter({ hasText: "are you there?" })).toHaveCount(1);
  await expect(ada.words).toBeVisible();
});

test("p_report_1_a_person_is_reported", async ({ open, server }) => {
  await server.threadOf("ada", ["mira", "tomas"], "Boats");
  const { page } = await open("ada");
  await page.getByRole("link", { name: /Boats/ }).click();
  await page.getByRole("button", { name: "Details of this conversation" }).click();
  await page.getByRole("button", { name: "Mira Okafor", exact: true }).click();
  await page.getByRole("button", { name: "Report…" }).click();
  await expect(page.getByRole("heading", { name: "Report this person" })).toBeVisible();
  await page.getByLabel("Fraud or impersonation").check();
  await page.getByLabel("More about it").fill("Says to be a captain.");
  await page.getByRole("button", { name: "Report", exact: true }).click();
  await expect(page.getByText("The operators will look at it.")).toBeVisible();
  const claims = { scope: "operator" };
  const answer = await server.call("boss", "GET", "/api/operator/reports", undefined, claims);
  const { data } = (await answer.json()) as { data: { reports: unknown[] } };
  expect(data.reports).toMatchObject([{ user_id: "mira", reason: "fraud" }]);
});

test("p_own_2_a_muted_chat_is_muted_on_all_devices", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira"]);
  await server.say("mira", thread, "hello");
  const [phone, laptop] = [await open("ada"), await open("ada")];
  await phone.page.goto(`${server.url}/u/mira`);
  await phone.page.getByRole("button", { name: "Details of this conversation" }).click();
  await phone.page.getByLabel("No notifications of this chat").check();
  await expect(laptop.page.getByRole("img", { name: "Without notifications" })).toBeVisible();
});
