// Writes the generated files anew: `npm run generate -- [http://127.0.0.1:8080 | openapi.json]`. Without an address it
// starts the program that SEMEL_BIN names.

import { readFile, writeFile } from "node:fs/promises";

import { generate } from "./generated.mjs";
import { withServer } from "./server.mjs";

async function description(source) {
  if (source === undefined) return withServer(async (url) => description(url));
  if (!source.startsWith("http")) return JSON.parse(await readFile(source, "utf8"));
  return (await fetch(`${source}/api/openapi.json`)).json();
}

const files = await generate(await description(process.argv[2]));
for (const [path, text] of Object.entries(files)) {
  await writeFile(new URL(`../${path}`, import.meta.url), text);
  console.log(`wrote ${path}`);
}
