// Socket.IO over WebSocket (Engine.IO 4): connects, keeps itself alive, comes back by itself.

const ANSWER_MS = 10_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;

export class Refused extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || problem.code);
    this.code = problem.code;
    this.problem = problem;
    this.retryable = problem.status >= 500 || problem.retry_after_ms != null
      || ["in_flight", "rate_limited", "slow_consumer"].includes(problem.code);
  }
}

export class Socket {
  #auth; #handlers; #ws = null; #next = 0; #waiting = new Map(); #tries = 0; #stopped = false; #timer = 0; #alive = 0;
  #silence = 30_000;
  connected = false;

  /** handlers: connect(), disconnect(), refused(code), event(name, data) */
  constructor(auth, handlers) {
    this.#auth = auth;
    this.#handlers = handlers;
    addEventListener("online", () => this.#again(0));
    this.#open();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#ws?.close();
  }

  /** Sends an event; resolves with the acknowledgement's data. */
  ask(name, data) {
    if (!this.connected) return Promise.reject(new Error("not connected"));
    const id = this.#next++;
    this.#ws.send(`42${id}${JSON.stringify([name, data])}`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, null), ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  #settle(id, ack) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (ack?.status === "success") waiting.resolve(ack.data);
    else if (ack?.error) waiting.reject(new Refused(ack.error));
    else waiting.reject(new Error("no answer"));
  }

  #open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const ws = new WebSocket(`${scheme}://${location.host}/socket.io/?EIO=4&transport=websocket`);
    this.#ws = ws;
    ws.onmessage = (message) => { if (ws === this.#ws) this.#packet(String(message.data)); };
    ws.onclose = () => { if (ws === this.#ws) this.#closed(); };
    this.#listen();
  }

  /** A connection that stays silent for longer than the server's heartbeat is dead. */
  #listen() {
    clearTimeout(this.#alive);
    const ws = this.#ws;
    this.#alive = setTimeout(() => { ws.close(); if (ws === this.#ws) this.#closed(); }, this.#silence);
  }

  #closed() {
    const was = this.connected;
    this.connected = false;
    this.#ws = null;
    clearTimeout(this.#alive);
    for (const id of [...this.#waiting.keys()]) this.#settle(id, null);
    if (was) this.#handlers.disconnect();
    if (this.#stopped) return;
    const most = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.#tries++);
    this.#again(most / 2 + Math.random() * (most / 2));
  }

  #again(ms) {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => { if (!this.#ws) this.#open(); }, ms);
  }

  #packet(text) {
    this.#listen();
    switch (text[0]) {
      case "0": {
        const { pingInterval, pingTimeout } = JSON.parse(text.slice(1));
        this.#silence = pingInterval + pingTimeout;
        this.#ws.send(`40${JSON.stringify(this.#auth)}`);
        break;
      }
      case "1": this.#ws.close(); break;
      case "2": this.#ws.send("3"); break;
      case "4": this.#message(text[1], text.slice(2)); break;
    }
  }

  #message(kind, rest) {
    const digits = /^\d*/.exec(rest)[0];
    const body = rest.slice(digits.length);
    switch (kind) {
      case "0":
        this.connected = true;
        this.#tries = 0;
        this.#handlers.connect();
        break;
      case "1": this.#ws.close(); break;
      case "2": this.#handlers.event(...JSON.parse(body)); break;
      case "3": this.#settle(Number(digits), JSON.parse(body)[0]); break;
      case "4": {
        const { message } = JSON.parse(body);
        this.#handlers.refused(message);
        this.#ws?.close();
        break;
      }
    }
  }
}
