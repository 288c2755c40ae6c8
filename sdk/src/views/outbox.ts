// What waits, in numbers. A message's own state is in its row.

import type { ReplicaState } from "../client/replica.js";
import { type Observable, partOf } from "../emitter.js";
import type { Failure } from "../outbox/item.js";

/** What waits to be sent, and what was given up. */
export interface OutboxState {
  /** Messages and changes on their way. */
  readonly waiting: number;
  readonly failed: number;
  /** What was given up, and why. */
  readonly failures: readonly (Failure & { readonly client_id: string; readonly type: string })[];
}

/** The outbox as an observable. */
export function buildOutbox(state: Observable<ReplicaState>): Observable<OutboxState> {
  let source: ReplicaState | undefined;
  let shown: OutboxState = { waiting: 0, failed: 0, failures: [] };
  return partOf(state, (now) => {
    if (now.outbox === source?.outbox && now.failed === source.failed) return shown;
    source = now;
    const failures = now.failed.map(({ client_id, work, failure }) => ({
      client_id,
      type: work.type,
      ...(failure as Failure),
    }));
    const next = { waiting: now.outbox.length, failed: failures.length, failures };
    if (JSON.stringify(next) !== JSON.stringify(shown)) shown = next;
    return shown;
  });
}
