// What was measured, as a table; with SEMEL_BENCH_PAGE=FILE it goes into that file, between its marks.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";

const MARKS = ["<!-- bench-web -->", "<!-- /bench-web -->"] as const;

export class Table {
  readonly #rows: string[][] = [];

  /** Milliseconds, against what 95 of 100 should stay below. */
  times(what: string, times: readonly number[], goal: number): void {
    const sorted = [...times].sort((a, b) => a - b);
    const at = (part: number) =>
      `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(0)} ms`;
    this.#rows.push([what, `${goal} ms`, at(0.5), at(0.95)]);
  }

  count(what: string, count: number, goal?: number): void {
    this.#rows.push([what, goal === undefined ? "" : `${goal}`, `${count}`, ""]);
  }

  megabytes(what: string, size: number, goal: number): void {
    this.#rows.push([what, `${goal} MB`, `${size.toFixed(1)} MB`, ""]);
  }

  /** As `npm run size` says. */
  sizes(): void {
    const text = execFileSync(process.execPath, ["scripts/size.mjs"], { encoding: "utf8" });
    for (const [, name = "", size = "", limit = ""] of text.matchAll(
      /^(.+?) +([\d.]+) kB of (\d+)/gm,
    )) {
      const what = name.replace(/-[\w-]{8}\.(js|css)$/, ".$1");
      this.#rows.push([`${what}, packed`, `${limit} kB`, `${size} kB`, ""]);
    }
  }

  finish(): void {
    const head = ["", "goal", "half of them", "95 of 100"];
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    const table = [line(head), "|---|--:|--:|--:|", ...this.#rows.map(line)].join("\n");
    const { model = "unknown" } = cpus()[0] ?? {};
    const words = `Measured on ${cpus().length} × ${model.trim()}, ${new Date().toISOString().slice(0, 10)}:`;
    console.log(`\n${words}\n\n${table}\n`);
    const page = process.env["SEMEL_BENCH_PAGE"];
    if (page === undefined) return;
    const text = readFileSync(page, "utf8");
    const [begin, end] = MARKS.map((mark) => text.indexOf(mark));
    if (begin === undefined || end === undefined || begin < 0 || end < begin)
      throw new Error(`${page} has no ${MARKS.join(" … ")}`);
    const filled = `${text.slice(0, begin)}${MARKS[0]}\n${words}\n\n${table}\n${text.slice(end)}`;
    writeFileSync(page, filled);
  }
}
