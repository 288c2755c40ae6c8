// The tabs of one account in one browser. One of them leads: it talks to the server and sends what waits.
//
// Invariant: that there is one leader saves connections; correctness does not depend on it.

import type { News } from "./news.js";

/** Leads until `lost` says that another tab does. */
export type Lead = (lost: AbortSignal) => Promise<void>;

/** This tab among the others. */
export interface Tabs {
  /** This tab's name for itself. */
  readonly name: string;
  /** Leads as soon as no other tab does, again and again until closed. `now`: the first time, instead of who leads. */
  campaign(lead: Lead, now?: boolean): void;
  /** Tells all other tabs. */
  tell(news: News): void;
  /** Hears what others tell. */
  listen(listener: (news: News) => void): void;
  /** Leaves; if it led, another one will. */
  close(): void;
}

/** This tab among others that can do without it. */
export interface SharedTabs extends Tabs {
  /** Does not lead with them any more; if it led, another one will. */
  leave(): void;
}

/** The only tab. */
export function alone(): Tabs {
  const end = new AbortController();
  return {
    name: "only",
    campaign: (lead) => void lead(end.signal),
    tell: () => {},
    listen: () => {},
    close: () => end.abort(),
  };
}
