// For how long there is no connection.

import type { ConnectionPhase } from "@semel/sdk";

/** Since when it is gone; none while it is there. Attempts to come back, however many, are all of one absence. */
export function goneSince(
  before: number | undefined,
  phase: ConnectionPhase,
  since: number,
): number | undefined {
  const isThere = phase === "online" || phase === "syncing";
  return isThere ? undefined : (before ?? since);
}
