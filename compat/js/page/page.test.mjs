// The first page in a real browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Browser } from "../support/browser.mjs";
import { Server, makeToken } from "../support/server.mjs";

let server;
let browser;

before(async () => {
  server = await Server.start();
  browser = await Browser.start();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

const address = (who, name) => `${server.url}/#token=${makeToken(who, { claims: { name } })}`;
const isConnected = "!document.getElementById('app').hidden && document.getElementById('strip').hidden";

async function chat(page, people) {
  await page.evaluate(`document.getElementById("new").click();
    document.getElementById("people").value = ${JSON.stringify(people)};
    document.getElementById("new-form").requestSubmit()`);
  await page.until("!document.getElementById('composer').hidden", "an open chat");
}

test("req_d4_two_people_find_the_same_chat_and_talk", async () => {
  const ada = await browser.open(address("ada", "Ada Lovelace"), 1120, 640);
  const mira = await browser.open(address("mira", "Mira Okafor"), 390, 720);
  await ada.until(isConnected);
  await mira.until(isConnected);
  assert.equal(await ada.evaluate("location.hash"), "", "the token stays in the address");
  await chat(ada, "mira");
  await chat(mira, "ada");
  await ada.say("Morning! Did the migration finish overnight?");
  await ada.say("I can take the handover at ten if it helps.");
  await mira.until("document.querySelectorAll('.message').length === 2");
  await mira.say("It did. 41 million rows, zero gaps. The report is in the usual place.");
  await mira.say("Ten works for me.");
  await ada.until("document.querySelectorAll('.message').length === 4");
  await ada.until("document.querySelectorAll('.message.own [aria-label=Read]').length === 2", "read marks");
  await ada.until("document.getElementById('subtitle').textContent === 'Online'");
  assert.deepEqual(await ada.texts(), await mira.texts());

  await ada.evaluate("document.querySelector('.message:not(.own) .tools button').click()");
  await mira.until("document.querySelector('.reactions button')?.textContent === '👍 1'", "a reaction");
  await mira.evaluate(`[...document.querySelectorAll(".message.own .tools button")]
    .find((button) => button.textContent === "Edit").click()`);
  await mira.say("It did. 41 million rows, zero gaps, no repeats. The report is in the usual place.");
  await ada.until("document.body.textContent.includes('no repeats')", "an edit");
  if (process.env.PICTURES) {
    await ada.say("Thank you! Then let us talk at ten.");
    await ada.until("document.querySelectorAll('.message').length === 5 && !document.querySelector('[aria-label=Sending]')");
    await ada.picture(`${process.env.PICTURES}/page.png`);
    await ada.dark();
    await ada.picture(`${process.env.PICTURES}/page-dark.png`);
  }
  for (const width of [320, 768]) {
    await mira.size(width, 640);
    assert.ok((await mira.evaluate("document.documentElement.scrollWidth")) <= width, `scrolls sideways at ${width}`);
  }
});

test("req_b7_a_kill_in_mid_send_and_a_reload_lead_to_one_message", async () => {
  const page = await browser.open(address("kim", "Kim"), 800, 600);
  await page.until(isConnected);
  await chat(page, "ada");
  await server.kill();
  await page.until("!document.getElementById('strip').hidden", "the strip that says so");
  for (const text of ["one", "two", "three"]) await page.say(text);
  await page.send("Page.enable");
  await page.until("document.querySelectorAll('.message').length === 3", "what was said");
  assert.deepEqual(await page.texts(), ["one", "two", "three"]);
  await server.up();
  await page.send("Page.reload");
  await page.until(isConnected);
  await page.until("Object.keys(localStorage).every((key) => !key.startsWith('semel:out:'))", "an empty outbox");
  await page.evaluate("document.querySelector('.row').click()");
  await page.until("document.querySelectorAll('.message').length === 3");
  assert.deepEqual(await page.texts(), ["one", "two", "three"]);
});

test("words_that_look_like_html_are_words", async () => {
  const page = await browser.open(address("eve", "<b>Eve</b>"), 800, 600);
  await page.until(isConnected);
  await chat(page, "ada");
  const words = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>";
  await page.say(words);
  await page.until("document.querySelectorAll('.message.own [aria-label=Sent]').length === 1");
  assert.deepEqual(await page.texts(), [words]);
  assert.equal(await page.evaluate("document.querySelectorAll('.message img, .message script').length"), 0);
  assert.notEqual(await page.evaluate("document.title"), "broken");
});

test("a_token_that_is_none_is_told_so", async () => {
  const page = await browser.open(`${server.url}/#token=nonsense`, 400, 600);
  await page.until("document.getElementById('sign-in-error').textContent.includes('no access token')");
  const expired = makeToken("ada", { claims: { exp: 1 } });
  const other = await browser.open(`${server.url}/#token=${expired}`, 400, 600);
  await other.until("document.getElementById('sign-in-error').textContent.includes('not valid any more')");
});

test("no_page_broke_a_rule_of_the_policy", () => {
  assert.deepEqual(browser.complaints, []);
});
