// Trouble. After each of these every message is on every screen once, in the order of seq, and `semel check` accepts what
// the browsers did and saw.

import { History } from "./history";
import {
  allIsThereOnce,
  anotherTab,
  badWay,
  gather,
  orderOf,
  together,
  words,
  write,
} from "./once";
import { expect, type Person, test } from "./support";

test("req_b4_three_people_write_at_once", async ({ open, server }) => {
  const { history, people } = await gather({ open, server }, ["ada", "mira", "tomas"]);
  await Promise.all(people.map((one) => write(one, words(one.id, 12))));
  await allIsThereOnce(
    people,
    people.flatMap((one) => words(one.id, 12)),
  );
  for (const one of people) {
    expect(await orderOf(people[0] as Person, one.id)).toEqual(words(one.id, 12));
  }
  await history.judge(server, ["ada", "mira"], "acknowledged,concurrent,converged,agreed");
});

test("req_b7_two_tabs_send_one_outbox", async ({ open, server }) => {
  const { history, kim, ada } = await together({ open, server });
  const other = await anotherTab(kim, history);
  await kim.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await server.kill();
  const said = words("kim", 10);
  for (const [n, text] of said.entries()) {
    await (n % 2 === 0 ? kim : other).say(text);
    // Both tabs have it before the next one is written: what was written first stands first.
    await expect(kim.messages).toHaveCount(n + 1);
    await expect(other.messages).toHaveCount(n + 1);
  }
  await server.up();
  await allIsThereOnce([kim, other, ada], said);
  expect((await kim.everything()).texts).toEqual(said);
  // The one that leads goes in mid-send; the other one goes on.
  await write(kim, words("late", 4));
  await kim.sayForGood("late 5");
  await kim.page.close();
  await allIsThereOnce([other, ada], [...said, ...words("late", 5)]);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("ec_m22_reloads_in_mid_send", async ({ open, server }) => {
  const { history, kim, ada } = await together({ open, server });
  const said = words("kim", 12);
  for (const text of said) {
    if (said.indexOf(text) % 3 !== 2) {
      await kim.say(text);
      continue;
    }
    await kim.sayForGood(text);
    await kim.page.reload();
    await expect(kim.words).toBeVisible();
  }
  await allIsThereOnce([kim, ada], said);
  expect((await ada.everything()).texts).toEqual(said);
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

test("req_b7_double_and_triple_clicks_send_one_message", async ({ open, server }) => {
  const { history, kim, ada } = await together({ open, server });
  const send = kim.page.getByRole("button", { name: "Send", exact: true });
  for (const [text, clickCount] of [
    ["kim 1", 1],
    ["kim 2", 2],
    ["kim 3", 3],
  ] as const) {
    await kim.words.fill(text);
    await send.click({ clickCount });
    await expect(kim.words).toHaveValue("");
  }
  await allIsThereOnce([kim, ada], words("kim", 3));
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
});

/** It is stored, since somebody else has it; on the screen of who wrote it it is still on its way. */
async function isStoredUnanswered(text: string, writer: Person, reader: Person): Promise<void> {
  await expect(reader.messages.filter({ hasText: text })).toHaveCount(1);
  await expect(writer.messages.filter({ hasText: text })).toHaveAttribute("data-seq", "0");
}

test("story_d1_answers_are_lost_after_the_commit", async ({ open, server }) => {
  const proxy = await badWay(server);
  const { history, kim, ada } = await together({ open, server }, { url: proxy.url });
  const other = await anotherTab(kim, history);
  const said: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const [first = "", second = "", third = ""] = words(`kim ${round}`, 3);
    await proxy.loseAnswers(async () => {
      await kim.say(first);
      await isStoredUnanswered(first, kim, ada);
      // What others say now stands after it, whenever its answer comes; so does what waits for that answer.
      await ada.say(`ada ${round}`);
      await expect(ada.page.locator("[data-row][data-seq='0']")).toHaveCount(0);
      await write(kim, [second, third]);
    });
    said.push(first, `ada ${round}`, second, third);
    await expect(ada.messages).toHaveCount(said.length);
  }
  await allIsThereOnce([kim, other, ada], said);
  for (const one of [kim, other, ada]) expect((await one.everything()).texts).toEqual(said);
  await history.judge(server, ["kim", "ada"], "acknowledged,unknown,converged,agreed");
  await proxy.close();
});

test("ec_f02_the_server_dies_after_the_commit_before_it_answers", async ({ open, server }) => {
  const proxy = await badWay(server);
  const { history, kim, ada } = await together({ open, server }, { url: proxy.url });
  await kim.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const said = words("kim", 3);
  for (const text of said) {
    await proxy.loseAnswers(async () => {
      await kim.say(text);
      await isStoredUnanswered(text, kim, ada);
      await server.kill();
    });
    // The page is loaded anew as well, with nobody there to ask.
    if (text === said[1]) {
      await kim.page.reload();
      await expect(kim.messages.filter({ hasText: text })).toHaveCount(1);
    }
    await server.up();
    await expect(kim.page.locator("[data-row][data-seq='0']")).toHaveCount(0, { timeout: 30_000 });
    await ada.isConnected();
  }
  await allIsThereOnce([kim, ada], said);
  expect((await ada.everything()).texts).toEqual(said);
  await history.judge(server, ["kim", "ada"], "unknown,converged,agreed");
  await proxy.close();
});

test("story_d1_the_answer_to_the_first_words_to_somebody_is_lost", async ({ open, server }) => {
  const history = new History();
  const proxy = await badWay(server);
  const kim = await open("kim", { history, url: proxy.url });
  const ada = await open("ada", { history });
  await kim.talkTo("ada");
  await proxy.loseAnswers(async () => {
    await kim.say("kim 1");
    await ada.page.getByRole("link", { name: /Kim/ }).click();
    await isStoredUnanswered("kim 1", kim, ada);
    await ada.say("ada 1");
    await kim.say("kim 2");
  });
  const said = ["kim 1", "ada 1", "kim 2"];
  await allIsThereOnce([kim, ada], said);
  for (const one of [kim, ada]) {
    expect((await one.everything()).texts).toEqual(said);
    await expect(one.page.locator("[data-region=list] li")).toHaveCount(1);
  }
  await history.judge(server, ["kim", "ada"], "acknowledged,unknown,converged,agreed");
  await proxy.close();
});

test("fault_p1_the_server_is_killed_in_mid_conversation", async ({ open, server }) => {
  const { history, people } = await gather({ open, server }, ["ada", "mira", "tomas"]);
  const writing = Promise.all(people.map((one) => write(one, words(one.id, 25))));
  for (let kill = 0; kill < 2; kill += 1) {
    await expect.poll(() => people[0]?.messages.count()).toBeGreaterThan(kill * 10);
    await server.kill();
    await server.up();
  }
  await writing;
  await allIsThereOnce(
    people,
    people.flatMap((one) => words(one.id, 25)),
  );
  for (const one of people) {
    expect(await orderOf(people[1] as Person, one.id)).toEqual(words(one.id, 25));
  }
  await history.judge(server, ["ada", "tomas"], "acknowledged,converged,agreed");
});

test("req_b5_offline_and_back", async ({ open, server }) => {
  const proxy = await badWay(server);
  const { history, kim, ada } = await together({ open, server }, { url: proxy.url });
  await write(kim, words("kim", 2));
  await expect(ada.messages).toHaveCount(2);
  await expect(kim.page.locator("[data-own][data-state=stored]")).toHaveCount(2);
  await kim.page.context().setOffline(true);
  proxy.cut();
  await expect(kim.page.locator("[data-strip]")).toContainText("offline");
  await write(kim, words("away", 4));
  await write(ada, words("ada", 4));
  await expect(kim.page.locator("[data-strip]")).toContainText("4 messages will send");
  await expect(ada.messages).toHaveCount(6);
  await kim.page.context().setOffline(false);
  await allIsThereOnce([kim, ada], [...words("kim", 2), ...words("away", 4), ...words("ada", 4)]);
  expect(await orderOf(ada, "away")).toEqual(words("away", 4));
  await history.judge(server, ["kim", "ada"], "acknowledged,converged,agreed");
  await proxy.close();
});

test("story_l4_a_thread_of_10000_messages", async ({ open, server }) => {
  test.setTimeout(240_000);
  const history = new History();
  const thread = await history.thread(server, "ada", ["mira", "kim"], "Long");
  await server.fill("ada", thread, 10_000, history.witness("ada"));
  const mira = await open("mira", { history, viewport: { width: 1000, height: 2000 } });
  await mira.enter(thread);
  await expect(mira.page.locator("[data-unread]")).toBeVisible();
  // Where the new ones begin, not where they end.
  await expect(mira.page.locator("[data-row][data-seq='1']")).toBeVisible();
  await mira.say("mira 1");
  await expect(mira.page.locator("[data-row][data-seq='10001']")).toBeVisible();
  const { seqs, texts } = await mira.everything();
  expect(seqs).toEqual(Array.from({ length: 10_001 }, (_, n) => n + 1));
  expect(texts.slice(0, 3)).toEqual(["message 1", "message 2", "message 3"]);
  expect(new Set(texts).size).toBe(10_001);
  await history.judge(server, ["ada", "mira"], "acknowledged,converged,agreed");
});

test("a_chat_that_was_begun_without_a_connection_keeps_its_field_when_there_is_one", async ({
  open,
}) => {
  const kim = await open("kim", { serviceWorkers: "block" });
  const { page } = kim;
  const context = page.context();
  await context.setOffline(true);
  await expect(page.locator("[data-strip]")).toContainText("offline");
  await page.evaluate(() => history.pushState(null, "", "/u/tomas"));
  await kim.words.fill("half a sentence");
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route("**/api/users/tomas", async (route) => {
    await held;
    await route.continue();
  });
  await kim.words.evaluate((field) => field.setAttribute("data-same", ""));
  const asked = page.waitForRequest("**/api/users/tomas");
  await context.setOffline(false);
  await asked;
  await kim.isConnected();
  await expect(page.locator("#words[data-same]")).toHaveValue("half a sentence");
  letGo();
  await expect(page.getByRole("heading", { name: "Tomas Silva" })).toBeVisible();
  await expect(page.locator("#words[data-same]")).toHaveValue("half a sentence");
});
