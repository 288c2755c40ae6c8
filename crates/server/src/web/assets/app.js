// The page: signs in with a token, connects, and draws what the store and the outbox hold.

import { avatar, brief, byId, el } from "./dom.js";
import { Outbox, clientId } from "./outbox.js";
import { Refused, Socket } from "./socket.js";
import { Store } from "./store.js";
import { drawTimeline, keepAtEnd } from "./timeline.js";

const TOKEN = "semel:token";
const DEVICE = "semel:device";
const TYPING_MS = 6000;
let session = null;

class Session {
  open = null; editing = null; #drawing = false; #readTimer = 0; #typedAt = 0;

  constructor(token, me) {
    this.token = token;
    this.me = me;
    this.store = new Store(me, {
      ask: (name, data) => this.socket.ask(name, data),
      get: (path) => this.call("GET", path),
      changed: () => this.draw(),
      said: (held, message) => this.announce(held, message),
    });
    this.outbox = new Outbox(me, (item) => this.send(item), () => this.draw());
    let device = localStorage.getItem(DEVICE);
    if (!device) localStorage.setItem(DEVICE, (device = clientId()));
    this.socket = new Socket({ token, device_id: device }, {
      connect: () => this.connected(),
      disconnect: () => this.draw(),
      refused: (code) => this.refused(code),
      event: (name, data) => this.event(name, data),
    });
  }

  /** Calls the HTTP API; every call that changes something carries a key, so that it takes effect once. */
  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}` };
    if (body) headers["content-type"] = "application/json";
    if (method !== "GET") headers["idempotency-key"] = clientId();
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    const json = await answer.json();
    if (!answer.ok) throw new Refused(json);
    return json.data;
  }

  async connected() {
    this.draw();
    try {
      await this.store.sync();
      if (this.open) this.opened();
      this.outbox.run();
    } catch { /* the connection is gone again; the next one syncs */ }
  }

  refused(code) {
    if (code === "unauthenticated") signOut("This token is not valid any more. Ask for a new one; what waits to be sent is kept.");
  }

  event(name, data) {
    const { store } = this;
    if (name === "entry") {
      if (data.message?.client_id && data.message.sender_id === this.me) this.outbox.done(data.message.client_id);
      store.entry(data);
      this.readSoon();
    } else if (name === "heads") store.heads(data.heads);
    else if (name === "read") store.receipt(data);
    else if (name === "typing") this.someoneTypes(data);
    else if (name === "presence") { store.online.set(data.user_id, data.online); this.draw(); }
    else if (name === "contact") this.newContact(data.user);
    else if (name === "conversation_updated" && !store.threads.has(data.thread_id)) store.sync().catch(() => {});
    else if (name === "session_revoked") this.refused("unauthenticated");
  }

  async send(item) {
    const { message } = await this.socket.ask("message:send",
      { thread_id: item.thread_id, client_id: item.client_id, content: item.content });
    // The entry brings it into the log; one that does not come soon is fetched.
    const held = this.store.threads.get(item.thread_id);
    if (held && held.rev < message.rev) await new Promise((resume) => { setTimeout(resume, 150); });
    if (held && held.rev < message.rev) await this.store.fill(item.thread_id);
  }

  someoneTypes({ thread_id, user_id, typing }) {
    const key = `${thread_id} ${user_id}`;
    clearTimeout(this.store.typing.get(key));
    this.store.typing.delete(key);
    if (typing && user_id !== this.me) {
      this.store.typing.set(key, setTimeout(() => { this.store.typing.delete(key); this.draw(); }, TYPING_MS));
    }
    this.draw();
  }

  tellTyping() {
    const now = Date.now();
    if (!this.open || now - this.#typedAt < TYPING_MS / 2) return;
    this.#typedAt = now;
    this.socket.ask("typing", { thread_id: this.open, typing: true }).catch(() => {});
  }

  show(id) {
    if (this.open && this.open !== id) this.socket.ask("thread:close", { thread_id: this.open }).catch(() => {});
    this.open = id;
    this.stopEditing();
    this.draw();
    if (!id) return;
    this.opened();
    byId("title").focus();
  }

  opened() {
    const held = this.store.threads.get(this.open);
    if (!held) return;
    this.socket.ask("thread:open", { thread_id: this.open }).catch(() => {});
    if (held.messages.size < 20 && this.store.hasEarlier(held)) this.store.earlier(this.open).catch(() => {});
    this.askPresence(held.thread);
    this.readSoon();
  }

  /** Presence is told of contacts only, and people become contacts with the first message. */
  askPresence(thread) {
    if (thread.thread_type !== "direct") return;
    const user_ids = thread.participants.map((one) => one.user_id).filter((id) => id !== this.me);
    this.socket.ask("presence", { user_ids }).then(({ presence }) => {
      for (const one of presence) this.store.online.set(one.user_id, one.online);
      this.draw();
    }).catch(() => {});
  }

  newContact(user) {
    this.store.names.set(user.user_id, user.display_name);
    const thread = this.store.threads.get(this.open)?.thread;
    if (thread?.participants.some((one) => one.user_id === user.user_id)) this.askPresence(thread);
    this.draw();
  }

  readSoon() {
    clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => {
      const thread = this.store.threads.get(this.open)?.thread;
      if (!thread || document.visibilityState !== "visible" || thread.read_seq >= thread.last_seq) return;
      const seq = thread.last_seq;
      this.socket.ask("read", { thread_id: thread.id, seq })
        .then(() => this.store.receipt({ thread_id: thread.id, user_id: this.me, seq })).catch(() => {});
    }, 400);
  }

  announce(held, message) {
    if (held.thread.id !== this.open || document.visibilityState !== "visible") return;
    byId("announcer").textContent = `${this.store.name(message.sender_id)}: ${message.content}`;
  }

  act = {
    react: (message, emoji, add) => this.change(add ? "reaction:add" : "reaction:remove", message, { emoji }),
    remove: (message) => { if (confirm("Delete this message for everyone?")) this.change("message:delete", message); },
    edit: (message) => {
      this.editing = message;
      byId("words").value = message.content;
      byId("editing").hidden = false;
      byId("words").focus();
    },
    retry: (item) => this.outbox.retry(item.client_id),
    discard: (item) => this.outbox.discard(item.client_id),
  };

  change(name, message, more = {}) {
    const asked = { thread_id: message.thread_id, message_id: message.id, ...more };
    this.socket.ask(name, asked).catch((error) => this.strip(`That did not work: ${error.message}`));
  }

  stopEditing() {
    if (!this.editing) return;
    this.editing = null;
    byId("editing").hidden = true;
    byId("words").value = "";
  }

  submit(content) {
    if (this.editing) {
      this.change("message:edit", this.editing, { content });
      this.stopEditing();
    } else {
      this.outbox.add(this.open, content);
    }
  }

  strip(text) {
    byId("strip").textContent = text;
    byId("strip").hidden = !text;
  }

  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => { this.#drawing = false; if (session === this) this.drawNow(); });
  }

  drawNow() {
    if (this.open && !this.store.threads.has(this.open)) this.open = null;
    const held = this.store.threads.get(this.open);
    byId("app").classList.toggle("open", Boolean(held));
    byId("me").textContent = this.store.name(this.me);
    drawList(this);
    for (const id of ["head", "scroll", "composer"]) byId(id).hidden = !held;
    byId("nothing-open").hidden = Boolean(held);
    const waiting = this.outbox.items().length;
    const count = waiting === 1 ? "1 message" : `${waiting} messages`;
    const offline = waiting ? `Not connected. ${count} will be sent when the connection is back.` : "Not connected. Trying again.";
    this.strip(this.socket.connected ? "" : offline);
    if (!held) return void (document.title = "Semel");
    const title = titleOf(held.thread);
    document.title = `${title} · Semel`;
    byId("title").textContent = title;
    byId("subtitle").textContent = this.subtitle(held.thread);
    byId("head-avatar").replaceChildren(avatar(keyOf(held.thread, this.me), title, "small"));
    drawTimeline(held, this.store, this.me, this.outbox, this.act);
  }

  subtitle(thread) {
    const typing = thread.participants.filter((one) => this.store.typing.has(`${thread.id} ${one.user_id}`));
    if (typing.length === 1) return `${this.store.name(typing[0].user_id)} is writing…`;
    if (typing.length > 1) return `${typing.length} people are writing…`;
    if (thread.thread_type === "group") return `${thread.participant_count} people`;
    const other = thread.participants.find((one) => one.user_id !== this.me);
    return other && this.store.online.get(other.user_id) ? "Online" : "";
  }
}

const titleOf = (thread) => thread.title || (thread.thread_type === "self" ? "Note to myself" : "Chat");

const keyOf = (thread, me) => thread.thread_type === "direct"
  ? thread.participants.find((one) => one.user_id !== me)?.user_id ?? thread.id
  : thread.id;

function preview(thread, { me, store }) {
  const message = thread.last_message;
  if (!message) return "";
  if (message.deleted_at) return "Message deleted";
  if (message.kind === "system") return message.content;
  if (message.sender_id === me) return `You: ${message.content}`;
  return thread.thread_type === "group" ? `${store.name(message.sender_id)}: ${message.content}` : message.content;
}

function drawList(of) {
  const { store, me, open } = of;
  const held = store.list();
  byId("threads-empty").hidden = held.length > 0;
  const focused = document.activeElement?.dataset?.thread;
  byId("threads").replaceChildren(...held.map(({ thread }) => {
    const title = titleOf(thread);
    const unread = thread.unread_count;
    return el("li", {}, el("button", {
      class: "row", type: "button", "data-thread": thread.id, "aria-current": thread.id === open ? "true" : null,
      onclick: () => of.show(thread.id),
    }, avatar(keyOf(thread, me), title),
    el("span", { class: "words" }, el("b", { dir: "auto" }, title), el("span", { class: "preview", dir: "auto" }, preview(thread, of))),
    el("span", { class: "side" }, el("time", { datetime: thread.updated_at }, brief(thread.updated_at)),
      unread ? el("span", { class: "badge", "aria-label": `${unread} unread` }, unread > 99 ? "99+" : String(unread)) : null)));
  }));
  if (focused) byId("threads").querySelector(`[data-thread="${focused}"]`)?.focus();
}

/** The person that a token names; the server checks it, the page only wants to know whose outbox to open. */
function personOf(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).sub;
  } catch {
    return undefined;
  }
}

function signIn(token) {
  const me = personOf(token);
  if (!me) return void (byId("sign-in-error").textContent = "This is no access token. Copy the whole line that `semel token` prints.");
  localStorage.setItem(TOKEN, token);
  byId("sign-in").hidden = true;
  byId("app").hidden = false;
  session = new Session(token, me);
  session.draw();
}

function signOut(why = "") {
  session?.socket.stop();
  session = null;
  localStorage.removeItem(TOKEN);
  byId("app").hidden = true;
  byId("sign-in").hidden = false;
  byId("sign-in-error").textContent = why;
  byId("token").value = "";
  byId("token").focus();
}

async function newChat() {
  const participants = byId("people").value.split(",").map((id) => id.trim()).filter(Boolean);
  const title = byId("group-title").value.trim();
  try {
    const { thread } = await session.call("POST", "/api/chat/create-or-get", { participants, ...(title ? { title } : {}) });
    if (!session.store.threads.has(thread.id)) session.store.hold(thread, [], thread.last_rev);
    byId("new-dialog").close();
    session.show(thread.id);
    byId("words").focus();
  } catch (error) {
    const unknown = error.code === "unknown_users" && `Not known here: ${error.problem.user_ids.join(", ")}. People are known once they have signed in.`;
    const fields = error.problem?.errors?.map((one) => one.detail).join("; ");
    byId("new-error").textContent = unknown || fields || error.message;
  }
}

function grow() {
  const words = byId("words");
  words.style.height = "auto";
  words.style.height = `${Math.min(160, words.scrollHeight + 2)}px`;
}

byId("sign-in-form").addEventListener("submit", (event) => { event.preventDefault(); signIn(byId("token").value.trim()); });
byId("sign-out").addEventListener("click", () => signOut());
byId("back").addEventListener("click", () => session.show(null));
byId("earlier").addEventListener("click", () => session.store.earlier(session.open).catch((error) => session.strip(error.message)));
byId("stop-editing").addEventListener("click", () => session.stopEditing());
byId("new").addEventListener("click", () => {
  byId("new-form").reset();
  byId("new-error").textContent = "";
  byId("new-dialog").showModal();
});
byId("new-cancel").addEventListener("click", () => byId("new-dialog").close());
byId("new-form").addEventListener("submit", (event) => { event.preventDefault(); newChat(); });
byId("words").addEventListener("input", () => { grow(); if (!session.editing) session.tellTyping(); });
byId("words").addEventListener("keydown", (event) => {
  if (event.key === "Escape") session.stopEditing();
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("composer").requestSubmit();
});
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = byId("words");
  const content = words.value;
  if (!content.trim()) return;
  words.value = "";
  grow();
  session.submit(content);
});
keepAtEnd();
document.addEventListener("visibilitychange", () => session?.readSoon());

const fromAddress = /^#token=(.+)$/u.exec(location.hash)?.[1];
if (fromAddress) history.replaceState(null, "", location.pathname);
const token = fromAddress ? decodeURIComponent(fromAddress) : localStorage.getItem(TOKEN);
if (token) signIn(token);
else signOut();
