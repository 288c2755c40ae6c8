// A real server in a directory of its own, on a free port of 127.0.0.1.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { until } from "./wait.js";

const SECRET = "a secret of the tests of the SDK, long enough";

/** The program; `scripts/sdk` builds it. */
export const program =
  process.env["SEMEL_BIN"] ?? new URL("../../../target/debug/semel", import.meta.url).pathname;

/** A server that can be killed and started again on the same data and port. */
export class Server {
  readonly dir: string;
  log = "";
  url = "";
  #listen = "127.0.0.1:0";
  #process: ChildProcess | undefined;
  #exit: Promise<unknown> = Promise.resolve();
  readonly #env: Readonly<Record<string, string>>;

  private constructor(dir: string, env: Readonly<Record<string, string>>) {
    this.dir = dir;
    this.#env = env;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<Server> {
    if (!existsSync(program)) throw new Error(`no ${program}: SEMEL_BIN names the program`);
    const server = new Server(await mkdtemp(join(tmpdir(), "semel-sdk-")), env);
    await server.up();
    return server;
  }

  async up(): Promise<void> {
    const args = ["serve", "--data-dir", this.dir, "--listen", this.#listen];
    const child = spawn(program, args, {
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    this.#exit = new Promise((resolve) => child.once("exit", resolve));
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        this.log += part;
      });
    }
    const address = () => {
      if (child.exitCode !== null) throw new Error(`the server ended:\n${text}`);
      return /open\s+http:\/\/(127\.0\.0\.1:\d+)/.exec(text)?.[1];
    };
    this.#listen = await until(address, "the server's address");
    this.url = `http://${this.#listen}`;
    await until(async () => (await this.#health()) === 200, "the server's readiness");
  }

  /** As a power cut, as far as the process can tell. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#exit;
  }

  /** Ends it and removes its data; fails when it reported an error. */
  async close(): Promise<void> {
    if (this.#process?.exitCode === null && this.#process.signalCode === null) await this.kill();
    await rm(this.dir, { recursive: true, force: true });
    const bad = this.log.split("\n").filter((line) => /panicked|\bERROR\b/.test(line));
    if (bad.length > 0) throw new Error(`the server's log has errors:\n${bad.join("\n")}`);
  }

  /** What another command of the program prints. */
  async run(...args: string[]): Promise<string> {
    const run = promisify(execFile);
    const { stdout } = await run(program, [...args, "--data-dir", this.dir], {
      env: this.#environment(),
    });
    return stdout;
  }

  /** `data` of a call as somebody; throws the problem. */
  async call<T>(user_id: string, method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { authorization: `Bearer ${tokenOf(user_id)}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const request: RequestInit = { method, headers };
    if (body !== undefined) request.body = JSON.stringify(body);
    const answer = (await (await fetch(this.url + path, request)).json()) as {
      status: unknown;
      data: T;
    };
    if (answer.status !== "success") throw new Error(JSON.stringify(answer));
    return answer.data;
  }

  async #health(): Promise<number | undefined> {
    const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.status;
  }

  #environment(): Record<string, string> {
    const { PATH = "", HOME = "" } = process.env;
    return { PATH, HOME, JWT_SECRET_KEY: SECRET, SEMEL_METRICS_LISTEN: "off", ...this.#env };
  }
}

/** An access token as a host application makes it; lasts an hour unless said otherwise. */
export function tokenOf(user_id: string, seconds = 3_600): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    sub: user_id,
    name: `Name of ${user_id}`,
    exp: Math.floor(Date.now() / 1_000) + seconds,
  };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

let made = 0;

/** Ids of people whom nobody else has, known to the server. */
export async function people(server: Server, ...names: string[]): Promise<string[]> {
  made += 1;
  const ids = names.map((name) => `${name}-${made}-${process.pid}`);
  for (const id of ids) await server.call(id, "GET", "/api/users/me");
  return ids;
}
