// A real server in a directory of its own, on a free port.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { until } from "./wait.mjs";

const SECRET = "a secret of the compatibility tests, long enough";

export class Server {
  /** Starts a server; `env` has more settings. Whoever starts it calls `close()` at the end. */
  static async start(env = {}) {
    const server = new Server();
    server.binary = process.env.SEMEL_BIN;
    assert.ok(server.binary, "SEMEL_BIN names the program; `make compat` sets it");
    server.dir = await mkdtemp(join(tmpdir(), "semel-compat-"));
    server.env = env;
    server.listen = env.SEMEL_LISTEN ?? "127.0.0.1:0";
    server.log = "";
    // Whatever a failed test left open: it would keep the test file from ending.
    server.devices = new Set();
    await server.up();
    return server;
  }

  /** Starts the process, after `kill` or `stop` on the same port and data. */
  async up() {
    const args = ["serve", "--data-dir", this.dir, "--listen", this.listen];
    this.process = spawn(this.binary, args, { env: this.#environment() });
    this.exit = new Promise((resolve) => this.process.once("exit", (...how) => resolve(how)));
    let text = "";
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding("utf8").on("data", (part) => {
        text += part;
        this.log += part;
      });
    }
    const address = () => {
      assert.equal(this.process.exitCode, null, `the server ended:\n${text}`);
      return /http:\/\/(127\.0\.0\.1:\d+)/.exec(text)?.[1];
    };
    this.listen = await until(address, "an address in the banner", 30_000);
    this.url = `http://${this.listen}`;
    const isReady = async () => (await this.health()) === 200;
    await until(isReady, "readiness", 30_000);
  }

  async health() {
    const answer = await fetch(`${this.url}/health/ready`).catch(() => null);
    return answer?.status;
  }

  /** As a power cut, as far as the process can tell. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.exit;
  }

  /** As a deployment: SIGTERM, then the end. Answers the exit code. */
  async stop() {
    this.process.kill("SIGTERM");
    const [code] = await this.exit;
    return code;
  }

  /** Ends the server, removes its data, and fails if the server panicked or reported an error. */
  async close() {
    this.devices.forEach((device) => device.close());
    if (this.process.exitCode === null && this.process.signalCode === null) {
      await this.kill();
    }
    await rm(this.dir, { recursive: true, force: true });
    const bad = this.log.split("\n").filter((line) => /panicked|\bERROR\b/.test(line));
    assert.deepEqual(bad, [], "the server's log has errors");
  }

  /** What another command of the program prints. */
  async run(...args) {
    const run = promisify(execFile);
    const { stdout } = await run(this.binary, [...args, "--data-dir", this.dir], {
      env: this.#environment(),
    });
    return stdout;
  }

  #environment() {
    const { PATH, HOME } = process.env;
    return { PATH, HOME, JWT_SECRET_KEY: SECRET, SEMEL_METRICS_LISTEN: "off", ...this.env };
  }
}

/** An access token as a host application makes it. `claims` and `header` replace what is usual. */
export function makeToken(userId, { claims = {}, header = {}, secret = SECRET } = {}) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const head = encode({ alg: "HS256", typ: "JWT", ...header });
  const body = encode({ sub: userId, exp, ...claims });
  const signature = createHmac("sha256", secret).update(`${head}.${body}`).digest("base64url");
  return `${head}.${body}.${signature}`;
}
