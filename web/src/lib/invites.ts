// Links that invite into groups, as people get them.

import type { Invite } from "@semel/sdk";

/** What is after the `#` goes to no server and into no log. */
export function linkOf(origin: string, token: string): string {
  return `${origin}/join#${token}`;
}

/** It is listed until a new one needs its place, and lets nobody in. */
export function isUsedUp({ uses, uses_max }: Invite): boolean {
  return typeof uses_max === "number" && uses >= uses_max;
}
