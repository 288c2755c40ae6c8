// Measures what a page loads, and fails when it is more than the budget: minified, gzipped, with everything that the SDK
// depends on but React.

import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const KB = 1_000;

/**
 * What an application imports, and how many bytes that may be. Own names, blocks, changed profiles and messages by id took 1 KB; tabs
 * that go on beside each other when the disk is full, and devices that forget, another one offline.
 */
const budgets = [
  {
    name: "online (in memory)",
    code: `export { createClient, memoryStorage } from "./dist/index.js";`,
    most: 37 * KB,
  },
  {
    name: "offline (IndexedDB, tabs)",
    code: `export { createClient, browserStorage } from "./dist/index.js";`,
    most: 41 * KB,
  },
  { name: "./react alone", code: `export * from "./dist/react/index.js";`, most: 2 * KB },
];

let isOver = false;
for (const { name, code, most } of budgets) {
  const bytes = await measure(code);
  isOver ||= bytes > most;
  const verdict = bytes > most ? "TOO LARGE" : "ok";
  console.log(`${name.padEnd(28)} ${kilobytes(bytes)} of ${kilobytes(most)} KB  ${verdict}`);
}
if (isOver) {
  console.error(
    "The SDK is larger than its budget: make it smaller, or change scripts/size.mjs and say why.",
  );
  process.exitCode = 1;
}

async function measure(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL("..", import.meta.url).pathname },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["react"],
    write: false,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

function kilobytes(bytes) {
  return (bytes / KB).toFixed(1).padStart(5);
}
