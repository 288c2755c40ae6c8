// Packs the SDK as it would be published, and asks whether every way of importing it finds its types.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "semel-sdk-pack-"));
try {
  const run = (program, ...args) => execFileSync(program, args, { encoding: "utf8" });
  const [packed] = JSON.parse(
    run("npm", "pack", "--json", "--loglevel=error", "--pack-destination", folder),
  );
  const stray = packed.files
    .map(({ path }) => path)
    .filter((path) => !/^(dist\/|README\.md|LICENSE|package\.json)/.test(path));
  if (stray.length > 0)
    throw new Error(`the package has files that do not belong: ${stray.join(", ")}`);
  console.log(
    `${packed.filename}: ${packed.files.length} files, ${(packed.size / 1_000).toFixed(0)} KB packed`,
  );
  // ESM only: whoever requires it gets it from Node 22 on.
  run("npx", "attw", join(folder, packed.filename), "--profile", "esm-only", "--format", "ascii");
  console.log("types are found by every importer");
} catch (error) {
  console.error(error.stdout ?? error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
