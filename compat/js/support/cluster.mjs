// Several servers behind a balancer, as `make cluster` starts them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { within } from "./wait.mjs";

/** The secret of the servers that tests start, as crates/testkit has it. */
const SECRET = "a secret of tests and benchmarks, nothing else";
/** How long the whole of it may take to start, and to do what it is told. */
const PATIENCE = 120_000;

export class Cluster {
  secret = SECRET;
  // As a server has them: to be closed at the end.
  devices = new Set();
  #lines = [];
  #waiting = [];

  /** Starts it; whoever does calls `close()` at the end. */
  static async start(...options) {
    const { PATH, HOME, SEMEL_BIN, SEMEL_CLUSTER_BIN } = process.env;
    assert.ok(SEMEL_CLUSTER_BIN, "SEMEL_CLUSTER_BIN names the program; `make compat` sets it");
    const cluster = new Cluster();
    const env = { PATH, HOME, SEMEL_BINARY: SEMEL_BIN };
    const stdio = ["pipe", "pipe", "inherit"];
    cluster.process = spawn(SEMEL_CLUSTER_BIN, options, { env, stdio });
    cluster.exit = new Promise((resolve) => cluster.process.once("exit", resolve));
    const lines = createInterface({ input: cluster.process.stdout });
    lines.on("line", (line) => cluster.#take(line));
    lines.on("close", () => cluster.#take("The program ended."));
    const told = await cluster.#readTo(/^Ready after/);
    cluster.url = told.map((line) => /^Open (\S+)/.exec(line)?.[1]).find(Boolean);
    return cluster;
  }

  /** Does something to a part of it, as whoever tries it out types it. */
  async order(order) {
    this.process.stdin.write(`${order}\n`);
    await this.#readTo(/^done$/);
  }

  /** Ends it. */
  async close() {
    this.devices.forEach((device) => device.close());
    this.process.kill("SIGINT");
    assert.equal(await this.exit, 0);
  }

  #take(line) {
    const waits = this.#waiting.shift();
    if (waits) waits(line);
    else this.#lines.push(line);
  }

  async #readTo(last) {
    const read = [];
    while (!last.test(read.at(-1) ?? "")) {
      const next = new Promise((resolve) => {
        if (this.#lines.length > 0) resolve(this.#lines.shift());
        else this.#waiting.push(resolve);
      });
      read.push(await within(next, `${last} after ${read.join("\n")}`, PATIENCE));
      assert.notEqual(read.at(-1), "The program ended.", read.join("\n"));
    }
    return read;
  }
}
