// A real server in a directory of its own, and people in browsers of their own.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import {
  type Browser,
  type BrowserContextOptions,
  test as base,
  expect,
  type Page,
} from "@playwright/test";
import { limits, sockets, type Witness } from "@semel/sdk";
import { type Answer, attempted, type History } from "./history";
import type { Wire } from "./wire";

const SECRET = "a secret of the tests of the web client, long enough";
/** Who has come once before a test begins. */
const NAMES: Readonly<Record<string, string>> = {
  ada: "Ada Lovelace",
  mira: "Mira Okafor",
  tomas: "Tomas Silva",
  kim: "Kim",
};
/** Milliseconds until a server has to be there. */
const START = 30_000;
/** Messages of one packet. */
const BATCH = limits.BATCH_MESSAGES_MAX;

/** What the server's environment has; `{url}` is where the browser sees it. */
type Settings = Readonly<Record<string, string>>;

async function freePort(): Promise<number> {
  const one = createServer();
  await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
  const { port } = one.address() as AddressInfo;
  await new Promise((resolve) => one.close(resolve));
  return port;
}

export class Server {
  url = "";
  #listen = "";
  #process: ChildProcess | undefined;
  #dir = "";
  #log = "";
  #settings: Settings = {};

  static async start(settings: Settings = {}): Promise<Server> {
    const server = new Server();
    server.#dir = await mkdtemp(join(tmpdir(), "semel-web-"));
    server.#settings = settings;
    server.#listen = process.env["SEMEL_LISTEN"] ?? `127.0.0.1:${await freePort()}`;
    await server.up();
    return server;
  }

  /** Starts it, after `kill` at the same address with the same data. */
  async up(): Promise<void> {
    const program = process.env["SEMEL_BIN"];
    if (program === undefined) throw new Error("SEMEL_BIN names the program; `make web` sets it");
    const { PATH, HOME } = process.env;
    const own = `http://${this.#listen}`;
    // For quick work: `npm run preview` before a server that was built without the client.
    this.url = process.env["SEMEL_PAGE"] ?? own;
    const env = { PATH, HOME, JWT_SECRET_KEY: SECRET, SEMEL_METRICS_LISTEN: "off", ...this.#env() };
    const args = ["serve", "--data-dir", this.#dir, "--listen", this.#listen];
    const started = spawn(program, args, { env });
    this.#process = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        this.#log += part;
      });
    }
    const ready = async () => (await fetch(`${own}/health/ready`).catch(() => null))?.status;
    await expect.poll(ready, { timeout: START }).toBe(200);
  }

  #env(): Settings {
    const entries = Object.entries(this.#settings);
    return Object.fromEntries(
      entries.map(([name, value]) => [name, value.replace("{url}", this.url)]),
    );
  }

  /** The last code that was sent to somebody, by the terminal, after `before` characters of the log. */
  async codeFor(to: string, before = 0): Promise<string> {
    const found = () =>
      [...this.#log.slice(before).matchAll(/code for (\S+): (\d+)/g)].findLast(
        (line) => line[1] === to,
      )?.[2];
    await expect.poll(found).toBeTruthy();
    return found() ?? "";
  }

  get log(): string {
    return this.#log;
  }

  async kill(): Promise<void> {
    const one = this.#process;
    if (one === undefined || one.exitCode !== null || one.signalCode !== null) return;
    const ended = new Promise((resolve) => one.once("exit", resolve));
    one.kill("SIGKILL");
    await ended;
  }

  /** It stands still: connections are taken, and nothing is answered. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
    const bad = this.#log.split("\n").filter((line) => /panicked|\bERROR\b/.test(line));
    expect(bad, "the server's log has errors").toEqual([]);
  }

  /** An access token as a host application makes it. */
  token(userId: string, claims: Readonly<Record<string, unknown>> = {}): string {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const name = NAMES[userId] ?? userId;
    const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: userId, name, exp, ...claims })}`;
    return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
  }

  /** Runs commands of a shell, in a folder, with the program in the `PATH` and this server in the place of the usual one. */
  async shell(commands: string, cwd: string): Promise<string> {
    const { PATH = "", HOME } = process.env;
    const here = `${dirname(process.env["SEMEL_BIN"] ?? "")}:${PATH}`;
    const env = { PATH: here, HOME, JWT_SECRET_KEY: SECRET };
    const text = commands
      .replaceAll("http://127.0.0.1:8080", this.url)
      .replaceAll("../data", this.#dir);
    const run = promisify(execFile);
    return (await run("bash", ["-euc", text], { cwd, env })).stdout;
  }

  /** Somebody says something without a browser. */
  async say(from: string, thread_id: string, content: string, more = {}): Promise<void> {
    const answer = await this.call(from, "POST", `/api/chat/threads/${thread_id}/messages`, {
      content,
      client_id: crypto.randomUUID(),
      ...more,
    });
    expect(answer.status).toBeLessThan(300);
  }

  /** An operator does something. */
  async operate(path: string, body: unknown): Promise<void> {
    const answer = await this.call("operator", "POST", `/api/operator/${path}`, body, {
      scope: "operator",
    });
    expect(answer.status).toBe(200);
  }

  async call(
    from: string,
    method: string,
    path: string,
    body?: unknown,
    claims: Readonly<Record<string, unknown>> = {},
  ): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token(from, claims)}`,
        "content-type": "application/json",
        "idempotency-key": crypto.randomUUID(),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** `message 1` to `message count`, one after the other, some of them in one packet. */
  async fill(from: string, thread_id: string, count: number, witness?: Witness): Promise<void> {
    const credentials = { token: this.token(from), device_id: "filler" };
    const quiet = { event: () => undefined, closed: () => undefined };
    const link = await sockets(this.url).connect(credentials, quiet);
    for (let sent = 0; sent < count; sent += BATCH) {
      const messages = Array.from({ length: Math.min(BATCH, count - sent) }, (_, n) => ({
        client_id: crypto.randomUUID(),
        content: `message ${sent + n + 1}`,
      }));
      // A fast server soon has as many as one person may send at once.
      const ask = () => {
        const told = attempted(witness, thread_id, messages);
        return link.ask<Answer>("message:send", { thread_id, messages }).then(told);
      };
      await expect.poll(ask, { timeout: 60_000 }).toMatchObject({ status: "success" });
    }
    link.close();
  }

  /** Says something `rate` times a second, until it is stopped. */
  chatter(from: string, thread_id: string, rate: number): { stop(): Promise<void> } {
    let last: Promise<void> = Promise.resolve();
    let count = 0;
    const timer = setInterval(() => {
      count += 1;
      last = Promise.all([last, this.say(from, thread_id, `and ${count}`)]).then(() => undefined);
    }, 1_000 / rate);
    return {
      stop: () => {
        clearInterval(timer);
        return last;
      },
    };
  }

  async threadOf(
    from: string,
    others: readonly string[],
    title?: string,
    more = {},
  ): Promise<string> {
    const thread_type = others.length > 1 || title !== undefined ? "group" : "direct";
    const asked = { participants: others, thread_type, ...(title ? { title } : {}), ...more };
    const answer = await this.call(from, "POST", "/api/chat/create-or-get", asked);
    const { data } = (await answer.json()) as { data: { thread: { id: string } } };
    return data.thread.id;
  }
}

/** What a person sees and does. */
export class Person {
  constructor(
    readonly page: Page,
    readonly id: string,
  ) {}

  /** The same person in another tab. */
  with(page: Page): Person {
    return new Person(page, this.id);
  }

  get words() {
    return this.page.locator("#words");
  }

  get messages() {
    return this.page.locator("[data-row]");
  }

  async talkTo(id: string): Promise<void> {
    await this.page.getByRole("button", { name: "New chat" }).first().click();
    await this.page.getByLabel("Name or id").fill(id);
    await this.page.keyboard.press("Enter");
    await this.page.getByRole("button", { name: "Open chat" }).click();
    await expect(this.words).toBeVisible();
  }

  async say(text: string): Promise<void> {
    await this.words.fill(text);
    await this.words.press("Enter");
    await expect(this.words).toHaveValue("");
  }

  /** Says something, and waits until it is kept on the disk or stored: from then on nothing can lose it. */
  async sayForGood(text: string): Promise<void> {
    await this.say(text);
    const isKept = () =>
      this.page.evaluate(async (words) => {
        const [one] = await indexedDB.databases();
        const open = indexedDB.open(one?.name ?? "");
        await new Promise((resolve) => {
          open.onsuccess = resolve;
        });
        const all = open.result.transaction("outbox").objectStore("outbox").getAll();
        await new Promise((resolve) => {
          all.onsuccess = resolve;
        });
        open.result.close();
        const rows = [...document.querySelectorAll("[data-row]:not([data-seq='0'])")];
        return (
          JSON.stringify(all.result).includes(JSON.stringify(words)) ||
          rows.some((row) => row.querySelector("[data-text]")?.textContent === words)
        );
      }, text);
    await expect.poll(isKept).toBe(true);
  }

  async texts(): Promise<string[]> {
    return this.page.locator("[data-row] [data-text]").allTextContents();
  }

  /** Opens a thread that is in the list. */
  async enter(thread_id: string): Promise<void> {
    await this.page.goto(new URL(`/c/${thread_id}`, this.page.url()).href);
    await expect(this.words).toBeVisible();
  }

  /** Every message that the screen shows from the first to the last one, by scrolling through all of them. */
  async everything(): Promise<{ readonly seqs: number[]; readonly texts: string[] }> {
    await expect(this.page.locator("[data-row][data-seq='0']")).toHaveCount(0);
    return this.page.locator("[data-region=timeline]").evaluate(async (log: HTMLElement) => {
      const found = new Map<number, string>();
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const look = () => {
        const rows = [...log.querySelectorAll<HTMLElement>("[data-row]")];
        const seqs = rows.map((row) => Number(row.dataset["seq"]));
        if (seqs.some((seq, place) => place > 0 && seq !== (seqs[place - 1] ?? 0) + 1))
          throw new Error(`not in order, or not once: ${seqs.join(" ")}`);
        for (const row of rows) {
          const text = row.querySelector("[data-text]")?.textContent ?? "";
          found.set(Number(row.dataset["seq"]), text);
        }
      };
      const move = async (to: number) => {
        log.dispatchEvent(new WheelEvent("wheel", { bubbles: true }));
        log.scrollTop = to;
        await frame();
        await frame();
        look();
      };
      look();
      for (let isEnd = false; !isEnd; ) {
        const before = log.scrollTop;
        await move(before + log.clientHeight * 0.8);
        isEnd = log.scrollTop === before;
      }
      while (!found.has(1)) {
        const lowest = Math.min(...found.keys());
        await move(log.scrollTop - log.clientHeight / 2);
        // Half a screen at once is no hand: sizes that were guessed may carry it too far. Then back.
        while (!found.has(lowest - 1) && lowest > 1 && Math.min(...found.keys()) < lowest)
          await move(log.scrollTop + log.clientHeight / 4);
      }
      const seqs = [...found.keys()].sort((a, b) => a - b);
      return { seqs, texts: seqs.map((seq) => found.get(seq) ?? "") };
    });
  }

  async isConnected(): Promise<void> {
    await expect(this.page.locator("[data-region=list] h1")).toBeVisible();
    await expect(this.page.locator("[data-strip]:not([hidden])")).toHaveCount(0);
  }
}

export interface More {
  readonly name?: string;
  /** Runs the server. */
  readonly isOperator?: true;
  /** Another way to the server. */
  readonly url?: string;
  /** Who writes down what this person does and sees. */
  readonly history?: History;
  /** What stands between this person's page and what the server says to it. */
  readonly wire?: Wire;
}

export interface Fixtures {
  /** For `test.use`. */
  readonly settings: Settings;
  readonly server: Server;
  readonly visit: (path?: string, options?: BrowserContextOptions) => Promise<Page>;
  readonly open: (id: string, options?: BrowserContextOptions & More) => Promise<Person>;
}

/** What a browser complained about in the course of a test: broken rules of the policy, uncaught errors. */
function listen(page: Page, complaints: string[]): void {
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (/Content Security Policy|TrustedScript|TrustedHTML/i.test(text)) complaints.push(text);
  });
}

async function openPerson(
  browser: Browser,
  server: Server,
  id: string,
  { name, isOperator, url = server.url, history, wire, ...options }: BrowserContextOptions & More,
  complaints: string[],
): Promise<Person> {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  listen(page, complaints);
  await history?.watch(page, id);
  await wire?.watch(page);
  const token = server.token(id, {
    ...(name === undefined ? {} : { name }),
    ...(isOperator ? { scope: "operator" } : {}),
  });
  await page.goto(`${url}/#token=${token}`);
  const person = new Person(page, id);
  await person.isConnected();
  return person;
}

export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],
  server: async ({ settings }, use) => {
    const server = await Server.start(settings);
    // A person is one who has come once.
    for (const id of Object.keys(NAMES)) await server.call(id, "GET", "/api/users/me");
    await use(server);
    await server.close();
  },
  /** A page of its own, with nobody signed in. */
  visit: async ({ browser, server }, use) => {
    const complaints: string[] = [];
    await use(async (path = "/", options = {}) => {
      const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
      const page = await context.newPage();
      listen(page, complaints);
      await page.goto(`${server.url}${path}`);
      return page;
    });
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(complaints, "what the browser complained about").toEqual([]);
  },
  open: async ({ browser, server }, use) => {
    const complaints: string[] = [];
    await use((id, options = {}) => openPerson(browser, server, id, options, complaints));
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(complaints, "what the browser complained about").toEqual([]);
  },
});

export { expect };
