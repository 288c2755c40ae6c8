// People with tokens, and their devices with the official client.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { io } from "socket.io-client";

import { makeToken } from "./server.mjs";
import { until, within } from "./wait.mjs";

let peopleMade = 0;

export class Person {
  /** Somebody new, known to the server. */
  static async arrive(server, name = "person") {
    peopleMade += 1;
    const person = new Person(server, `${name}-${peopleMade}-${process.pid}`);
    await person.data("GET", "/api/users/me");
    return person;
  }

  constructor(server, id) {
    this.server = server;
    this.id = id;
    this.token = makeToken(id, { claims: { name: `Name of ${id}` }, secret: server.secret });
  }

  /** One HTTP call: `{status, headers, body}`. */
  async call(method, path, body, headers = {}) {
    const answer = await fetch(this.server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }

  /** The data of a call that succeeds. */
  async data(method, path, body, headers) {
    const answer = await this.call(method, path, body, headers);
    assert.equal(answer.body.status, "success", JSON.stringify(answer.body));
    return answer.body.data;
  }

  /** The id of the thread with these people. */
  async threadWith(...others) {
    const participants = others.map((other) => other.id);
    const { thread } = await this.data("POST", "/api/chat/create-or-get", { participants });
    return thread.id;
  }

  /** Sends over HTTP. */
  post(threadId, message) {
    return this.data("POST", `/api/chat/threads/${threadId}/messages`, message);
  }

  /** A device that is connected. */
  async connect(options = {}) {
    const device = new Device(this, options);
    await device.connected();
    return device;
  }
}

/** A device: the official client, what it received, and its copies of threads' logs. */
export class Device {
  constructor(person, { auth, ...options } = {}) {
    this.person = person;
    person.server.devices.add(this);
    this.events = [];
    this.reasons = [];
    this.logs = new Map();
    this.socket = io(person.server.url, {
      forceNew: true,
      auth: auth ?? { token: person.token, device_id: randomUUID() },
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      timeout: 5_000,
      ...options,
    });
    this.socket.onAny((name, data) => {
      this.events.push({ name, data });
      if (name === "entry") this.apply(data);
    });
    this.socket.on("disconnect", (reason) => this.reasons.push(reason));
  }

  async connected() {
    const socket = this.socket;
    if (socket.connected) return;
    const outcome = new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", reject);
    });
    await within(outcome, "a connection");
  }

  /** The acknowledgement of an event. A disk that is busy with what others wrote may take seconds. */
  async ask(name, data) {
    try {
      return await this.socket.timeout(30_000).emitWithAck(name, data);
    } catch (error) {
      throw new Error(`\`${name}\` was not answered: ${error.message} (${await this.#state()})`);
    }
  }

  /** What there is to know when an answer does not come. */
  async #state() {
    const { connected, io } = this.socket;
    const { readyState, upgrading, transport } = io.engine ?? {};
    const way = `${transport?.name} ${transport?.readyState}${upgrading ? ", upgrading" : ""}`;
    const { server } = this.person;
    return (
      `connected: ${connected}, engine ${readyState} over ${way}, left for: ${this.reasons.join(", ") || "nothing"}; ` +
      `server answers ${await server.health()}; the end of its log:\n${server.log.slice(-2_000)}`
    );
  }

  /** The data of an event that succeeds. */
  async data(name, data) {
    const ack = await this.ask(name, data);
    assert.equal(ack.status, "success", JSON.stringify(ack));
    return ack.data;
  }

  /** The code of an event that is refused. */
  async refusal(name, data) {
    const ack = await this.ask(name, data);
    assert.equal(ack.status, "error", JSON.stringify(ack));
    return ack.error.code;
  }

  /** The first event received, or yet to come, that fits. */
  received(name, fits = () => true, deadline) {
    const find = () => this.events.find((event) => event.name === name && fits(event.data));
    return until(find, `\`${name}\``, deadline).then((event) => event.data);
  }

  /** From now on the device keeps a copy of this thread's log, from its beginning. */
  hold(threadId) {
    if (!this.logs.has(threadId)) this.logs.set(threadId, { entries: [], gaps: 0 });
    return this.logs.get(threadId);
  }

  /** The rule of every device: the next rev is taken, an old one ignored, a later one shows that some are missing. */
  apply(entry) {
    const log = this.hold(entry.thread_id);
    const head = log.entries.length;
    if (entry.rev === head + 1) log.entries.push(entry);
    else if (entry.rev > head + 1) log.gaps += 1;
  }

  /**
   * Takes everything that was missed, page after page. What came live in the meantime may have been ahead of the copy,
   * so it goes on until nothing did.
   */
  async sync() {
    let cursor;
    let isWhole = false;
    while (!isWhole) {
      const gaps = this.#gaps();
      const threads = {};
      for (const [id, { entries }] of this.logs) {
        threads[id] = { rev: entries.length, chain: entries.at(-1)?.chain };
      }
      const answer = await this.data("sync", { threads, ...(cursor && { cursor }) });
      for (const { entries } of answer.threads) entries.forEach((entry) => this.apply(entry));
      cursor = answer.next_cursor;
      const isMore = cursor || answer.threads.some(({ more }) => more);
      isWhole = !isMore && gaps === this.#gaps();
    }
  }

  #gaps() {
    return [...this.logs.values()].reduce((sum, { gaps }) => sum + gaps, 0);
  }

  /** Waits until the copy of a thread has so many entries. */
  async caughtUp(threadId, rev) {
    const log = this.hold(threadId);
    await until(() => log.entries.length >= rev, `rev ${rev} of the thread`);
    return log.entries;
  }

  close() {
    this.socket.disconnect();
  }
}

/** A message with a fresh client id. */
export function message(content = "hello", more = {}) {
  return { client_id: randomUUID(), content, ...more };
}

/** The contents of the messages of a log, in its order. */
export function contents(entries) {
  return entries.filter(({ type }) => type === "message").map(({ message }) => message.content);
}
