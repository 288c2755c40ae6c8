// A tab that keeps things in memory is apart from the others: nothing that it learns reaches them.

import type { KeptIn } from "../database/resilient.js";
import type { Observable } from "../emitter.js";
import type { News } from "./news.js";
import type { SharedTabs, Tabs } from "./port.js";

/**
 * Tabs that share a disk. One that goes on in memory leaves the lead to those that still have the disk, and talks to the server
 * for itself, beside them. Of what they tell each other only the end concerns it.
 */
export function tabsOfDisk(tabs: SharedTabs, keptIn: Observable<KeptIn>): Tabs {
  const { name } = tabs;
  const end = new AbortController();
  const isApart = () => keptIn.get().type === "memory";
  const concerns = ({ type }: News) => type === "signed_out" || !isApart();
  const leave = () => {
    tabs.tell({ type: "interest", tab: name, interest: { threads: [], people: [] } });
    tabs.leave();
  };
  return {
    name,
    campaign(lead, now) {
      const look = () => {
        if (!isApart()) return;
        leave();
        void lead(end.signal);
      };
      if (!isApart()) tabs.campaign(lead, now);
      keptIn.subscribe(look);
      look();
    },
    tell: (news) => (concerns(news) ? tabs.tell(news) : undefined),
    listen: (listener) => tabs.listen((news) => (concerns(news) ? listener(news) : undefined)),
    close() {
      leave();
      end.abort();
      tabs.close();
    },
  };
}
