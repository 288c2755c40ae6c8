// Before Vite: nothing of the last build stays, except the file by which Git keeps the directory.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const dist = new URL("../../crates/server/web-dist/", import.meta.url).pathname;
for (const name of await readdir(dist)) {
  if (name !== ".gitignore") await rm(join(dist, name), { recursive: true });
}
