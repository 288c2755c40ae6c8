// The messages of the open chat.

import { avatar, byId, day, el, hour, icon } from "./dom.js";

const QUICK = ["👍", "❤️", "😂", "🎉"];
const NEAR_END = 80;
const nodes = new Map();
let shown = null;

/** Draws a chat; nodes of messages that did not change stay, with the focus that they may have. */
export function drawTimeline(held, store, me, outbox, act) {
  const scroll = byId("scroll");
  const list = byId("messages");
  const isOther = shown !== held.thread.id;
  if (isOther) nodes.clear();
  shown = held.thread.id;
  const stick = isOther || scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END;
  const fromEnd = scroll.scrollHeight - scroll.scrollTop;

  const wanted = rows(held, store, me, outbox, act);
  const first = list.firstElementChild?.dataset.key;
  let at = list.firstChild;
  for (const node of wanted) {
    if (node === at) at = at.nextSibling;
    else list.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  const waiting = wanted.length === 0;
  byId("say-hello").hidden = !waiting;
  byId("earlier").hidden = !store.hasEarlier(held);
  if (stick) scroll.scrollTop = scroll.scrollHeight;
  else if (list.firstElementChild?.dataset.key !== first) scroll.scrollTop = scroll.scrollHeight - fromEnd;
}

/** Who reads the newest words goes on doing so when the window changes its size. */
export function keepAtEnd() {
  const scroll = byId("scroll");
  let isAtEnd = true;
  scroll.addEventListener("scroll", () => {
    isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END;
  });
  new ResizeObserver(() => { if (isAtEnd) scroll.scrollTop = scroll.scrollHeight; }).observe(scroll);
}

function rows(held, store, me, outbox, act) {
  const wanted = [];
  let before = null;
  const readBy = Math.max(0, ...held.thread.participants.filter((p) => p.user_id !== me).map((p) => p.read_seq));
  const stored = new Set();
  for (let seq = store.lowest(held); seq <= held.thread.last_seq; seq++) {
    const message = held.messages.get(seq);
    if (!message) continue;
    if (message.client_id) stored.add(message.client_id);
    wanted.push(...daysBetween(before, message));
    const isFirst = before?.sender_id !== message.sender_id || before.kind !== "text";
    const state = message.sender_id === me ? (message.seq <= readBy ? "read" : "sent") : "";
    const key = `${message.id} ${message.rev} ${isFirst} ${state} ${store.name(message.sender_id)}`;
    wanted.push(kept(key, () => bubble(message, { isFirst, state, held, store, me, act })));
    before = message;
  }
  for (const item of outbox.items(held.thread.id)) {
    if (stored.has(item.client_id)) continue;
    const isFirst = before?.sender_id !== me;
    const key = `${item.client_id} ${isFirst} ${item.error ?? ""}`;
    wanted.push(kept(key, () => waitingBubble(item, isFirst, act)));
    before = { ...item, sender_id: me, kind: "text" };
  }
  const live = new Set(wanted.map((node) => node.dataset.key));
  for (const key of nodes.keys()) if (!live.has(key)) nodes.delete(key);
  return wanted;
}

function kept(key, make) {
  if (!nodes.has(key)) {
    const node = make();
    node.dataset.key = key;
    nodes.set(key, node);
  }
  return nodes.get(key);
}

function daysBetween(before, message) {
  const label = day(message.created_at);
  if (before && day(before.created_at) === label) return [];
  return [kept(`day ${label}`, () => el("li", { class: "day" }, label))];
}

function bubble(message, { isFirst, state, held, store, me, act }) {
  const name = store.name(message.sender_id);
  if (message.kind === "system") return el("li", { class: "system", dir: "auto" }, message.content);
  const own = message.sender_id === me;
  const words = message.deleted_at
    ? el("span", { class: "text gone" }, "Message deleted")
    : el("span", { class: "text", dir: "auto" }, message.content);
  const meta = el("span", { class: "meta" }, message.edited_at && !message.deleted_at ? "edited " : null,
    el("time", { datetime: message.created_at }, hour(message.created_at)), state ? icon(state) : null);
  const inGroup = !own && held.thread.thread_type === "group";
  return el("li", { class: `message ${own ? "own" : ""} ${isFirst ? "first" : ""}` },
    inGroup && isFirst ? el("span", { class: "author", dir: "auto" }, name) : null,
    !own && isFirst ? avatar(message.sender_id, name, "small") : null,
    el("div", { class: "bubble" }, words, meta, reactions(message, me, act)),
    message.deleted_at ? null : tools(message, own, act));
}

function reactions(message, me, act) {
  if (message.deleted_at || message.reactions.length === 0) return null;
  return el("div", { class: "reactions" }, ...message.reactions.map(({ emoji, count, user_ids }) => {
    const mine = user_ids.includes(me);
    return el("button", {
      type: "button", "aria-pressed": String(mine), "aria-label": `${emoji}, ${count}`,
      onclick: () => act.react(message, emoji, !mine),
    }, `${emoji} ${count}`);
  }));
}

function tools(message, own, act) {
  const buttons = QUICK.map((emoji) => el("button", {
    type: "button", "aria-label": `React with ${emoji}`, onclick: () => act.react(message, emoji, true),
  }, emoji));
  if (own) {
    buttons.push(el("button", { type: "button", onclick: () => act.edit(message) }, "Edit"));
    buttons.push(el("button", { type: "button", onclick: () => act.remove(message) }, "Delete"));
  }
  return el("div", { class: "tools", role: "group", "aria-label": "Actions for this message" }, ...buttons);
}

function waitingBubble(item, isFirst, act) {
  const problem = item.error && el("p", { class: "problem" }, `Not sent: ${item.error}`,
    el("button", { type: "button", onclick: () => act.retry(item) }, "Try again"),
    el("button", { type: "button", onclick: () => act.discard(item) }, "Discard"));
  return el("li", { class: `message own ${isFirst ? "first" : ""}` },
    el("div", { class: "bubble" }, el("span", { class: "text", dir: "auto" }, item.content),
      el("span", { class: "meta" }, hour(item.created_at), item.error ? null : icon("sending")), problem || null));
}
