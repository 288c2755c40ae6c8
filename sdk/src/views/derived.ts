// Lists made of the replica, made when somebody looks.

import type { ReplicaState } from "../client/replica.js";
import { type Observable, partOf } from "../emitter.js";

/** A list whose lines are the same objects as before when they did not change. */
export function derived<T>(
  state: Observable<ReplicaState>,
  build: (state: ReplicaState, before: ReadonlyMap<string, T>) => readonly T[],
  keyOf: (item: T) => string,
): Observable<readonly T[]> {
  let source: ReplicaState | undefined;
  let list: readonly T[] = [];
  let before: ReadonlyMap<string, T> = new Map();
  return partOf(state, (now) => {
    if (now === source) return list;
    source = now;
    const next = build(now, before);
    before = new Map(next.map((item) => [keyOf(item), item]));
    list = keepList(list, next);
    return list;
  });
}

/** The list of before, when the lines are the same objects. */
export function keepList<T>(before: readonly T[], now: readonly T[]): readonly T[] {
  const isSame = before.length === now.length && now.every((one, place) => one === before[place]);
  return isSame ? before : now;
}
