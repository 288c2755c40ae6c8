// Engine.IO and Socket.IO without a client: plain HTTP requests and a plain WebSocket.

import assert from "node:assert/strict";

import WebSocket from "ws";

import { until, within } from "./wait.mjs";

export const SEPARATOR = "\x1e";

/** Requests of HTTP long polling. */
export class Polling {
  /** Opens a session. */
  static async open(server) {
    const polling = new Polling(server);
    const text = await (await polling.get()).text();
    polling.handshake = JSON.parse(text.slice(1));
    polling.sid = polling.handshake.sid;
    return polling;
  }

  constructor(server) {
    this.server = server;
    this.pings = 0;
  }

  url(query = {}) {
    const sid = this.sid === undefined ? {} : { sid: this.sid };
    const all = new URLSearchParams({ EIO: "4", transport: "polling", ...sid, ...query });
    return `${this.server.url}/socket.io/?${all}`;
  }

  get(query) {
    return fetch(this.url(query));
  }

  post(body) {
    return fetch(this.url(), { method: "POST", body });
  }

  /** Packets of the next poll that has any besides heartbeats, which are answered. */
  async packets() {
    for (;;) {
      const answer = await within(this.get(), "a poll", 25_000);
      assert.equal(answer.status, 200);
      const all = (await answer.text()).split(SEPARATOR);
      const packets = all.filter((packet) => packet !== "2");
      if (packets.length < all.length) {
        this.pings += 1;
        await this.post("3");
      }
      if (packets.length > 0) return packets;
    }
  }

  /** Polls until a packet comes that begins so. */
  async packet(prefix) {
    for (;;) {
      const found = (await this.packets()).find((packet) => packet.startsWith(prefix));
      if (found) return found;
    }
  }

  /** Lets the person into the namespace. */
  async enter(person) {
    await this.post(`40${JSON.stringify({ token: person.token })}`);
    return this.packet("40");
  }
}

/** A WebSocket that keeps what it received. */
export class Raw {
  /** Opens a session over WebSocket and takes the handshake. */
  static async open(server, query) {
    const raw = new Raw(server, query);
    raw.handshake = JSON.parse((await raw.next()).slice(1));
    return raw;
  }

  /** As `open`, and lets the person into the namespace. */
  static async enter(server, person) {
    const raw = await Raw.open(server);
    raw.send(`40${JSON.stringify({ token: person.token })}`);
    await raw.next("40");
    return raw;
  }

  constructor(server, query = {}) {
    const all = new URLSearchParams({ EIO: "4", transport: "websocket", ...query });
    const url = `${server.url.replace("http", "ws")}/socket.io/?${all}`;
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    server.devices.add(this);
    this.received = [];
    this.isClosed = false;
    this.pings = 0;
    this.answersPings = true;
    this.socket.on("message", (data, isBinary) => {
      const packet = isBinary ? data : data.toString();
      if (packet !== "2") this.received.push(packet);
      else this.#beat();
    });
    this.socket.on("error", () => {});
    this.socket.on("unexpected-response", (request, response) => {
      this.status = response.statusCode;
      this.isClosed = true;
      request.destroy();
    });
    this.opened = new Promise((resolve) => this.socket.once("open", resolve));
    this.socket.once("close", () => {
      this.isClosed = true;
    });
  }

  send(data) {
    this.socket.send(data);
  }

  #beat() {
    this.pings += 1;
    if (this.answersPings) this.send("3");
  }

  /** Takes the next packet that begins so; what comes before it is dropped. */
  async next(prefix = "", deadline) {
    const fits = (data) => prefix === "" || (typeof data === "string" && data.startsWith(prefix));
    const take = () => {
      while (this.received.length > 0) {
        const data = this.received.shift();
        if (fits(data)) return data;
      }
      return undefined;
    };
    return until(take, `a packet ${prefix}`, deadline);
  }

  /** Waits until the server has ended it. */
  closed(deadline) {
    return until(() => this.isClosed, "the end of the connection", deadline);
  }

  close() {
    this.socket.terminate();
  }
}
