// Signing in at the server itself: its codes come to its terminal.

import type { Page } from "@playwright/test";
import { Provider } from "./provider";
import { expect, type Server, test } from "./support";

const codes = { SEMEL_PHONE_SENDER: "terminal", SEMEL_EMAIL_SENDER: "terminal" };

async function enter(page: Page, server: Server, kind: "phone" | "email", to: string) {
  const before = server.log.length;
  const isEmail = kind === "email";
  if (isEmail) await page.getByRole("button", { name: "Use an e-mail address" }).click();
  await page.getByLabel(isEmail ? "E-mail address" : "Phone number").fill(to);
  await page.getByRole("button", { name: "Send me a code" }).click();
  const code = await server.codeFor(to.replaceAll(" ", ""), before);
  await page.getByLabel("Code").fill(`${code.slice(0, 3)} ${code.slice(3)}`);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Chats" })).toBeVisible();
}

/** Names of what the browser keeps of somebody. */
function databases(page: Page): Promise<(string | undefined)[]> {
  return page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
}

/** Words of messages in everything that the browser keeps. */
function wordsKept(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    let all = "";
    for (const { name = "" } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const records = database.transaction(store).objectStore(store).getAll();
        all += JSON.stringify(await done(records));
      }
      database.close();
    }
    return [...all.matchAll(/"content":"(.*?)"/g)].map(([, words = ""]) => words);
  });
}

test.describe("with codes", () => {
  test.use({ settings: codes });

  test("req_d2_a_code_signs_in_and_a_reload_renews_with_the_cookie", async ({ visit, server }) => {
    const page = await visit();
    await enter(page, server, "phone", "+49 30 12345678");
    await page.goto(`${server.url}/self`);
    await page.locator("#words").fill("milk");
    await page.locator("#words").press("Enter");
    await expect(page.locator("[data-own][data-state=stored]")).toHaveCount(1);
    const kept = await page.evaluate(() => JSON.stringify(localStorage) + document.cookie);
    expect(kept, "a script can read what lets somebody in").not.toMatch(/eyJ|refresh/);
    // Memory is gone: the cookie alone brings a new token.
    const renewed = page.waitForResponse((answer) => answer.url().endsWith("/api/auth/refresh"));
    await page.reload();
    expect((await renewed).status()).toBe(200);
    await expect(page.locator("[data-row]")).toHaveCount(1);
    await page.locator("#words").fill("bread");
    await page.locator("#words").press("Enter");
    await expect(page.locator("[data-own][data-state=stored]")).toHaveCount(2);
  });

  test("req_d2_a_wrong_code_is_told_and_the_right_one_counts", async ({ visit, server }) => {
    const page = await visit();
    await page.getByLabel("Phone number").fill("12");
    await page.getByRole("button", { name: "Send me a code" }).click();
    await expect(page.getByRole("alert").filter({ hasText: /\S/ })).toBeVisible();
    await page.getByLabel("Phone number").fill("+493012345679");
    await page.getByRole("button", { name: "Send me a code" }).click();
    const code = await server.codeFor("+493012345679");
    await page.getByLabel("Code").fill(code === "111111" ? "222222" : "111111");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("alert")).toContainText("not the code");
    await page.getByLabel("Code").fill(code);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Chats" })).toBeVisible();
  });

  test("req_d2_signing_out_leaves_nothing_behind_in_any_tab", async ({ visit, server }) => {
    const page = await visit();
    await enter(page, server, "email", "ada@example.org");
    await page.goto(`${server.url}/self`);
    await page.locator("#words").fill("a secret");
    await page.locator("#words").press("Enter");
    await expect(page.locator("[data-own][data-state=stored]")).toHaveCount(1);
    const other = await page.context().newPage();
    await other.goto(`${server.url}/self`);
    await expect(other.locator("[data-row]")).toHaveCount(1);
    expect(await databases(page)).toHaveLength(1);
    await page.goto(`${server.url}/settings`);
    await page.getByRole("button", { name: "Sign out" }).last().click();
    await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByLabel("Phone number")).toBeVisible();
    await expect(other.getByLabel("Phone number")).toBeVisible();
    expect(await databases(page)).toEqual([]);
    const cookies = await page.context().cookies();
    expect(cookies.filter(({ name }) => name === "semel_refresh")).toEqual([]);
    await page.reload();
    await expect(page.getByLabel("Phone number")).toBeVisible();
    const left = await page.evaluate(() => Object.keys(localStorage));
    expect(left.filter((name) => !["semel:look", "semel:device"].includes(name))).toEqual([]);
  });

  test("req_d2_a_device_that_is_signed_out_elsewhere_says_so_and_keeps_only_what_was_not_sent", async ({
    visit,
    server,
  }) => {
    const phone = await visit();
    await enter(phone, server, "phone", "+493012345677");
    await phone.goto(`${server.url}/self`);
    await phone.locator("#words").fill("milk");
    await phone.locator("#words").press("Enter");
    await expect(phone.locator("[data-own][data-state=stored]")).toHaveCount(1);
    const laptop = await visit("/settings");
    const before = server.log.length;
    await laptop.getByLabel("Phone number").fill("+493012345677");
    await laptop.getByRole("button", { name: "Send me a code" }).click();
    await laptop.getByLabel("Code").fill(await server.codeFor("+493012345677", before));
    await laptop.keyboard.press("Enter");
    await expect(laptop.locator("[data-session]")).toHaveCount(2);
    await expect(laptop.locator("[data-session]").filter({ hasText: "This device" })).toHaveCount(
      1,
    );
    // What is written without a connection waits, and goes when the same person is back.
    await phone.context().setOffline(true);
    await phone.locator("#words").fill("bread");
    await phone.locator("#words").press("Enter");
    await expect(phone.locator("[data-own]")).toHaveCount(2);
    await laptop.getByRole("button", { name: /^Sign out Chrome/ }).click();
    await laptop.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
    await expect(laptop.locator("[data-session]")).toHaveCount(1);
    await phone.context().setOffline(false);
    await expect(phone.getByText("This device was signed out.")).toBeVisible();
    await expect(phone.locator("[data-row]")).toHaveCount(0);
    await expect.poll(() => wordsKept(phone)).toEqual(["bread"]);
    const later = server.log.length;
    await phone.getByLabel("Phone number").fill("+493012345677");
    await phone.getByRole("button", { name: "Send me a code" }).click();
    await phone.getByLabel("Code").fill(await server.codeFor("+493012345677", later));
    await phone.keyboard.press("Enter");
    await expect(phone.locator("[data-own][data-state=stored]")).toHaveCount(2);
  });

  test("p_auth_11_the_operators_first_link_works_once", async ({ visit, server }) => {
    const link = /operator http:\/\/\S+?(\/#operator=\S+)/.exec(server.log)?.[1];
    const page = await visit(link);
    expect(new URL(page.url()).hash).toBe("");
    await expect(page.getByText("Sign in to become the operator")).toBeVisible();
    await enter(page, server, "phone", "+493012345676");
    await expect(page.getByText("You are the operator of this server now.")).toBeVisible();
    const second = await visit(link);
    await enter(second, server, "phone", "+493012345675");
    await expect(second.getByText("link was not taken")).toBeVisible();
  });
});

const provider = await Provider.start();
test.afterAll(() => provider.close());

test.describe("with a provider", () => {
  test.use({
    settings: {
      SEMEL_PUBLIC_URL: "{url}",
      SEMEL_OIDC_PROVIDERS: provider.setting,
    },
  });

  test("req_d2_a_provider_signs_in_and_the_person_is_where_they_were", async ({
    visit,
    server,
  }) => {
    const page = await visit("/self");
    provider.refuses = true;
    await page.getByRole("button", { name: "Continue with Google" }).click();
    await expect(page.getByRole("alert").first()).toContainText("was not completed");
    expect(new URL(page.url()).hash).toBe("");
    provider.refuses = false;
    await page.getByRole("button", { name: "Continue with Google" }).click();
    await expect(page.locator("#words")).toBeVisible();
    expect(new URL(page.url()).pathname).toBe("/self");
    await page.goto(`${server.url}/settings`);
    await expect(page.getByLabel("Your name")).toHaveValue("Grace Hopper");
  });

  test("p_invite_1_a_provider_leads_back_to_the_link", async ({ visit, server }) => {
    const thread = await server.threadOf("ada", ["mira", "tomas"], "Design crit");
    const made = await server.call("ada", "POST", `/api/chat/threads/${thread}/invites`, {});
    const { data } = (await made.json()) as { data: { invite: { token: string } } };
    const page = await visit(`/join#${data.invite.token}`);
    await expect(page.getByText("You were invited to a group.")).toBeVisible();
    await page.getByRole("button", { name: "Continue with Google" }).click();
    await page.getByRole("button", { name: "Join group" }).click();
    await expect(page.locator("#words")).toBeVisible();
    expect(new URL(page.url()).pathname).toBe(`/c/${thread}`);
  });
});
