// A conversation on screen.

import { useMemo, useSyncExternalStore } from "react";

import { keyOf, type Peer } from "../client/peer.js";
import type { Timeline, TimelineState } from "../views/timeline.js";
import { useClient } from "./provider.js";

/** What a timeline shows, and what can be done with it. */
export interface TimelineView extends TimelineState {
  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  jumpTo(seq: number): Promise<void>;
  jumpToLatest(): Promise<void>;
  look(at: "end" | "back"): void;
}

/** Milliseconds after which a timeline that was looked at once and never listened to is closed. */
const UNUSED_AFTER = 5_000;

/** A conversation, open for as long as the component is there. */
export function useTimeline(peer: Peer): TimelineView {
  const client = useClient();
  const key = keyOf(peer, client.userId);
  // Equal peers are the same conversation, also when their objects differ.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` says all that `peer` does.
  const store = useMemo(() => openWhileUsed(() => client.openTimeline(peer)), [client, key]);
  const state = useSyncExternalStore(store.subscribe, store.get, store.get);
  return useMemo(() => ({ ...state, ...store.actions }), [state, store]);
}

/** Open from the first look on until nobody listens any more. React may look without ever listening: then it is closed. */
function openWhileUsed(open: () => Timeline) {
  let timeline: Timeline | undefined;
  let listeners = 0;
  const current = () => {
    if (timeline === undefined) {
      timeline = open();
      setTimeout(closeUnused, UNUSED_AFTER);
    }
    return timeline;
  };
  const closeUnused = () => {
    if (listeners > 0) return;
    timeline?.close();
    timeline = undefined;
  };
  return {
    get: () => current().get(),
    subscribe: (listener: () => void) => {
      listeners += 1;
      const unsubscribe = current().subscribe(listener);
      return () => {
        unsubscribe();
        listeners -= 1;
        // React listens again at once when it draws twice in development.
        setTimeout(closeUnused, 0);
      };
    },
    actions: {
      loadOlder: () => current().loadOlder(),
      loadNewer: () => current().loadNewer(),
      jumpTo: (seq: number) => current().jumpTo(seq),
      jumpToLatest: () => current().jumpToLatest(),
      look: (at: "end" | "back") => current().look(at),
    },
  };
}
