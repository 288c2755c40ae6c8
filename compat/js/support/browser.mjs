// Chromium, driven over its own protocol: pages of different people, each in a profile of its own.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import WebSocket from "ws";

import { until } from "./wait.mjs";

const ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"];

export class Browser {
  #next = 0;
  #waiting = new Map();
  complaints = [];

  static async start(program = process.env.CHROMIUM ?? "chromium") {
    const browser = new Browser();
    browser.dir = await mkdtemp(join(tmpdir(), "semel-page-"));
    const args = [...ARGUMENTS, `--user-data-dir=${browser.dir}`, "about:blank"];
    browser.process = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    let text = "";
    browser.process.stderr.on("data", (part) => { text += part; });
    const address = await until(() => /ws:\/\/\S+/.exec(text)?.[0], "the browser", 30_000);
    browser.socket = new WebSocket(address);
    browser.socket.on("message", (data) => browser.#message(JSON.parse(data)));
    await new Promise((resolve) => browser.socket.once("open", resolve));
    return browser;
  }

  async close() {
    const exit = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill();
    await exit;
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }

  #message(data) {
    if (data.id) {
      this.#waiting.get(data.id)(data);
      this.#waiting.delete(data.id);
    } else if (data.method === "Runtime.exceptionThrown") {
      this.complaints.push(data.params.exceptionDetails.exception?.description);
    } else if (data.method === "Log.entryAdded" && data.params.entry.source === "security") {
      this.complaints.push(data.params.entry.text);
    }
  }

  send(method, params = {}, sessionId = undefined) {
    const id = (this.#next += 1);
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result)));
    });
  }

  /** A page in a profile of its own. */
  async open(url, width, height) {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    const target = await this.send("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId: target.targetId, flatten: true });
    const page = new Page(this, sessionId);
    for (const domain of ["Runtime", "Log", "Page"]) await page.send(`${domain}.enable`);
    await page.size(width, height);
    await page.send("Page.navigate", { url });
    return page;
  }
}

export class Page {
  constructor(browser, sessionId) {
    this.browser = browser;
    this.sessionId = sessionId;
  }

  send(method, params) { return this.browser.send(method, params, this.sessionId); }

  size(width, height) {
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 640 };
    return this.send("Emulation.setDeviceMetricsOverride", metrics);
  }

  dark() {
    const features = [{ name: "prefers-color-scheme", value: "dark" }];
    return this.send("Emulation.setEmulatedMedia", { features });
  }

  async evaluate(expression) {
    const answer = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description);
    return answer.result.value;
  }

  /** Waits until an expression is true in the page, through reloads. */
  until(expression, what = expression) {
    return until(() => this.evaluate(expression).catch(() => false), what, 15_000);
  }

  /** Texts of the messages that are shown, in order. */
  texts() {
    return this.evaluate("[...document.querySelectorAll('.message .text')].map((node) => node.textContent)");
  }

  say(text) {
    return this.evaluate(`document.getElementById("words").value = ${JSON.stringify(text)};
      document.getElementById("composer").requestSubmit()`);
  }

  async picture(file) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    await writeFile(file, Buffer.from(data, "base64"));
  }
}
