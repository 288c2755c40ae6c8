import type { Thread } from "@semel/sdk";

/** Whether somebody wants no notifications of a thread; with an end in the past they do again. */
export function isMutedNow({ preferences }: Thread, now = Date.now()): boolean {
  const { muted, muted_until } = preferences;
  return muted && (!muted_until || Date.parse(muted_until) > now);
}
