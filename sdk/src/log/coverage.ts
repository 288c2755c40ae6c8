// Of which seqs every message is held: disjoint intervals in ascending order. Pure.

import type { Interval } from "../database/schema.js";

/** With one more interval; those that touch become one. */
export function cover(coverage: readonly Interval[], added: Interval): readonly Interval[] {
  let [first, last] = added;
  if (last < first) return coverage;
  const apart: Interval[] = [];
  for (const interval of coverage) {
    if (interval[1] < first - 1 || interval[0] > last + 1) apart.push(interval);
    else {
      first = Math.min(first, interval[0]);
      last = Math.max(last, interval[1]);
    }
  }
  return [...apart, [first, last] as const].sort((a, b) => a[0] - b[0]);
}

/** The interval with this seq in it. */
export function covering(coverage: readonly Interval[], seq: number): Interval | undefined {
  return coverage.find(([first, last]) => first <= seq && seq <= last);
}

/** Last seq that is held; 0 when nothing is. */
export function coveredEnd(coverage: readonly Interval[]): number {
  return coverage.at(-1)?.[1] ?? 0;
}

/** Whether every seq of an interval is held. */
export function isCovered(coverage: readonly Interval[], [first, last]: Interval): boolean {
  return last < first || (covering(coverage, first)?.[1] ?? 0) >= last;
}
