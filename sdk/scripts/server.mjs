// A server of one's own for as long as something needs it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `work` with the address of a fresh server. */
export async function withServer(work) {
  const program =
    process.env.SEMEL_BIN ?? new URL("../../target/debug/semel", import.meta.url).pathname;
  const folder = await mkdtemp(join(tmpdir(), "semel-sdk-"));
  const args = [
    "serve",
    "--data-dir",
    folder,
    "--listen",
    "127.0.0.1:0",
    "--metrics-listen",
    "off",
  ];
  // Settings of whoever calls us are not those of this server.
  const { PATH, HOME } = process.env;
  const server = spawn(program, args, { env: { PATH, HOME }, stdio: ["ignore", "pipe", "pipe"] });
  const exit = new Promise((resolve) => server.once("exit", resolve));
  try {
    return await work(await address(server));
  } finally {
    server.kill("SIGKILL");
    await exit;
    await rm(folder, { recursive: true, force: true });
  }
}

function address(server) {
  return new Promise((resolve, reject) => {
    let text = "";
    const take = (part) => {
      text += part;
      const found = /open\s+(http:\/\/\S+)/.exec(text)?.[1];
      if (found) resolve(found);
    };
    server.stdout.on("data", take);
    server.stderr.on("data", take);
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`the server ended:\n${text}`)));
  });
}
