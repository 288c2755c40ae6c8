// What the page says and does around conversations: lists, keys, notifications, links that sign in.

import { expect, test } from "./support";

test("a_lost_connection_is_said_on_every_page", async ({ open, server }) => {
  const ada = await open("ada");
  const strip = ada.page.locator("[data-strip]");
  await server.kill();
  for (const path of ["/people", "/settings", "/"]) {
    await ada.page.evaluate((to) => {
      history.pushState(null, "", to);
    }, path);
    await expect(ada.page.locator("[data-region=list] h1")).toBeVisible();
    await expect(strip).toContainText("You’re offline.");
  }
  await server.up();
  await expect(strip).toBeHidden();
});

test("a_conversation_that_is_not_there_is_said_not_to_be_there", async ({ open, server }) => {
  const theirs = await server.threadOf("mira", ["tomas"]);
  await server.say("mira", theirs, "between us");
  const ada = await open("ada");
  for (const id of [theirs, crypto.randomUUID(), "nonsense"]) {
    await ada.page.goto(`${server.url}/c/${id}`);
    await expect(ada.page.locator("[data-missing=gone]")).toBeVisible();
    await expect(ada.words).toHaveCount(0);
  }
  await ada.page.goto(`${server.url}/u/nobody-at-all`);
  await expect(ada.page.getByText("Nobody here is known as nobody-at-all.")).toBeVisible();
  await expect(ada.words).toHaveCount(0);
  // Who is here and has not talked yet is greeted.
  await ada.page.goto(`${server.url}/u/mira`);
  await expect(ada.page.getByText("Say hello to Mira Okafor")).toBeVisible();
});

test("what_is_still_on_its_way_looks_like_that_and_not_empty", async ({ visit, server }) => {
  const thread = await server.threadOf("ada", ["mira"]);
  await server.say("mira", thread, "hello");
  const page = await visit("/people");
  // A device that holds nothing yet, and a server that takes its time with the first answer.
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.routeWebSocket("**/socket.io/**", (socket) => {
    const up = socket.connectToServer();
    up.onMessage(async (data) => {
      if (String(data).startsWith("43")) await held;
      socket.send(data);
    });
  });
  await page.goto(`${server.url}/u/mira#token=${server.token("ada")}`);
  await expect(page.locator("[data-missing=loading]")).toBeVisible();
  await expect(page.getByText("Say hello to")).toHaveCount(0);
  await page.goto(`${server.url}/c/${thread}`);
  await expect(page.locator("[data-missing=loading]")).toBeVisible();
  letGo();
  await expect(page.locator("[data-row]").filter({ hasText: "hello" })).toBeVisible();
});

test("a_link_with_a_token_of_somebody_else_asks_first", async ({ open, server }) => {
  // Both have names: hers is newer than what her token says, and nobody has to know their id.
  await server.call("ada", "PATCH", "/api/users/me", { display_name: "Ada King" });
  const { page } = await open("ada");
  const kept = () => page.evaluate(() => localStorage.getItem("semel:account"));
  await expect.poll(kept).toContain("Ada King");
  const link = `${server.url}/#token=${server.token("mira")}`;
  await page.goto(`${server.url}/settings`);
  await page.goto(link);
  await page.reload();
  await page.goto("about:blank");
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Use another account?" })).toBeVisible();
  expect(new URL(page.url()).hash).toBe("");
  await expect(page.getByRole("main")).toContainText("On this device Ada King is signed in.");
  await page.getByRole("button", { name: "Stay Ada King" }).click();
  await page.goto(`${server.url}/settings`);
  await expect(page.getByText("Your id: ada")).toBeVisible();
  await page.goto("about:blank");
  await page.goto(link);
  await page.getByRole("button", { name: "Continue as Mira Okafor" }).click();
  await page.goto(`${server.url}/settings`);
  await expect(page.getByText("Your id: mira")).toBeVisible();
  // One's own newer token is nothing to ask about.
  await page.goto("about:blank");
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Chats" })).toBeVisible();
  // Where the names are the same, the ids tell the accounts apart; they stand alone where there is no name.
  const same = server.token("tomas", { name: "Mira Okafor" });
  await page.goto("about:blank");
  await page.goto(`${server.url}/#token=${same}`);
  await expect(page.getByRole("button", { name: "Stay Mira Okafor (mira)" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Continue as Mira Okafor (tomas)" })).toBeVisible();
  await page.goto("about:blank");
  await page.goto(`${server.url}/#token=${server.token("tomas", { name: undefined })}`);
  await expect(page.getByRole("button", { name: "Continue as tomas" })).toBeVisible();
});

test("a_notification_comes_from_the_worker_and_leads_to_its_chat", async ({ open, server }) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Once");
  const mira = await open("mira");
  const { page } = mira;
  const context = page.context();
  await context.grantPermissions(["notifications"]);
  await context.addInitScript(() => {
    document.hasFocus = () => false;
    // As on phones.
    window.Notification = class extends Notification {
      constructor(title: string) {
        super(title);
        throw new TypeError("Illegal constructor");
      }
    };
  });
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  // Chats begin when everything that was missed is here: what comes from now on is news.
  await page.goto(`${server.url}/u/tomas`);
  await expect(mira.words).toBeVisible();
  await server.say("ada", thread, "one");
  const worker = context.serviceWorkers()[0];
  if (worker === undefined) throw new Error("no worker");
  const shown = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({ title, body }) => ({ title, body }));
    });
  await expect.poll(shown).toEqual([{ title: "Once", body: "one" }]);
  await worker.evaluate(async () => {
    const self = globalThis as unknown as {
      registration: ServiceWorkerRegistration;
      dispatchEvent(event: Event): boolean;
      NotificationEvent: new (name: string, more: object) => Event;
    };
    const [notification] = await self.registration.getNotifications();
    self.dispatchEvent(new self.NotificationEvent("notificationclick", { notification }));
  });
  await expect.poll(() => new URL(page.url()).pathname).toBe(`/c/${thread}`);
  await expect.poll(shown).toEqual([]);
  // What is muted is not told.
  const path = `/api/chat/threads/${thread}/preferences`;
  await server.call("mira", "PATCH", path, { muted: true });
  await page.goto(`${server.url}/people`);
  await mira.isConnected();
  await server.say("ada", thread, "two");
  await page.goto(server.url);
  await expect(page.getByRole("link", { name: /Ada Lovelace: two/ })).toBeVisible();
  expect(await shown()).toEqual([]);
});

test("notifications_go_when_they_are_read_or_their_person_does_and_lead_nobody_else", async ({
  open,
  server,
}) => {
  const thread = await server.threadOf("ada", ["mira", "kim"], "Once");
  const mira = await open("mira");
  const { page } = mira;
  const context = page.context();
  await context.grantPermissions(["notifications"]);
  await context.addInitScript(() => {
    document.hasFocus = () => false;
  });
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  // Chats begin when everything that was missed is here: what comes from now on is news.
  await page.goto(`${server.url}/u/tomas`);
  await expect(mira.words).toBeVisible();
  const shown = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({ body }) => body);
    });
  await server.say("ada", thread, "one");
  await expect.poll(shown).toEqual(["one"]);
  // It was told to somebody else.
  const worker = context.serviceWorkers()[0];
  await page.evaluate(() => {
    navigator.serviceWorker.addEventListener("message", () => {
      document.documentElement.dataset["wasClicked"] = "";
    });
  });
  await worker?.evaluate(async (path) => {
    const self = globalThis as unknown as {
      registration: ServiceWorkerRegistration;
      dispatchEvent(event: Event): boolean;
      NotificationEvent: new (name: string, more: object) => Event;
    };
    const data = { path, user_id: "kim" };
    await self.registration.showNotification("Once", { tag: "kim's", body: "for Kim", data });
    const [notification] = await self.registration.getNotifications({ tag: "kim's" });
    self.dispatchEvent(new self.NotificationEvent("notificationclick", { notification }));
  }, `/c/${thread}`);
  await expect(page.locator("html[data-was-clicked]")).toHaveCount(1);
  expect(new URL(page.url()).pathname).toBe("/u/tomas");
  expect(await shown()).toEqual(["one"]);
  await server.call("mira", "POST", `/api/chat/threads/${thread}/read`, { seq: 1 });
  await expect.poll(shown).toEqual([]);
  await server.say("ada", thread, "two");
  await expect.poll(shown).toEqual(["two"]);
  await page.goto(`${server.url}/settings`);
  expect(await shown()).toEqual(["two"]);
  await page.getByRole("button", { name: "Sign out" }).last().click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Access token")).toBeVisible();
  expect(await shown()).toEqual([]);
});

test("a_thousand_chats_are_a_list_of_which_little_is_drawn", async ({ open, server }) => {
  test.setTimeout(180_000);
  const most = 1_000;
  for (let from = 0; from < most; from += 20) {
    const some = Array.from({ length: 20 }, (_, n) => from + n);
    const make = (n: number) =>
      server.call("ada", "POST", "/api/chat/create-or-get", {
        participants: ["mira"],
        thread_type: "group",
        title: `Group ${n}`,
        distinct: false,
      });
    const made = await Promise.all(some.map(make));
    expect(made.map(({ status }) => status)).toEqual(some.map(() => 201));
  }
  const { page } = await open("ada");
  const rows = page.locator("[data-region=list] li");
  await expect(rows.first()).toHaveAttribute("aria-setsize", String(most));
  expect(await rows.count()).toBeLessThan(60);
  const links = page.locator("[data-region=list] li a");
  await expect(page.locator("[data-region=list] li a[tabindex='0']")).toHaveCount(1);
  await links.first().focus();
  await page.keyboard.press("End");
  await expect(page.locator("li:focus-within")).toHaveAttribute("aria-posinset", String(most));
  await page.keyboard.press("PageUp");
  await page.keyboard.press("ArrowUp");
  await expect(page.locator("li:focus-within")).toHaveAttribute("aria-posinset", String(most - 9));
  const name = await page.locator("li:focus-within [dir=auto]").first().textContent();
  await page.keyboard.press("Enter");
  await expect(page.locator("[data-region=conversation] h1")).toHaveText(name ?? "");
  await expect(page.locator("li [aria-current=page]")).toContainText(name ?? "");
  await page.keyboard.press("Alt+ArrowDown");
  await expect(page.locator("li:has([aria-current=page])")).toHaveAttribute(
    "aria-posinset",
    String(most - 8),
  );
});

test("keys_lead_through_chats_emoji_and_what_hangs_on_a_message", async ({ open, server }) => {
  const direct = await server.threadOf("ada", ["mira"]);
  await server.say("mira", direct, "hello");
  const group = await server.threadOf("ada", ["mira", "tomas"], "Boats");
  await server.say("mira", group, "ahoy");
  const ada = await open("ada");
  const { page } = ada;
  const title = page.locator("[data-region=conversation] h1");
  // By its other address as well.
  await ada.enter(direct);
  await page.keyboard.press("Control+f");
  await expect(page.getByRole("dialog", { name: "Search in this conversation" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("Alt+ArrowUp");
  await expect(title).toHaveText("Boats");
  await page.keyboard.press("Alt+ArrowDown");
  await expect(title).toHaveText("Mira Okafor");
  await page.keyboard.press("Alt+ArrowUp");
  await expect(title).toHaveText("Boats");

  const row = page.locator("[data-row][data-seq='1']");
  await row.focus();
  await row.press("+");
  await expect(page.getByRole("button", { name: "👍" })).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("button", { name: "👎" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("button", { name: "👎" })).toBeFocused();
  await page.keyboard.press("End");
  await expect(page.getByRole("button", { name: "🏡" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(row).toContainText("🏡 1");
  await expect(row).toBeFocused();
  // Who reacted, and taking it back.
  await row.press("Enter");
  const mine = page.getByRole("list", { name: "Reactions" }).getByRole("button");
  await expect(mine).toContainText("You");
  await mine.focus();
  await page.keyboard.press("Enter");
  await expect(row).not.toContainText("🏡");

  await row.press("r");
  await ada.say("ahoy yourself");
  const answer = ada.page.locator("[data-own]");
  await expect(answer).toHaveAttribute("data-state", /stored|delivered|read/);
  // By the dialog, too, the answer can be written at once.
  await row.focus();
  await row.press("Enter");
  await page.getByRole("button", { name: "Reply", exact: true }).last().press("Enter");
  await expect(ada.words).toBeFocused();
  await page.keyboard.press("Escape");
  await answer.focus();
  await answer.press("Enter");
  await page.getByRole("button", { name: "Go to the original message" }).press("Enter");
  await expect(row).toHaveClass(/bg-mention/);

  // The first Tab of a page skips to what it is about, without leaving a trace in the address.
  await page.goto(`${server.url}/people`);
  await ada.isConnected();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the list" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Filter people")).toBeFocused();
  await page.goto(`${server.url}/c/${group}`);
  await expect(ada.words).toBeVisible();
  await page.getByRole("link", { name: "Skip to the message field" }).focus();
  await page.keyboard.press("Enter");
  await expect(ada.words).toBeFocused();
  expect(new URL(page.url()).hash).toBe("");
});

test("everything_in_a_message_is_reached_by_keys_alone", async ({ open, server }) => {
  const group = await server.threadOf("ada", ["mira", "tomas"], "Boats");
  await server.say("mira", group, "ahoy");
  const path = `/api/chat/threads/${group}/messages`;
  const said = await server.call("ada", "GET", path);
  const { data } = (await said.json()) as { data: { messages: { id: string }[] } };
  const first = data.messages.at(-1)?.id;
  await server.say("tomas", group, "as in https://example.org/boats", { reply_to: first });
  const answers = await server.call("ada", "GET", path);
  const { data: now } = (await answers.json()) as { data: { messages: { id: string }[] } };
  const answer = now.messages.find(({ id }) => !data.messages.some((one) => one.id === id))?.id;
  for (const emoji of ["👍", "🎉"]) {
    const reaction = `${path}/${answer}/reactions/${encodeURIComponent(emoji)}`;
    expect((await server.call("mira", "PUT", reaction)).status).toBe(200);
  }
  const ada = await open("ada");
  const { page } = ada;
  await ada.enter(group);
  const [original, row] = [ada.messages.nth(-2), ada.messages.last()];
  await expect(row.getByRole("button", { name: /🎉, 1 person/ })).toBeVisible();
  await expect(ada.words).toBeFocused();
  const press = (key: string) => page.keyboard.press(key);
  const isRinged = async () => {
    const style = await page.evaluate(() => {
      const { outlineStyle, outlineWidth, opacity } = getComputedStyle(
        document.activeElement as Element,
      );
      const tools = document.activeElement?.closest("[data-tools]");
      return [outlineStyle, outlineWidth, opacity, tools ? getComputedStyle(tools).opacity : "1"];
    });
    expect(style).toEqual(["solid", "2px", "1", expect.stringMatching(/^(1|0\.\d+)$/)]);
  };

  // One stop for the whole list: the newest message, whatever is in it and in others.
  await expect(page.getByRole("button", { name: /Jump to the latest/ })).toHaveCount(0);
  await press("Shift+Tab");
  await expect(row).toBeFocused();
  await isRinged();
  // From there on through what is in it, in the order in which it is read, and out to the field.
  const inside = [
    row.locator("[data-quote]"),
    row.getByRole("link", { name: "https://example.org/boats" }),
    row.getByRole("button", { name: /👍, 1 person/ }),
    row.getByRole("button", { name: /🎉, 1 person/ }),
    ...["React", "Reply", "More"].map((name) => row.getByRole("button", { name, exact: true })),
  ];
  for (const one of inside) {
    await press("Tab");
    await expect(one).toBeFocused();
    await isRinged();
  }
  await press("Tab");
  await expect(ada.words).toBeFocused();
  await press("Shift+Tab");
  await expect(row).toBeFocused();

  // What is pressed does what a click does.
  for (let times = 0; times < 3; times += 1) await press("Tab");
  await press("Enter");
  const thumb = row.getByRole("button", { name: /👍, 2 people/ });
  await expect(thumb).toHaveAttribute("aria-pressed", "true");
  await expect(thumb).toBeFocused();
  await press("Space");
  await expect(row.getByRole("button", { name: /👍, 1 person/ })).toBeFocused();
  // Letters are for the message; Escape leads back to it, and once more to the field.
  await press("r");
  await expect(page.locator("[data-context]")).toHaveCount(0);
  await press("Escape");
  await expect(row).toBeFocused();
  await press("Tab");
  await press("Enter");
  await expect(original).toHaveAttribute("data-marked", "");
  // Arrows go from message to message, also from what is in one.
  await press("ArrowUp");
  await expect(original).toBeFocused();
  await press("Tab");
  await expect(original.getByRole("button", { name: "React" })).toBeFocused();
  await press("Escape");
  await press("Escape");
  await expect(ada.words).toBeFocused();
  // The way by regions ends at the message as well, not at a link in one.
  await press("Shift+F6");
  await expect(original).toBeFocused();
});

test("details_stand_beside_the_conversation_where_there_is_room", async ({ open, server }) => {
  const direct = await server.threadOf("ada", ["mira"]);
  await server.say("mira", direct, "hello");
  const ada = await open("ada", { viewport: { width: 1360, height: 740 } });
  const { page } = ada;
  await ada.enter(direct);
  const button = page.getByRole("button", { name: "Details of this conversation" });
  const details = page.locator("aside[data-details]");
  await button.click();
  await expect(details).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(button).toHaveAttribute("aria-expanded", "true");
  await ada.say("they stay open while I write");
  await expect(details).toBeVisible();
  await page.setViewportSize({ width: 1359, height: 740 });
  await expect(page.getByRole("dialog", { name: "Details" })).toBeVisible();
  await page.setViewportSize({ width: 1360, height: 740 });
  await expect(details).toBeVisible();
  await details.getByRole("button", { name: "Close" }).press("Escape");
  await expect(details).toHaveCount(0);
  await expect(button).toHaveAttribute("aria-expanded", "false");
});

for (const [width, size] of [
  [320, 16],
  [320, 32],
  [1280, 32],
] as const) {
  test(`nothing_is_cut_or_squeezed_at_${width}_with_letters_of_${size}`, async ({
    open,
    server,
  }) => {
    const thread = await server.threadOf("mira", ["ada", "tomas"], "Design crit");
    await server.say("mira", thread, "Contrast numbers are in, and they are fine as far as I see");
    const ada = await open("ada", { viewport: { width, height: 740 } });
    const { page } = ada;
    // Letters of another size, as a person sets them for all pages.
    await page.addInitScript((pixels) => {
      addEventListener("DOMContentLoaded", () => {
        document.documentElement.style.setProperty("font-size", `${pixels}px`);
      });
    }, size);
    await ada.enter(thread);
    await expect(ada.messages).toHaveCount(1);
    await ada.messages.last().hover();
    await expect(page.locator("[data-tools]")).toHaveCSS("opacity", "1");
    const cut = () =>
      page.evaluate(() => {
        const shown = [...document.querySelectorAll("a, button, textarea, h1, [role=article]")];
        return shown
          .filter((one) => one.checkVisibility() && !one.matches(".unseen"))
          .map((one) => ({ box: one.getBoundingClientRect(), html: one.outerHTML.slice(0, 120) }))
          .filter(({ box }) => box.left < -1 || box.right > innerWidth + 1 || box.width < 24)
          .map(({ html }) => html);
      });
    expect(await cut()).toEqual([]);
    const box = async (what: string) => {
      const found = await page.locator(what).last().boundingBox();
      if (found === null) throw new Error(`nothing is ${what}`);
      return found;
    };
    // The tools of the mouse take no room from the words, and the name of the chat can be read.
    const [row, words] = [await box("[data-row]"), await box("[data-row] [data-text]")];
    expect(words.width / row.width).toBeGreaterThan(0.6);
    expect((await box("[data-region=conversation] h1")).width).toBeGreaterThan(size * 3);
    await page.screenshot({ path: `pictures/thread-letters-${size}-${width}.png` });
    await page.getByRole("button", { name: "Details of this conversation" }).click();
    await expect(page.locator("[data-rule]").first()).toBeVisible();
    expect(await cut()).toEqual([]);
    const overlaps = await page.locator("[data-rule]").evaluateAll(
      (rules) =>
        rules.filter((rule) => {
          const value = rule.getBoundingClientRect();
          const name = rule.previousElementSibling?.getBoundingClientRect();
          const isBeside = name !== undefined && name.right <= value.left + 1;
          return !isBeside && (name?.bottom ?? 0) > value.top + 1;
        }).length,
    );
    expect(overlaps).toBe(0);
    await page.screenshot({ path: `pictures/details-letters-${size}-${width}.png` });
  });
}
