// Whether somebody is suspended, as far as the audit log tells.

import type { AuditLine } from "@semel/sdk";

/** What is known of somebody's standing: the last deed that says it. */
export type Standing =
  | { readonly type: "unknown" }
  | { readonly type: "good" }
  | { readonly type: "suspended"; readonly since: string };

/** From the audit log, newest first. */
export function standingIn(lines: readonly AuditLine[], userId: string): Standing {
  const last = lines.find(
    ({ user_id, deed }) => user_id === userId && (deed === "suspend" || deed === "lift"),
  );
  if (last === undefined) return { type: "unknown" };
  return last.deed === "lift" ? { type: "good" } : { type: "suspended", since: last.at };
}
