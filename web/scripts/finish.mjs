// After Vite: the service worker gets the list of files, and every file its packed forms.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = new URL("../../crates/server/web-dist/", import.meta.url).pathname;
const all = await readdir(dist, { recursive: true, withFileTypes: true });
const files = all
  .filter((file) => file.isFile() && !file.name.startsWith("."))
  .map((file) => join(file.parentPath, file.name));

const addresses = files
  .map((file) => `/${file.slice(dist.length)}`)
  .filter((path) => path !== "/sw.js");
const shell = addresses.map((path) => (path === "/index.html" ? "/" : path)).sort();
const hash = createHash("sha256");
for (const file of [...files].sort()) hash.update(await readFile(file));
const version = hash.digest("hex").slice(0, 16);
let worker = await readFile(join(dist, "sw.js"), "utf8");
fill('"VERSION"', JSON.stringify(version));
// However a formatter breaks the lines.
fill(/\[\s*\/\* FILES \*\/\s*\]/, JSON.stringify(shell));
await writeFile(join(dist, "sw.js"), worker);

function fill(place, value) {
  const filled = worker.replace(place, () => value);
  if (filled === worker) throw new Error(`sw.js has no place ${place}`);
  worker = filled;
}

for (const file of files.filter((name) => /\.(html|js|css|svg|webmanifest)$/.test(name))) {
  const plain = await readFile(file);
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  await writeFile(`${file}.br`, brotliCompressSync(plain, brotli));
  await writeFile(`${file}.gz`, gzipSync(plain, { level: 9 }));
}
