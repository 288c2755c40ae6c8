// Lists made of the replica, made when somebody looks.

import type { ReplicaState } from "../client/replica.js";
import type { Observable } from "../emitter.js";

/** A list whose lines are the same objects as before when they did not change. */
export function derived<T>(
  state: Observable<ReplicaState>,
  build: (state: ReplicaState, before: ReadonlyMap<string, T>) => readonly T[],
  keyOf: (item: T) => string,
): Observable<readonly T[]> {
  let source: ReplicaState | undefined;
  let list: readonly T[] = [];
  let before: ReadonlyMap<string, T> = new Map();
  const get = () => {
    const now = state.get();
    if (now === source) return list;
    source = now;
    const next = build(now, before);
    before = new Map(next.map((item) => [keyOf(item), item]));
    const isSame = next.length === list.length && next.every((item, place) => item === list[place]);
    if (!isSame) list = next;
    return list;
  };
  const subscribe = (listener: () => void) => {
    let shown = get();
    return state.subscribe(() => {
      const now = get();
      if (now === shown) return;
      shown = now;
      listener();
    });
  };
  return { get, subscribe };
}
