import { limits } from "@semel/sdk";
import { History } from "./history";
import { expect, test } from "./support";

test("req_d4_two_people_find_the_same_chat_and_talk", async ({ open, server }) => {
  const history = new History();
  const viewport = { width: 390, height: 720 };
  const ada = await open("ada", { name: "Ada Lovelace", history });
  const mira = await open("mira", { name: "Mira Okafor", history, viewport });
  expect(new URL(ada.page.url()).hash, "the token stays in the address").toBe("");
  await ada.talkTo("mira");
  await mira.talkTo("ada");
  await ada.say("Morning! Did the migration finish overnight?");
  await ada.say("I can take the handover at ten if it helps.");
  await expect(mira.messages).toHaveCount(2);
  await mira.say("It did. 41 million rows, zero gaps.");
  await mira.say("Ten works for me.");
  await expect(ada.messages).toHaveCount(4);
  await expect(ada.page.locator("[data-own][data-state=read]")).toHaveCount(2);
  await expect(ada.page.locator("[data-region=conversation] header")).toContainText("Online");
  expect(await ada.texts()).toEqual(await mira.texts());
  await expect(ada.page.getByRole("link", { name: /Mira Okafor/ })).toHaveCount(1);
  // Before anything is changed: a witness is told of what is sent, not of changes.
  await history.judge(server, ["ada", "mira"], "acknowledged,converged,agreed");

  // A reaction, an edit, a reply, a deletion reach the other side.
  const first = mira.messages.first();
  await first.focus();
  await first.press("Enter");
  await mira.page.getByRole("button", { name: "React 👍" }).click();
  await expect(ada.messages.first().getByRole("button", { name: /👍, 1 person/ })).toBeVisible();
  await mira.words.press("ArrowUp");
  await expect(mira.words).toHaveValue("Ten works for me.");
  await mira.say("Ten works well for me.");
  await expect(ada.messages.nth(3)).toContainText("Ten works well for me.edited");
  await ada.messages.nth(2).focus();
  await ada.messages.nth(2).press("r");
  await ada.say("Wonderful.");
  await expect(mira.messages.nth(4)).toContainText("It did. 41 million rows");
  await ada.messages.nth(1).focus();
  await ada.messages.nth(1).press("Delete");
  await ada.page.getByRole("button", { name: "Delete" }).click();
  await expect(mira.messages.nth(1)).toContainText("This message was deleted.");
  expect(await ada.texts()).toEqual(await mira.texts());
});

test("req_b7_a_kill_in_mid_send_and_a_reload_lead_to_one_message", async ({ open, server }) => {
  const history = new History();
  const kim = await open("kim", { history });
  await kim.talkTo("ada");
  await server.kill();
  await expect(kim.page.locator("[data-strip]")).toContainText("offline");
  for (const text of ["one", "two", "three"]) await kim.say(text);
  await expect(kim.messages).toHaveCount(3);
  await expect(kim.page.locator("[data-strip]")).toContainText("3 messages will send");
  // The page itself comes from the service worker, which has it once it is installed.
  await kim.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await kim.page.reload();
  await expect(kim.messages).toHaveCount(3);
  expect(await kim.texts()).toEqual(["one", "two", "three"]);
  await server.up();
  await expect(kim.page.locator("[data-own][data-state=stored]")).toHaveCount(3);
  expect(await kim.texts()).toEqual(["one", "two", "three"]);
  await expect(kim.page.locator("[data-strip]")).toBeHidden();
  await kim.page.reload();
  await expect(kim.messages).toHaveCount(3);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("web_4_twenty_presses_of_enter_on_a_slow_machine_send_one_message", async ({
  open,
  server,
}) => {
  const history = new History();
  const kim = await open("kim", { history });
  await kim.talkTo("ada");
  const cdp = await kim.page.context().newCDPSession(kim.page);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 6 });
  await kim.words.fill("once");
  // Ten before the page has drawn anything, ten as fast as they come.
  await kim.words.evaluate((field) => {
    for (let press = 0; press < 10; press += 1) {
      const options = { key: "Enter", bubbles: true, cancelable: true };
      field.dispatchEvent(new KeyboardEvent("keydown", options));
    }
  });
  await Promise.all(Array.from({ length: 10 }, () => kim.page.keyboard.press("Enter")));
  await kim.say("and this");
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await expect(kim.page.locator("[data-own][data-state=stored]")).toHaveCount(2);
  expect(await kim.texts()).toEqual(["once", "and this"]);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("web_25_enter_that_ends_a_composition_sends_nothing", async ({ open }) => {
  const kim = await open("kim");
  await kim.talkTo("ada");
  await kim.words.fill("にほん");
  for (const order of ["Chrome", "Safari"]) {
    await kim.words.evaluate((field, order) => {
      const compose = (type: string) =>
        field.dispatchEvent(new CompositionEvent(type, { bubbles: true, data: "にほん" }));
      const press = (more: object) => {
        const options = { key: "Enter", keyCode: 229, bubbles: true, cancelable: true, ...more };
        field.dispatchEvent(new KeyboardEvent("keydown", options));
      };
      compose("compositionstart");
      compose("compositionupdate");
      if (order === "Chrome") press({ isComposing: true });
      compose("compositionend");
      // The composition is over, the key is told by its number only.
      if (order === "Safari") press({});
      field.dispatchEvent(new KeyboardEvent("keyup", { key: "Enter", bubbles: true }));
    }, order);
    await expect(kim.words).toHaveValue("にほん");
  }
  await expect(kim.messages).toHaveCount(0);
  // The next one is meant.
  await kim.words.press("Enter");
  await expect(kim.words).toHaveValue("");
  await expect(kim.messages).toHaveCount(1);
});

test("two_clicks_on_make_group_make_one_group", async ({ open, server }) => {
  const ada = await open("ada");
  await server.threadOf("ada", ["mira"]);
  await ada.page.getByRole("button", { name: "New chat" }).first().click();
  for (const id of ["mira", "tomas"]) {
    await ada.page.getByLabel("Name or id").fill(id);
    await ada.page.keyboard.press("Enter");
  }
  await ada.page.getByLabel("Title of the group").fill("Design crit");
  await ada.page.getByRole("button", { name: "Make group" }).dblclick();
  await expect(ada.page.locator("[data-region=conversation] h1")).toHaveText("Design crit");
  await ada.page.goto(server.url);
  await expect(ada.page.getByRole("link", { name: /Design crit/ })).toHaveCount(1);
});

test("words_that_look_like_html_are_words", async ({ open }) => {
  const eve = await open("eve", { name: "<b>Eve</b>" });
  await eve.talkTo("ada");
  const words = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;
  await eve.say(words);
  await expect(eve.page.locator("[data-own][data-state=stored]")).toHaveCount(1);
  expect(await eve.texts()).toEqual([words]);
  expect(await eve.page.locator("[data-row] img, [data-row] script").count()).toBe(0);
  expect(await eve.page.title()).not.toBe("broken");
});

test("a_draft_outlives_a_reload_and_is_shown_in_the_list", async ({ open, server }) => {
  await server.threadOf("kim", ["ada"]);
  const kim = await open("kim");
  await kim.talkTo("ada");
  await kim.words.fill("the slides are");
  await expect(kim.page.getByRole("link", { name: /Draft: the slides are/ })).toBeVisible();
  await kim.page.reload();
  await expect(kim.words).toHaveValue("the slides are");
});

test("a_token_that_is_none_is_told_so", async ({ browser, server }) => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/#token=nonsense`);
  await expect(page.getByRole("alert")).toContainText("no access token");
  await page.close();
  const other = await browser.newPage();
  await other.goto(`${server.url}/#token=${server.token("ada", { exp: 1 })}`);
  await expect(other.getByRole("alert")).toContainText("has ended");
  await other.getByRole("button", { name: "Sign in again" }).click();
  await expect(other.getByRole("alert")).toContainText("not valid any more");
  await other.close();
});

test("a_draft_of_an_answer_keeps_what_it_answers_over_a_reload", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira"]);
  await server.say("ada", thread, "shall we?");
  const mira = await open("mira");
  await mira.enter(thread);
  const { page } = mira;
  await mira.messages.filter({ hasText: "shall we?" }).focus();
  await page.keyboard.press("r");
  const context = page.locator("[data-context]");
  await expect(context).toContainText("shall we?");
  await mira.words.fill("of course");
  await expect(page.locator("[data-region=list]")).toContainText("Draft: of course");
  await page.reload();
  await expect(mira.words).toHaveValue("of course");
  await expect(context).toContainText("shall we?");
  await mira.words.press("Enter");
  await expect(context).toHaveCount(0);
  const answer = mira.messages.filter({ hasText: "of course" });
  await expect(answer.locator("[data-quote]")).toContainText("shall we?");
  await page.reload();
  await expect(mira.words).toHaveValue("");
  await expect(context).toHaveCount(0);
});

test("what_others_say_is_told_aloud_also_when_it_never_stops_and_when_it_is_said_twice", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira"]);
  await server.fill("ada", thread, 40);
  const mira = await open("mira");
  await mira.enter(thread);
  await expect(mira.messages.filter({ hasText: "message 40" })).toBeVisible();
  const told = mira.page.locator("[data-announcer] p");
  // History is no news: one message is one.
  await server.say("ada", thread, "again");
  await expect(told).toHaveText("New message from Ada Lovelace: again");
  await told.evaluate((node) => node.setAttribute("data-heard", ""));
  await server.say("ada", thread, "again");
  await expect(mira.page.locator("[data-announcer] p:not([data-heard])")).toHaveText(
    "New message from Ada Lovelace: again",
  );
  const talking = server.chatter("ada", thread, 4);
  await expect(told).toHaveText(/\d new messages from Ada Lovelace/);
  await talking.stop();
});

test("the_first_words_in_an_empty_chat_are_told_aloud", async ({ open, server }) => {
  const mira = await open("mira");
  await mira.talkTo("ada");
  const thread = await server.threadOf("ada", ["mira"]);
  await server.say("ada", thread, "hello");
  await expect(mira.page.locator("[data-announcer] p")).toHaveText(
    "New message from Ada Lovelace: hello",
  );
});

test("people_of_a_reaction_are_called_by_their_names_also_when_they_are_no_contacts", async ({
  open,
  server,
}) => {
  // So many that sharing the group makes nobody a contact.
  const many = Array.from({ length: limits.CONTACTS_FROM_GROUP_MAX }, (_, n) => `one ${n}`);
  for (const id of many) await server.call(id, "GET", "/api/users/me");
  const thread = await server.threadOf("ada", ["mira", "tomas", ...many], "Strangers");
  await server.say("ada", thread, "hello");
  const list = await server.call("mira", "GET", `/api/chat/threads/${thread}/messages`);
  const { data } = (await list.json()) as { data: { messages: { id: string; seq: number }[] } };
  const said = data.messages.findLast(() => true);
  const path = `/api/chat/threads/${thread}/messages/${said?.id}/reactions/${encodeURIComponent("👍")}`;
  expect((await server.call("mira", "PUT", path)).status).toBe(200);
  const tomas = await open("tomas");
  await tomas.enter(thread);
  await tomas.messages.last().press("Enter");
  const who = tomas.page.getByRole("list", { name: "Reactions" });
  await expect(who).toContainText("Mira Okafor");
});
