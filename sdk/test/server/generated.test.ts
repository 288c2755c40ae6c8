// What is generated is what the server and the documents say now.

import { readFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { generate } from "../../scripts/generated.mjs";
import { Server } from "../support/server.js";

/** Formatting is not what counts. */
const bare = (text: string) => text.replaceAll(/[\s,;]+/g, "");

test("types, codes and limits are those of the server; else: npm run generate", async () => {
  const server = await Server.start();
  const description = await (await fetch(`${server.url}/api/openapi.json`)).json();
  await server.close();
  for (const [path, text] of Object.entries(await generate(description))) {
    const kept = await readFile(new URL(`../../${path}`, import.meta.url), "utf8");
    expect(bare(kept), `${path} is stale`).toBe(bare(text));
  }
});
