// How much a browser fetches, against what it may. `npm run build` first.

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** Kilobytes, packed with gzip: what the page needs before it is there, its colours, and any part that comes later. */
const LIMITS = { script: 150, style: 20, part: 60 };

const dist = new URL("../../crates/server/web-dist/", import.meta.url).pathname;
const page = await readFile(join(dist, "index.html"), "utf8");
const names = (await readdir(join(dist, "assets"))).filter((name) => /\.(js|css)$/.test(name));
let script = 0;
const lines = [];
for (const name of names) {
  const kilobytes = (await stat(join(dist, "assets", `${name}.gz`))).size / 1000;
  const isFirst = page.includes(name);
  if (name.endsWith(".css")) lines.push([name, kilobytes, LIMITS.style]);
  else if (isFirst) script += kilobytes;
  else lines.push([name, kilobytes, LIMITS.part]);
}
lines.unshift(["scripts of the page", script, LIMITS.script]);
let isTooLarge = false;
for (const [name, kilobytes, limit] of lines) {
  const verdict = kilobytes > limit ? "TOO LARGE" : "";
  isTooLarge ||= kilobytes > limit;
  console.log(`${name.padEnd(32)} ${kilobytes.toFixed(1).padStart(6)} kB of ${limit} ${verdict}`);
}
if (isTooLarge) process.exit(1);
