// What operators do in the browser, and that nobody else is shown any of it.

import { expect, test } from "./support";

test("p_operator_1_an_operator_suspends_lifts_and_reads_the_log", async ({ open, server }) => {
  const thread = await server.threadOf("mira", ["ada", "tomas"], "Design crit");
  const [ada, mira] = [await open("ada", { isOperator: true }), await open("mira")];
  await mira.enter(thread);
  await ada.page.getByRole("link", { name: "Operator" }).click();
  await ada.page.getByRole("link", { name: /People.*Find/ }).click();
  const field = ada.page.getByLabel("Whom do you look for?");
  await field.fill("nobody-of-that-name");
  await field.press("Enter");
  await expect(ada.page.getByText("Nobody is found by that.")).toBeVisible();
  await field.fill("mira");
  await field.press("Enter");
  const card = ada.page.locator("[data-person=mira]");
  await expect(card).toContainText("Mira Okafor");

  // Nothing is done without a reason.
  await card.getByRole("button", { name: "Suspend…" }).click();
  await ada.page.getByRole("button", { name: "Suspend", exact: true }).click();
  await expect(ada.page.getByRole("heading", { name: "Suspend Mira Okafor?" })).toBeVisible();
  await ada.page.getByLabel("Reason").fill("Advertisements in every group.");
  await ada.page.getByRole("button", { name: "Suspend", exact: true }).click();
  await expect(mira.page.getByRole("heading", { name: "You are suspended" })).toBeVisible();
  await expect(card).toContainText("Suspended");
  await expect(card.locator("[data-deed=suspend]")).toContainText("Advertisements in every group.");
  await expect(card.getByRole("button", { name: "Suspend…" })).toHaveCount(0);

  await card.getByRole("button", { name: "Lift the suspension…" }).click();
  await ada.page.getByLabel("Reason").fill("They promised to stop.");
  await ada.page.getByRole("button", { name: "Lift", exact: true }).click();
  await expect(card.locator("[data-deed=lift]")).toContainText("They promised to stop.");
  await mira.page.getByRole("button", { name: "Try again" }).click();
  await expect(mira.words).toBeVisible();

  await ada.page.getByRole("link", { name: /Log/ }).click();
  const lines = ada.page.locator("[data-deed]");
  await expect(lines).toHaveCount(2);
  await expect(lines.first()).toContainText(/Ada Lovelace.? lifted the suspension of/);
  await expect(lines.last()).toContainText("Mira Okafor");
});

test("p_operator_3_an_operator_removes_a_message_from_the_conversation", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("mira", ["ada", "tomas"], "Design crit");
  await server.say("mira", thread, "buy now");
  const [ada, tomas] = [await open("ada", { isOperator: true }), await open("tomas")];
  await ada.enter(thread);
  await tomas.enter(thread);
  for (const one of [tomas, ada]) {
    await one.messages.first().focus();
    await one.messages.first().press("Enter");
    await expect(one.page.getByRole("button", { name: "React 👍" })).toBeVisible();
    const remove = one.page.getByRole("button", { name: "Remove as operator…" });
    if (one === tomas) {
      await expect(remove).toHaveCount(0);
      await one.page.keyboard.press("Escape");
    } else await remove.click();
  }
  await ada.page.getByLabel("Reason").fill("An advertisement.");
  await ada.page.getByRole("button", { name: "Remove", exact: true }).click();
  for (const one of [ada, tomas])
    await expect(one.messages.first()).toContainText("An operator of this server removed this");
});

test("p_operator_4_the_log_is_read_page_by_page", async ({ open, server }) => {
  for (let n = 1; n <= 60; n += 1) {
    const reason = `reason ${n}`;
    await server.operate(`people/kim/${n % 2 === 1 ? "suspend" : "lift"}`, { reason });
  }
  const ada = await open("ada", { isOperator: true });
  await ada.page.goto(`${server.url}/operator/log`);
  const lines = ada.page.locator("[data-deed]");
  await expect(lines).toHaveCount(50);
  await ada.page.getByRole("button", { name: "Show earlier ones" }).click();
  await expect(lines).toHaveCount(60);
  await expect(ada.page.getByRole("button", { name: "Show earlier ones" })).toHaveCount(0);
  const reasons = await ada.page.locator("[data-deed] p:nth-child(2)").allTextContents();
  expect(reasons).toEqual(Array.from({ length: 60 }, (_, n) => `“reason ${60 - n}”`));
});

test("only_operators_are_shown_the_way_there", async ({ open, server }) => {
  const kim = await open("kim");
  await expect(kim.page.getByRole("link", { name: "People" })).toBeVisible();
  await expect(kim.page.getByRole("link", { name: "Operator" })).toHaveCount(0);
  // By its address it is a page that says no.
  await kim.page.goto(`${server.url}/operator/log`);
  await expect(
    kim.page.getByRole("alert").filter({ hasText: "You may not do this." }),
  ).toBeVisible();
  await expect(kim.page.locator("[data-deed]")).toHaveCount(0);
});

test.describe("a fresh server", () => {
  test.use({ settings: { SEMEL_PHONE_SENDER: "terminal" } });

  test("p_auth_11_whoever_takes_the_link_is_shown_the_way_at_once", async ({ visit, server }) => {
    const link = /#operator=(\S+)/.exec(server.log)?.[1] ?? "";
    expect(link).not.toBe("");
    const page = await visit(`/#operator=${link}`);
    await page.getByLabel("Phone number").fill("+49301234567");
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByLabel("Code").fill(await server.codeFor("+49301234567"));
    await page.keyboard.press("Enter");
    await expect(page.getByText("You are the operator of this server now.")).toBeVisible();
    await expect(page.getByRole("link", { name: "Operator" })).toBeVisible();
    await page.reload();
    await page.getByRole("link", { name: "Operator" }).click();
    await page.getByRole("link", { name: /Log/ }).click();
    await expect(page.getByRole("heading", { name: "Log" })).toBeVisible();
    await expect(page.getByRole("alert").filter({ hasText: /\S/ })).toHaveCount(0);
  });
});

test("a_message_is_reported_and_an_operator_resolves_the_report", async ({ open, server }) => {
  const thread = await server.threadOf("mira", ["ada", "tomas"], "Design crit");
  await server.say("mira", thread, "buy now");
  const [ada, tomas] = [await open("ada", { isOperator: true }), await open("tomas")];
  await tomas.enter(thread);
  await tomas.messages.first().focus();
  await tomas.messages.first().press("Enter");
  await tomas.page.getByRole("button", { name: "Report…" }).click();
  await tomas.page.getByLabel("Unwanted advertisement").check();
  await tomas.page.getByLabel("More about it").fill("In every group.");
  await tomas.page.getByRole("button", { name: "Report", exact: true }).click();
  await expect(tomas.page.getByText("The operators will look at it.")).toBeVisible();
  await tomas.page.getByRole("button", { name: "Close" }).last().click();
  await ada.page.goto(`${server.url}/operator/reports`);
  const card = ada.page.locator("[data-report=open]");
  await expect(card).toContainText("buy now");
  await expect(card).toContainText("In every group.");
  await expect(card).toContainText("Mira Okafor");
  await card.getByRole("button", { name: "Remove the message…" }).click();
  await ada.page.getByLabel("Reason").fill("An advertisement.");
  await ada.page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(ada.page.locator("[data-report=message_removed]")).toHaveCount(1);
  await expect(tomas.messages.first()).toContainText("An operator of this server removed this");
});
